-- The one table that is written: one row per fact (interfaces, `room_events`; design section 7).
--
-- * A part holds one insert: the day is that of judged_at, which is one time for the whole block, so a block is there
--   or not. `at` (a fact's own time, which may be older) has a minmax index.
-- * Sorted for one room's story; a session is found by its id alone through a bloom filter.
-- * lease_horizon lets "who is live now" skip every granule whose leases are over: an opening without an end counts
--   as a lease that ends in 2255. (It is in integers because the engine matches no index on a DateTime64 constant.)
-- * Aggregates are projections, part of each part itself, so they can't be ahead of or behind the rows.
-- * Parts are synced to disk before an insert is answered; up to 128 MiB they are one file of all columns, because an
--   insert of 50,000 rows that makes and syncs a file for each column takes four times as long.
CREATE TABLE IF NOT EXISTS room_events{_local}{on_cluster}
(
    kind LowCardinality(String),
    fact LowCardinality(String),
    fact_index UInt16 CODEC(T64, ZSTD(1)),

    room_kind Enum8('call' = 1, 'account' = 2, 'stream' = 3) CODEC(ZSTD(1)),
    room_id String CODEC(ZSTD(1)),
    session_id String CODEC(ZSTD(1)),
    user_id String CODEC(ZSTD(1)),

    event String CODEC(ZSTD(1)),
    event_family Enum8('notice' = 0, 'connection_created' = 1, 'connection_destroyed' = 2, 'recv_created' = 3,
        'recv_destroyed' = 4, 'send_created' = 5, 'send_destroyed' = 6) CODEC(ZSTD(1)),

    state String CODEC(ZSTD(1)),
    connections UInt32 CODEC(T64, ZSTD(1)),
    send_streams UInt32 CODEC(T64, ZSTD(1)),
    recv_streams UInt32 CODEC(T64, ZSTD(1)),

    prev_state String CODEC(ZSTD(1)),
    prev_connections UInt32 CODEC(T64, ZSTD(1)),
    prev_send_streams UInt32 CODEC(T64, ZSTD(1)),
    prev_recv_streams UInt32 CODEC(T64, ZSTD(1)),

    verdict LowCardinality(String),
    reason LowCardinality(String),
    rule_version UInt16 CODEC(T64, ZSTD(1)),
    moved Bool CODEC(ZSTD(1)),

    opened_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    prev_since DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    lease_ends_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),

    device_type LowCardinality(String),
    service LowCardinality(String),
    app LowCardinality(String),
    client_ip String CODEC(ZSTD(1)),
    user_agent String CODEC(ZSTD(1)),
    bytes_sent UInt64 CODEC(T64, ZSTD(1)),
    bytes_recv UInt64 CODEC(T64, ZSTD(1)),

    input_id String CODEC(ZSTD(1)),
    client_seq UInt64 CODEC(T64, ZSTD(1)),

    occurred_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    judged_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    inserted_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),

    log_partition UInt16 CODEC(T64, ZSTD(1)),
    log_offset UInt64 CODEC(Delta, ZSTD(1)),
    log_index UInt32 CODEC(T64, ZSTD(1)),
    frame_inputs UInt32 CODEC(T64, ZSTD(1)),

    epoch UInt64 CODEC(Delta, ZSTD(1)),

    extra String CODEC(ZSTD(3)),

    INDEX at_range at TYPE minmax GRANULARITY 1,
    INDEX session session_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX lease_horizon if(fact = 'session_opened' AND toUnixTimestamp64Milli(lease_ends_at) = 0, 9000000000000,
        toUnixTimestamp64Milli(lease_ends_at)) TYPE minmax GRANULARITY 1,

    -- Marks and accounting of each log partition.
    PROJECTION by_log_partition
    (
        SELECT
            log_partition,
            max((log_offset, log_index, fact_index)),
            countIf(log_index = 0 AND fact_index = 0),
            sumIf(frame_inputs, log_index = 0 AND fact_index = 0),
            min(log_offset),
            max(log_offset),
            countIf(fact_index = 0 AND fact != 'dead_letter'),
            countIf(fact_index = 0 AND fact = 'dead_letter')
        GROUP BY log_partition
    ),

    -- The ledger: what each insert brought. By time first, so that a recent span reads little.
    PROJECTION by_insert
    (
        SELECT
            judged_at,
            log_partition,
            epoch,
            min(log_offset),
            max(log_offset),
            countIf(fact_index = 0),
            count(),
            countIf(fact_index = 0 AND fact = 'dead_letter')
        GROUP BY judged_at, log_partition, epoch
    ),

    -- Stays, live and closed. What may change during a stay is taken from the last row in log order, in which the
    -- answer (fact 0) follows its consequences; one integer of offset, index and that bit compares faster than a tuple.
    PROJECTION by_stay
    (
        SELECT
            room_kind,
            room_id,
            session_id,
            opened_at,
            max(user_id),
            max(device_type),
            argMaxIf(user_agent, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), notEmpty(user_agent)),
            max(app),
            max(service),
            argMaxIf(client_ip, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), notEmpty(client_ip)),
            argMaxIf(lease_ends_at, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
                lease_ends_at != toDateTime64(0, 3, 'UTC')),
            argMaxIf((state, connections, send_streams, recv_streams),
                bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), moved),
            max(received_at),
            max(bytes_sent),
            max(bytes_recv),
            countIf(fact = 'session_closed'),
            maxIf(at, fact = 'session_closed'),
            maxIf(reason, fact = 'session_closed'),
            minIf(at, moved AND send_streams > 0),
            minIf(at, moved AND recv_streams > 0),
            minIf(at, moved AND state = 'sendrecv'),
            sumIf(toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(prev_since),
                prev_state IN ('sending', 'receiving', 'sendrecv')
                AND (fact = 'session_closed' OR (moved AND state != prev_state))),
            sumIf(toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(prev_since),
                prev_state = 'sendrecv' AND (fact = 'session_closed' OR (moved AND state != prev_state))),
            maxIf(connections, moved),
            maxIf(send_streams, moved),
            maxIf(recv_streams, moved),
            countIf(fact = 'status_judged'),
            countIf(verdict = 'violation')
        GROUP BY room_kind, room_id, session_id, opened_at
    ),

    PROJECTION by_minute
    (
        SELECT toStartOfMinute(at), room_kind, kind, fact, verdict, reason, state, count()
        GROUP BY toStartOfMinute(at), room_kind, kind, fact, verdict, reason, state
    )
)
ENGINE = {sharded:MergeTree}
PARTITION BY toDate(judged_at)
PRIMARY KEY (room_kind, room_id, at)
ORDER BY (room_kind, room_id, at, log_offset, log_index, fact_index)
SETTINGS
    min_bytes_for_wide_part = 134217728,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    min_compressed_bytes_to_fsync_after_merge = 1,
    ttl_only_drop_parts = 1,
    materialize_ttl_recalculate_only = 1,
    lightweight_mutation_projection_mode = 'rebuild';
{cluster}
{cluster}CREATE TABLE IF NOT EXISTS room_events{on_cluster} AS room_events_local
{cluster}ENGINE = {distributed:room_events_local};
