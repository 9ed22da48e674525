-- Room as of: who was in a room at a moment, in which state since when (times; counters as the client told them).
-- Parameters: room_kind ('' = all), room; at: the moment. A stay counts from its opening to before its end, which
-- is its closing or, where none is stored, its lease's end, but not before its last fact.
SELECT
    room_kind,
    room_id,
    session_id,
    known_user_id AS user_id,
    tupleElement(snapshot, 1) AS state,
    state_entered_at AS state_since,
    tupleElement(snapshot, 2) AS connections,
    tupleElement(snapshot, 3) AS send_streams,
    tupleElement(snapshot, 4) AS recv_streams,
    opened_at,
    ends_at,
    close_reason
FROM
(
    WITH
        (log_offset, log_index, fact_index = 0) AS place,
        at <= {at:DateTime64(3, 'UTC')} AS is_past
    SELECT
        room_kind,
        room_id,
        session_id,
        opened_at,
        max(user_id) AS known_user_id,
        argMaxIf((state, connections, send_streams, recv_streams), place, moved AND is_past) AS snapshot,
        argMaxIf(at, place, moved AND state != prev_state AND is_past) AS state_entered_at,
        argMaxIf(lease_ends_at, place, lease_ends_at != toDateTime64(0, 3, 'UTC')) AS lease_end,
        multiIf(
            countIf(fact = 'session_closed') > 0, toNullable(maxIf(at, fact = 'session_closed')),
            lease_end = toDateTime64(0, 3, 'UTC'), NULL,
            greatest(lease_end, max(at))) AS ends_at,
        maxIf(reason, fact = 'session_closed') AS close_reason
    FROM room_events
    WHERE ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String}) AND room_id = {room:String}
        AND session_id != '' AND opened_at > toDateTime64(0, 3, 'UTC') AND opened_at <= {at:DateTime64(3, 'UTC')}
    GROUP BY room_kind, room_id, session_id, opened_at
)
WHERE ends_at IS NULL OR ends_at > {at:DateTime64(3, 'UTC')}
ORDER BY opened_at, session_id, room_kind
