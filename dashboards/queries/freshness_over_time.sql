-- Freshness over time: from being received over HTTP to being stored (milliseconds; percentiles over a step's inputs).
-- A step without inputs has no percentiles.
-- Parameters: from, to: inputs of that time; step_s.
SELECT
    time,
    toNullable(percentiles_ms[1]) AS p50_ms,
    toNullable(percentiles_ms[2]) AS p95_ms,
    toNullable(percentiles_ms[3]) AS p99_ms
FROM
(
    SELECT
        toStartOfInterval(at, toIntervalSecond({step_s:UInt32})) AS time,
        quantilesExact(0.5, 0.95, 0.99)(toUnixTimestamp64Milli(inserted_at) - toUnixTimestamp64Milli(received_at))
            AS percentiles_ms
    FROM room_events
    WHERE fact_index = 0 AND fact != 'dead_letter' AND kind != 'expire'
        AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    GROUP BY time
)
ORDER BY time WITH FILL
    FROM toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32}))
    TO greatest(
        toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32})),
        toDateTime(least({to:DateTime64(3, 'UTC')}, now64(3)) + toIntervalMillisecond(999), 'UTC'))
    STEP {step_s:UInt32}
