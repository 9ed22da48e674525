-- Dead letters: the newest lines of the log that are no inputs, why, and how they begin (bytes).
-- Parameters: from, to: of that time; limit.
SELECT
    at,
    log_partition,
    log_offset,
    log_index,
    reason,
    detail,
    length_bytes,
    toValidUTF8(left(bytes, 500)) AS beginning
FROM dead_letters
WHERE at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
ORDER BY at DESC, log_partition, log_offset DESC, log_index DESC
LIMIT {limit:UInt32}
