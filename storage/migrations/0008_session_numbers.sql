-- Each opening has a number: increasing within its log partition, unique over all (state_machine/numbers.py). It stands
-- on the row of the opening and is 0 on every other.
ALTER TABLE room_events{_local}{on_cluster} ADD COLUMN IF NOT EXISTS session_number UInt64 CODEC(ZSTD(1)) AFTER epoch;
{cluster}ALTER TABLE room_events{on_cluster} ADD COLUMN IF NOT EXISTS session_number UInt64 AFTER epoch;

-- The last number of each partition, which whoever takes the partition over goes on behind.
ALTER TABLE room_events{_local}{on_cluster} ADD PROJECTION IF NOT EXISTS by_session_number
(
    SELECT log_partition, max(session_number)
    GROUP BY log_partition
);
ALTER TABLE room_events{_local}{on_cluster} MATERIALIZE PROJECTION by_session_number;

-- The same where retention can't take it.
ALTER TABLE owners{on_cluster} ADD COLUMN IF NOT EXISTS mark_session_number UInt64 DEFAULT 0;

-- The landing table and the gate carry it. The gate is altered and never missing: without it an insert would be
-- answered, and be nowhere.
ALTER TABLE room_events_landing{_local}{on_cluster} ADD COLUMN IF NOT EXISTS session_number UInt64 AFTER epoch;
{cluster}ALTER TABLE room_events_landing{on_cluster} ADD COLUMN IF NOT EXISTS session_number UInt64 AFTER epoch;
ALTER TABLE room_events_gate{on_cluster} MODIFY QUERY
SELECT *, now64(3) AS inserted_at
FROM room_events_landing{_local}
WHERE NOT throwIf(
    (log_partition, epoch) NOT IN (SELECT log_partition, max(epoch) FROM owners GROUP BY log_partition{consistently}),
    'stale epoch');

-- live_sessions with the number, and with the protocol that an opening said its client speaks. A stay that was opened before there were numbers gets 52 bits of a hash of what it is,
-- above 2^52: no opening's own number gets there before 2054, and among 100,000 of them two are the same once in a
-- million times.
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
    known_bytes_recv AS bytes_recv,
    if(known_number = 0, bitShiftLeft(toUInt64(1), 52) + bitShiftRight(cityHash64(toString(room_kind), room_id,
        session_id, toUnixTimestamp64Milli(opened_at)), 12), known_number) AS session_number,
    known_protocol AS protocol
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
        max(session_number) AS known_number,
        maxIf(JSONExtractString(extra, 'protocol'), fact = 'session_opened') AS known_protocol,
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
