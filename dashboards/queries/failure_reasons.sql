-- Failure reasons: why calls failed for whom it did, a closed list (stays and denied openings; percent of all of them).
-- Parameters: from, to: stays that opened, and openings that were denied, in between; room, user_agent ('' = all).
WITH
    ['sdk_exception', 'network_disconnected', 'force_disconnected', 'lease_expired', 'killed', 'limit_denied',
        'never_connected', 'unknown'] AS reasons,
    attempts AS
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
SELECT
    reasons[number] AS reason,
    countIf(failure = reasons[number]) AS failures,
    round(100 * countIf(failure = reasons[number]) / count(), 2) AS percent
FROM attempts
ARRAY JOIN arrayEnumerate(reasons) AS number
GROUP BY number
ORDER BY number
