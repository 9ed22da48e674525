-- Who may write which log partition, and the gate that holds everybody else off (design section 6).
--
-- The newest owner of a partition is the one with the highest epoch. mark_* say up to where the store held the
-- partition when the row was written, so that retention can't take the memory of an idle partition; mark_offset -1
-- means nothing was held.
CREATE TABLE IF NOT EXISTS owners{on_cluster}
(
    log_partition UInt16,
    epoch UInt64,
    owner String,
    log_id String,
    claimed_at DateTime64(3, 'UTC'),
    mark_offset Int64 DEFAULT -1,
    mark_index UInt32 DEFAULT 0,
    mark_fact_index UInt16 DEFAULT 0
)
ENGINE = {everywhere:MergeTree}
ORDER BY (log_partition, epoch, claimed_at)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    min_compressed_bytes_to_fsync_after_merge = 1;

-- Offsets that a person declared lost: the log no longer had them and the store never got them.
CREATE TABLE IF NOT EXISTS accepted_gaps{on_cluster}
(
    log_partition UInt16,
    first_offset UInt64,
    last_offset UInt64,
    accepted_at DateTime64(3, 'UTC')
)
ENGINE = {everywhere:MergeTree}
ORDER BY (log_partition, first_offset)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Where writers insert. It keeps nothing; the gate carries each block on.
CREATE TABLE IF NOT EXISTS room_events_landing{_local}{on_cluster}
ENGINE = Null
AS SELECT * EXCEPT (inserted_at) FROM room_events{_local} LIMIT 0;
{cluster}
{cluster}CREATE TABLE IF NOT EXISTS room_events_landing{on_cluster} AS room_events_landing_local
{cluster}ENGINE = {distributed:room_events_landing_local};

-- Refuses the whole insert with code 395 if any row's epoch is not its partition's newest.
CREATE MATERIALIZED VIEW IF NOT EXISTS room_events_gate{on_cluster} TO room_events{_local}
AS SELECT *, now64(3) AS inserted_at
FROM room_events_landing{_local}
WHERE NOT throwIf(
    (log_partition, epoch) NOT IN (SELECT log_partition, max(epoch) FROM owners GROUP BY log_partition{consistently}),
    'stale epoch');
