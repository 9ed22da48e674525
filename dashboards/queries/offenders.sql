-- Offenders: updates that violate the protocol, by what sent them and how (counts), worst first.
-- Parameters: from, to: updates of that time; room_kind, room ('' = all); limit.
SELECT
    user_agent,
    event,
    reason,
    count() AS violations,
    uniqExact(room_kind, room_id, session_id) AS sessions
FROM violations
WHERE at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
    AND ({room:String} = '' OR room_id = {room:String})
GROUP BY user_agent, event, reason
ORDER BY violations DESC, user_agent, event, reason
LIMIT {limit:UInt32}
