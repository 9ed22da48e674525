-- Freshness: from being received over HTTP to being stored (milliseconds; percentiles over inputs).
-- Parameters: from, to: inputs of that time.
SELECT
    sum(weight) AS inputs,
    if(inputs = 0, NULL, quantileExactWeighted(0.5)(lag_ms, weight)) AS p50_ms,
    if(inputs = 0, NULL, quantileExactWeighted(0.95)(lag_ms, weight)) AS p95_ms,
    if(inputs = 0, NULL, quantileExactWeighted(0.99)(lag_ms, weight)) AS p99_ms
FROM
(
    SELECT toUnixTimestamp64Milli(inserted_at) - toUnixTimestamp64Milli(received_at) AS lag_ms, count() AS weight
    FROM room_events
    WHERE fact_index = 0 AND fact != 'dead_letter' AND kind != 'expire'
        AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    GROUP BY lag_ms
)
