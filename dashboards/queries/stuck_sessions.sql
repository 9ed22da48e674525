-- Stuck sessions: live ones that are in starting or cleanup, longest first (milliseconds).
-- Parameters: room_kind, room, user_agent ('' = all); limit.
SELECT
    room_kind,
    room_id,
    session_id,
    state,
    state_since,
    toUnixTimestamp64Milli(now64(3)) - toUnixTimestamp64Milli(state_since) AS stuck_ms,
    connections,
    send_streams,
    recv_streams,
    last_seen_at,
    user_agent
FROM live_sessions
WHERE state IN ('starting', 'cleanup')
    AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
    AND ({room:String} = '' OR room_id = {room:String})
    AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
ORDER BY state_since, room_kind, room_id, session_id
LIMIT {limit:UInt32}
