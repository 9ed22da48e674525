-- Violations: the newest updates that contradict the protocol, with counters before and after (one row an update).
-- Parameters: from, to: updates of that time; room_kind, room, user_agent ('' = all); limit.
SELECT
    at,
    room_kind,
    room_id,
    session_id,
    event,
    prev_state,
    state,
    prev_connections,
    prev_send_streams,
    prev_recv_streams,
    connections,
    send_streams,
    recv_streams,
    reason,
    moved,
    user_agent
FROM violations
WHERE at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
    AND ({room:String} = '' OR room_id = {room:String})
    AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
ORDER BY at DESC, log_partition, log_offset DESC, log_index DESC
LIMIT {limit:UInt32}
