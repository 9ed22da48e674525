-- Freshness: from being received over HTTP to being stored (milliseconds; percentiles over inputs).
-- Parameters: since, until (DateTime64): inputs of that time.
SELECT
    count() AS inputs,
    quantileExact(0.5)(lag_ms) AS p50_ms,
    quantileExact(0.95)(lag_ms) AS p95_ms,
    quantileExact(0.99)(lag_ms) AS p99_ms
FROM
(
    SELECT toUnixTimestamp64Milli(inserted_at) - toUnixTimestamp64Milli(received_at) AS lag_ms
    FROM room_events
    WHERE fact_index = 0 AND fact != 'dead_letter' AND kind != 'expire'
        AND at >= {since:DateTime64(3, 'UTC')} AND at < {until:DateTime64(3, 'UTC')}
)
