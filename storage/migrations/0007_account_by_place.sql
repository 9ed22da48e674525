-- One input lost and another doubled leave every count as it was. So the account also adds up where they lie: the offsets
-- of the frames, and each input's place times its frame's; both sums are known beforehand. They may run over 64 bits.
ALTER TABLE room_events{_local}{on_cluster} ADD PROJECTION IF NOT EXISTS by_place
(
    SELECT
        log_partition,
        max((log_offset, log_index, fact_index)),
        countIf(log_index = 0 AND fact_index = 0),
        sumIf(frame_inputs, log_index = 0 AND fact_index = 0),
        min(log_offset),
        max(log_offset),
        countIf(fact_index = 0 AND fact != 'dead_letter'),
        countIf(fact_index = 0 AND fact = 'dead_letter'),
        sumIf(log_offset, log_index = 0 AND fact_index = 0),
        sumIf((log_offset + 1) * (log_index + 1), fact_index = 0),
        sumIf((log_offset + 1) * intDiv(toUInt64(frame_inputs) * (toUInt64(frame_inputs) + 1), 2),
            log_index = 0 AND fact_index = 0)
    GROUP BY log_partition
);
ALTER TABLE room_events{_local}{on_cluster} MATERIALIZE PROJECTION by_place;
ALTER TABLE room_events{_local}{on_cluster} DROP PROJECTION IF EXISTS by_log_partition;

CREATE OR REPLACE VIEW accounting{on_cluster} AS
SELECT
    log_partition,
    countIf(log_index = 0 AND fact_index = 0) AS frames,
    min(log_offset) AS first_offset,
    max(log_offset) AS last_offset,
    sumIf(frame_inputs, log_index = 0 AND fact_index = 0) AS accepted,
    countIf(fact_index = 0 AND fact != 'dead_letter') AS stored,
    countIf(fact_index = 0 AND fact = 'dead_letter') AS dead_lettered,
    sumIf(log_offset, log_index = 0 AND fact_index = 0) AS offsets_sum,
    sumIf((log_offset + 1) * (log_index + 1), fact_index = 0) AS places_sum,
    sumIf((log_offset + 1) * intDiv(toUInt64(frame_inputs) * (toUInt64(frame_inputs) + 1), 2),
        log_index = 0 AND fact_index = 0) AS places_sum_due
FROM room_events
GROUP BY log_partition;
