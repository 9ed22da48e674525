-- Finding live stays at a cost that grows with them and not with the past.

-- For each partition and day of opening: what was opened and what was closed, each as a sum of hashes. Where the two
-- are equal, everybody who opened on that day is closed; storage/live_stays.py begins with the other days.
ALTER TABLE room_events{_local}{on_cluster} ADD PROJECTION IF NOT EXISTS by_opening
(
    SELECT
        log_partition,
        toDate(opened_at),
        max(judged_at),
        sumIf(cityHash64(room_kind, room_id, session_id, opened_at), fact = 'session_opened'),
        sumIf(cityHash64(room_kind, room_id, session_id, opened_at), fact = 'session_closed')
    GROUP BY log_partition, toDate(opened_at)
);
ALTER TABLE room_events{_local}{on_cluster} MATERIALIZE PROJECTION by_opening;

-- Stays that have not closed and whose lease is not over (no lease: no end). The candidates are found by the
-- lease_horizon index, so days whose leases are all over are not read; its expression must be the index's. Their rows
-- are found by the time of their opening: by its index where they can be, by the value itself (8 bytes a row) before
-- anything else of a row is read.
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
    PREWHERE opened_at {global}IN
        (
            SELECT opened_at
            FROM room_events
            WHERE if(fact = 'session_opened' AND toUnixTimestamp64Milli(lease_ends_at) = 0, 9000000000000,
                toUnixTimestamp64Milli(lease_ends_at)) > toUnixTimestamp64Milli(now64(3))
        )
    WHERE session_id != '' AND opened_at > toDateTime64(0, 3, 'UTC')
        AND at >=
        (
            SELECT min(opened_at)
            FROM room_events
            WHERE if(fact = 'session_opened' AND toUnixTimestamp64Milli(lease_ends_at) = 0, 9000000000000,
                toUnixTimestamp64Milli(lease_ends_at)) > toUnixTimestamp64Milli(now64(3))
        )
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
