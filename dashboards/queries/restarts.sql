-- Restarts: when a processor took over partitions of the log (partitions), by the store's own record.
-- Parameters: from, to: of that time.
SELECT
    time,
    owner,
    count() AS partitions,
    max(epoch) AS epoch,
    concat('processor took over ', toString(partitions), if(partitions = 1, ' partition', ' partitions')) AS text
FROM
(
    SELECT min(claimed_at) AS time, any(owners.owner) AS owner, log_partition, epoch
    FROM owners
    GROUP BY log_partition, epoch
)
WHERE time >= {from:DateTime64(3, 'UTC')} AND time < {to:DateTime64(3, 'UTC')}
GROUP BY time, owner
ORDER BY time, owner
