-- Room's sessions: who is in a room now, and in which state since when (counters; bytes as the client claims them).
-- Parameters: room_kind, room ('' = all); limit.
SELECT
    room_kind,
    room_id,
    session_id,
    user_id,
    state,
    state_since,
    connections,
    send_streams,
    recv_streams,
    opened_at,
    last_seen_at,
    lease_ends_at,
    app,
    service,
    device_type,
    client_ip,
    user_agent,
    bytes_sent,
    bytes_recv
FROM live_sessions
WHERE ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
    AND ({room:String} = '' OR room_id = {room:String})
ORDER BY room_kind, room_id, opened_at, session_id
LIMIT {limit:UInt32}
