-- What people and dashboards read: plain views, made fast by the projections of room_events (design section 7).
-- An aggregate must be spelled exactly as in its projection, or the engine reads every row instead (and so notEmpty(x),
-- because it rewrites x != '' to that).

-- Lines of the log that are no inputs, with their bytes. They stand under room kind call and an empty room id.
CREATE OR REPLACE VIEW dead_letters{on_cluster} AS
SELECT
    log_partition,
    log_offset,
    log_index,
    base64Decode(JSONExtractString(extra, 'base64')) AS bytes,
    reason,
    at,
    JSONExtractUInt(extra, 'bytes') AS length_bytes,
    JSONExtractString(extra, 'detail') AS detail
FROM room_events
WHERE room_kind = 'call' AND room_id = '' AND fact = 'dead_letter';

-- One row per log partition and insert.
CREATE OR REPLACE VIEW ledger{on_cluster} AS
SELECT
    log_partition,
    min(log_offset) AS first_offset,
    max(log_offset) AS last_offset,
    countIf(fact_index = 0) AS inputs,
    count() AS facts,
    countIf(fact_index = 0 AND fact = 'dead_letter') AS dead_letters,
    epoch,
    judged_at
FROM room_events
GROUP BY log_partition, epoch, judged_at;

-- Accepted (what the frames said they held) = stored + dead_lettered, once nothing is pending in the log.
CREATE OR REPLACE VIEW accounting{on_cluster} AS
SELECT
    log_partition,
    countIf(log_index = 0 AND fact_index = 0) AS frames,
    min(log_offset) AS first_offset,
    max(log_offset) AS last_offset,
    sumIf(frame_inputs, log_index = 0 AND fact_index = 0) AS accepted,
    countIf(fact_index = 0 AND fact != 'dead_letter') AS stored,
    countIf(fact_index = 0 AND fact = 'dead_letter') AS dead_lettered
FROM room_events
GROUP BY log_partition;

-- One row per stay. media_ms and two_way_ms count closed intervals, peaks count moved snapshots, statuses count all.
-- For one room's or one session's live stays ask here (closed_at, lease_ends_at): live_sessions looks at all rooms.
CREATE OR REPLACE VIEW sessions{on_cluster} AS
SELECT
    room_kind,
    room_id,
    session_id,
    known_user_id AS user_id,
    opened_at,
    if(closings > 0, toNullable(last_closed_at), NULL) AS closed_at,
    last_close_reason AS close_reason,
    nullIf(send_since, toDateTime64(0, 3, 'UTC')) AS first_send_at,
    nullIf(recv_since, toDateTime64(0, 3, 'UTC')) AS first_recv_at,
    nullIf(two_way_since, toDateTime64(0, 3, 'UTC')) AS first_two_way_at,
    media_ms,
    two_way_ms,
    peak_connections,
    peak_send_streams,
    peak_recv_streams,
    statuses,
    violations,
    tupleElement(last_snapshot, 1) AS last_state,
    known_device_type AS device_type,
    known_user_agent AS user_agent,
    nullIf(lease_end, toDateTime64(0, 3, 'UTC')) AS lease_ends_at
FROM
(
    SELECT
        room_kind,
        room_id,
        session_id,
        opened_at,
        max(user_id) AS known_user_id,
        max(device_type) AS known_device_type,
        argMaxIf(user_agent, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), notEmpty(user_agent))
            AS known_user_agent,
        argMaxIf((state, connections, send_streams, recv_streams),
            bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), moved)
            AS last_snapshot,
        argMaxIf(lease_ends_at, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
            lease_ends_at != toDateTime64(0, 3, 'UTC')) AS lease_end,
        countIf(fact = 'session_closed') AS closings,
        maxIf(at, fact = 'session_closed') AS last_closed_at,
        maxIf(reason, fact = 'session_closed') AS last_close_reason,
        minIf(at, moved AND send_streams > 0) AS send_since,
        minIf(at, moved AND recv_streams > 0) AS recv_since,
        minIf(at, moved AND state = 'sendrecv') AS two_way_since,
        sumIf(toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(prev_since),
            prev_state IN ('sending', 'receiving', 'sendrecv')
            AND (fact = 'session_closed' OR (moved AND state != prev_state))) AS media_ms,
        sumIf(toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(prev_since),
            prev_state = 'sendrecv' AND (fact = 'session_closed' OR (moved AND state != prev_state))) AS two_way_ms,
        maxIf(connections, moved) AS peak_connections,
        maxIf(send_streams, moved) AS peak_send_streams,
        maxIf(recv_streams, moved) AS peak_recv_streams,
        countIf(fact = 'status_judged') AS statuses,
        countIf(verdict = 'violation') AS violations
    FROM room_events
    WHERE session_id != '' AND opened_at > toDateTime64(0, 3, 'UTC')
    GROUP BY room_kind, room_id, session_id, opened_at
);

-- What each stay was in, from when to when, in log order: a row for the opening (state init) and for each status that
-- changed the state; the row after it ends it. Open intervals have no left_at and no duration_ms.
CREATE OR REPLACE VIEW state_intervals{on_cluster} AS
SELECT
    room_kind,
    room_id,
    session_id,
    state,
    at AS entered_at,
    left_at,
    toUnixTimestamp64Milli(left_at) - toUnixTimestamp64Milli(at) AS duration_ms,
    if(fact = 'session_opened', 'open', event) AS entered_by,
    next_state,
    opened_at
FROM
(
    SELECT
        room_kind,
        room_id,
        session_id,
        opened_at,
        fact,
        event,
        state,
        at,
        leadInFrame(toNullable(at)) OVER stay AS left_at,
        leadInFrame(state) OVER stay AS next_state
    FROM room_events
    WHERE session_id != '' AND opened_at > toDateTime64(0, 3, 'UTC')
        AND (fact = 'session_closed' OR (moved AND state != prev_state))
    WINDOW stay AS
    (
        PARTITION BY room_kind, room_id, session_id, opened_at
        ORDER BY bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0)
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )
)
WHERE fact != 'session_closed';

-- Stays that have not closed and whose lease is not over (no lease: no end). The inner IN finds candidates by the
-- lease_horizon index, so days whose leases are all over are not read; its expression must be the index's.
CREATE OR REPLACE VIEW live_sessions{on_cluster} AS
SELECT
    room_kind,
    room_id,
    session_id,
    known_user_id AS user_id,
    tupleElement(last_snapshot, 1) AS state,
    tupleElement(last_snapshot, 2) AS connections,
    tupleElement(last_snapshot, 3) AS send_streams,
    tupleElement(last_snapshot, 4) AS recv_streams,
    opened_at,
    last_seen_at,
    nullIf(lease_end, toDateTime64(0, 3, 'UTC')) AS lease_ends_at,
    known_app AS app,
    known_service AS service,
    known_device_type AS device_type,
    known_client_ip AS client_ip,
    known_user_agent AS user_agent,
    known_bytes_sent AS bytes_sent,
    known_bytes_recv AS bytes_recv
FROM
(
    SELECT
        room_kind,
        room_id,
        session_id,
        opened_at,
        max(user_id) AS known_user_id,
        max(device_type) AS known_device_type,
        argMaxIf(user_agent, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), notEmpty(user_agent))
            AS known_user_agent,
        max(app) AS known_app,
        max(service) AS known_service,
        argMaxIf(client_ip, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), notEmpty(client_ip))
            AS known_client_ip,
        argMaxIf(lease_ends_at, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
            lease_ends_at != toDateTime64(0, 3, 'UTC')) AS lease_end,
        argMaxIf((state, connections, send_streams, recv_streams),
            bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), moved)
            AS last_snapshot,
        max(received_at) AS last_seen_at,
        max(bytes_sent) AS known_bytes_sent,
        max(bytes_recv) AS known_bytes_recv,
        countIf(fact = 'session_closed') AS closings
    FROM room_events
    WHERE session_id != '' AND opened_at > toDateTime64(0, 3, 'UTC')
        AND (room_kind, room_id, session_id, opened_at) {global}IN
        (
            SELECT room_kind, room_id, session_id, opened_at
            FROM room_events
            WHERE if(fact = 'session_opened' AND toUnixTimestamp64Milli(lease_ends_at) = 0, 9000000000000,
                toUnixTimestamp64Milli(lease_ends_at)) > toUnixTimestamp64Milli(now64(3))
        )
    GROUP BY room_kind, room_id, session_id, opened_at
)
WHERE closings = 0 AND (lease_end = toDateTime64(0, 3, 'UTC') OR lease_end > now64(3));
