-- Accounting by partition: each log partition's frames and inputs (counts; offsets). Balanced: nothing lost or doubled.
-- Parameters: none.
SELECT
    log_partition,
    frames,
    first_offset,
    last_offset,
    accepted,
    stored,
    dead_lettered,
    toBool(accepted = stored + dead_lettered AND places_sum = places_sum_due) AS balanced
FROM accounting
ORDER BY log_partition
