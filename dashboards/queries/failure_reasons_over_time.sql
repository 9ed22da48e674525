-- Failure reasons over time: stays that failed and openings that were denied, by time of opening (per step).
-- Parameters: from, to: of that time; step_s; room, user_agent ('' = all).
SELECT
    toStartOfInterval(tried_at, toIntervalSecond({step_s:UInt32})) AS time,
    countIf(failure = 'sdk_exception') AS sdk_exception,
    countIf(failure = 'network_disconnected') AS network_disconnected,
    countIf(failure = 'force_disconnected') AS force_disconnected,
    countIf(failure = 'lease_expired') AS lease_expired,
    countIf(failure = 'killed') AS killed,
    countIf(failure = 'limit_denied') AS limit_denied,
    countIf(failure = 'never_connected') AS never_connected,
    countIf(failure = 'unknown') AS unknown
FROM
(
    SELECT opened_at AS tried_at, failure
    FROM sessions
    WHERE room_kind = 'call' AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
        AND ({room:String} = '' OR room_id = {room:String})
        AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
    UNION ALL
    SELECT at AS tried_at, 'limit_denied' AS failure
    FROM room_events
    WHERE room_kind = 'call' AND fact = 'open_refused' AND reason IN ('room_full', 'client_capacity')
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
