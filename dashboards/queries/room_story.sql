-- Room's story: every fact of a room and of everybody in it, in the order in which they were decided (times; counters).
-- Parameters: from, to: of that time; room_kind ('' = all), room; limit.
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
WHERE room_id = {room:String} AND fact NOT IN ('dead_letter', 'user_registered')
    AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
ORDER BY room_kind, log_partition, log_offset, log_index, fact_index = 0, fact_index
LIMIT {limit:UInt32}
