-- Joins over time: stays in calls that opened, and openings that were refused (per step).
-- Parameters: from, to: of that time; step_s; room, user_agent ('' = all).
SELECT
    time,
    sum(opened) AS joins,
    sum(refused) AS refusals
FROM
(
    SELECT
        toStartOfInterval(opened_at, toIntervalSecond({step_s:UInt32})) AS time,
        1 AS opened,
        0 AS refused
    FROM sessions
    WHERE room_kind = 'call' AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
        AND ({room:String} = '' OR room_id = {room:String})
        AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
    UNION ALL
    SELECT
        toStartOfInterval(at, toIntervalSecond({step_s:UInt32})) AS time,
        0 AS opened,
        1 AS refused
    FROM room_events
    WHERE room_kind = 'call' AND fact = 'open_refused'
        AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
        AND ({room:String} = '' OR room_id = {room:String})
        AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
)
GROUP BY time
ORDER BY time WITH FILL
    FROM toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32}))
    TO greatest(
        toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32})),
        toDateTime(least({to:DateTime64(3, 'UTC')}, now64(3)) + toIntervalMillisecond(999), 'UTC'))
    STEP {step_s:UInt32}
