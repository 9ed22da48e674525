-- Violations by reason: updates that contradict the protocol, and in how many stays (counts).
-- Parameters: from, to: updates of that time; room_kind, room, user_agent ('' = all).
SELECT
    reason,
    count() AS violations,
    uniqExact(room_kind, room_id, session_id, opened_at) AS stays
FROM violations
WHERE at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
    AND ({room:String} = '' OR room_id = {room:String})
    AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
GROUP BY reason
ORDER BY violations DESC, reason
