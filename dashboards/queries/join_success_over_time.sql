-- Join success over time: stays in calls that reached media, of those that left init (percent; by time of opening).
-- A step without joins has no percentage.
-- Parameters: from, to: stays that opened in between; step_s; room, user_agent ('' = all).
SELECT
    toStartOfInterval(opened_at, toIntervalSecond({step_s:UInt32})) AS time,
    round(100 * countIf(first_media_at IS NOT NULL) / nullIf(joins, 0), 2) AS percent,
    round(100 * countIf(toUnixTimestamp64Milli(first_media_at) - toUnixTimestamp64Milli(opened_at) <= 5000)
        / nullIf(joins, 0), 2) AS percent_within_5_s,
    countIf(left_init_at IS NOT NULL) AS joins
FROM sessions
WHERE room_kind = 'call' AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
    AND ({room:String} = '' OR room_id = {room:String})
    AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
GROUP BY time
ORDER BY time WITH FILL
    FROM toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32}))
    TO greatest(
        toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32})),
        toDateTime(least({to:DateTime64(3, 'UTC')}, now64(3)) + toIntervalMillisecond(999), 'UTC'))
    STEP {step_s:UInt32}
