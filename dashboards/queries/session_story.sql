-- Session's story: every fact of a session, in the order in which they were decided (times; counters).
-- Parameters: session; room ('' = all); limit.
SELECT
    at,
    room_kind,
    room_id,
    session_id,
    opened_at,
    fact,
    kind,
    event,
    verdict,
    reason,
    rule_version,
    moved,
    prev_state,
    state,
    prev_connections,
    prev_send_streams,
    prev_recv_streams,
    connections,
    send_streams,
    recv_streams,
    lease_ends_at,
    user_id,
    user_agent,
    occurred_at,
    received_at,
    log_partition,
    log_offset,
    log_index,
    fact_index
FROM room_events
WHERE session_id = {session:String}
    AND ({room:String} = '' OR room_id = {room:String})
ORDER BY log_partition, log_offset, log_index, fact_index = 0, fact_index
LIMIT {limit:UInt32}
