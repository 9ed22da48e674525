-- Rooms are counted by room, no longer stay by stay; and a day's rows become one part when the day is over.

-- What became of each room: when its first and its last fact were, its two-way talk, its closed stays, its fate. A stay
-- is two numbers, 2 × milliseconds each and + 1 for the opening. Whoever asks for a hundred rooms reads their granules,
-- so those are small where the engine lets a projection say so (25.8 does not).
ALTER TABLE room_events{_local}{on_cluster} ADD PROJECTION IF NOT EXISTS by_room
(
    SELECT
        room_kind,
        room_id,
        minIf(if(opened_at > toDateTime64(0, 3, 'UTC'), opened_at, at), opened_at > toDateTime64(0, 3, 'UTC')
            OR fact IN ('room_created', 'room_updated', 'room_deleted', 'stream_published', 'stream_unpublished')),
        maxIf(at, opened_at > toDateTime64(0, 3, 'UTC')
            OR fact IN ('room_created', 'room_updated', 'room_deleted', 'stream_published', 'stream_unpublished')),
        sumIf(toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(prev_since),
            prev_state = 'sendrecv' AND (fact = 'session_closed' OR (moved AND state != prev_state))),
        groupArrayArrayIf([2 * toUnixTimestamp64Milli(opened_at) + 1, 2 * toUnixTimestamp64Milli(at)],
            fact = 'session_closed'),
        argMaxIf(at, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), fact = 'room_created'),
        argMaxIf((fact, at), bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
            fact IN ('room_created', 'room_deleted'))
    GROUP BY room_kind, room_id
)
{embedded}WITH SETTINGS (index_granularity = 512)
;
ALTER TABLE room_events{_local}{on_cluster} MATERIALIZE PROJECTION by_room;

-- Rooms that were made, entered or published. created_at is of the last creation, deleted_at of a deletion after it;
-- NULL where nothing is known of it. peak_sessions is the most stays at one moment, where one that ends, or whose lease
-- is over, counts no more.
CREATE OR REPLACE VIEW rooms{on_cluster} AS
SELECT
    room_kind,
    room_id,
    nullIf(last_created_at, toDateTime64(0, 3, 'UTC')) AS created_at,
    began_at AS first_activity_at,
    ended_at AS last_activity_at,
    intDiv(length(changes), 2) AS sessions,
    toUInt64(greatest(0, arrayMax(arrayCumSum(change -> if(change % 2 = 1, 1, -1), arraySort(changes)))))
        AS peak_sessions,
    talked_ms AS two_way_ms,
    if(tupleElement(last_fate, 1) = 'room_deleted', toNullable(tupleElement(last_fate, 2)), NULL) AS deleted_at
FROM
(
    SELECT
        room_kind,
        room_id,
        max(room_began_at) AS began_at,
        max(room_ended_at) AS ended_at,
        sum(room_talked_ms) AS talked_ms,
        groupArrayArray(stays) AS changes,
        max(room_created_at) AS last_created_at,
        max(room_fate) AS last_fate
    FROM
    (
        SELECT
            room_kind,
            room_id,
            minIf(if(opened_at > toDateTime64(0, 3, 'UTC'), opened_at, at), opened_at > toDateTime64(0, 3, 'UTC')
                OR fact IN ('room_created', 'room_updated', 'room_deleted', 'stream_published', 'stream_unpublished'))
                AS room_began_at,
            maxIf(at, opened_at > toDateTime64(0, 3, 'UTC')
                OR fact IN ('room_created', 'room_updated', 'room_deleted', 'stream_published', 'stream_unpublished'))
                AS room_ended_at,
            sumIf(toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(prev_since),
                prev_state = 'sendrecv' AND (fact = 'session_closed' OR (moved AND state != prev_state)))
                AS room_talked_ms,
            groupArrayArrayIf([2 * toUnixTimestamp64Milli(opened_at) + 1, 2 * toUnixTimestamp64Milli(at)],
                fact = 'session_closed') AS stays,
            argMaxIf(at, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), fact = 'room_created')
                AS room_created_at,
            argMaxIf((fact, at), bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
                fact IN ('room_created', 'room_deleted')) AS room_fate
        FROM room_events
        GROUP BY room_kind, room_id
        HAVING room_ended_at > toDateTime64(0, 3, 'UTC')
        UNION ALL
        SELECT
            room_kind,
            room_id,
            toDateTime64(0, 3, 'UTC'),
            toDateTime64(0, 3, 'UTC'),
            0,
            [
                2 * toUnixTimestamp64Milli(opened_at) + 1,
                2 * toUnixTimestamp64Milli(ifNull(lease_ends_at, toDateTime64(9000000000, 3, 'UTC')))
            ],
            toDateTime64(0, 3, 'UTC'),
            ('', toDateTime64(0, 3, 'UTC'))
        FROM open_stays
    )
    GROUP BY room_kind, room_id
);

-- What nobody has written to for an hour becomes one part (of up to 150 GB): a day, soon after it is over. Its rows
-- take a quarter less room then, and its aggregates are there once and not once for each part. The embedded store does
-- it itself, where this would do it for some days only (storage/embedded/quiet_partitions.py).
ALTER TABLE room_events{_local}{on_cluster} MODIFY SETTING
    min_age_to_force_merge_seconds = 3600,
    min_age_to_force_merge_on_partition_only = 1,
    enable_max_bytes_limit_for_min_age_to_force_merge = 1;
{embedded}ALTER TABLE room_events MODIFY SETTING min_age_to_force_merge_seconds = 0;
