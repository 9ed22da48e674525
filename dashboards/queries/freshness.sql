-- Freshness: from being received over HTTP to being stored (milliseconds; percentiles over inputs).
-- Parameters: from, to: inputs of that time.
SELECT
    inputs,
    if(inputs = 0, NULL, percentiles_ms[1]) AS p50_ms,
    if(inputs = 0, NULL, percentiles_ms[2]) AS p95_ms,
    if(inputs = 0, NULL, percentiles_ms[3]) AS p99_ms
FROM
(
    SELECT
        count() AS inputs,
        quantilesExact(0.5, 0.95, 0.99)(toUnixTimestamp64Milli(inserted_at) - toUnixTimestamp64Milli(received_at))
            AS percentiles_ms
    FROM room_events
    WHERE fact_index = 0 AND fact != 'dead_letter' AND kind != 'expire'
        AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
)
