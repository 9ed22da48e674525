-- Lag: how long the input that waited longest waited to be judged, and then to be stored (milliseconds; per step).
-- By the time of judging. What waits now, not yet judged, is not here: the log knows that (the part's own metrics).
-- Parameters: from, to: of that time; step_s.
SELECT
    toStartOfInterval(judged_at, toIntervalSecond({step_s:UInt32})) AS time,
    max(toNullable(toUnixTimestamp64Milli(judged_at) - toUnixTimestamp64Milli(received_at))) AS longest_wait_ms,
    max(toNullable(toUnixTimestamp64Milli(inserted_at) - toUnixTimestamp64Milli(judged_at))) AS longest_insert_ms,
    countIf(fact_index = 0) AS inputs
FROM room_events
WHERE fact != 'dead_letter'
    AND judged_at >= {from:DateTime64(3, 'UTC')} AND judged_at < {to:DateTime64(3, 'UTC')}
GROUP BY time
ORDER BY time WITH FILL
    FROM toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32}))
    TO greatest(
        toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32})),
        toDateTime(least({to:DateTime64(3, 'UTC')}, now64(3)) + toIntervalMillisecond(999), 'UTC'))
    STEP {step_s:UInt32}
