-- Dead letters over time: lines of the log that are no inputs (lines per step).
-- Parameters: from, to: of that time; step_s.
SELECT
    toStartOfInterval(at, toIntervalSecond({step_s:UInt32})) AS time,
    count() AS dead_letters
FROM room_events
WHERE room_kind = 'call' AND room_id = '' AND fact = 'dead_letter'
    AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
GROUP BY time
ORDER BY time WITH FILL
    FROM toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32}))
    TO greatest(
        toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32})),
        toDateTime(least({to:DateTime64(3, 'UTC')}, now64(3)) + toIntervalMillisecond(999), 'UTC'))
    STEP {step_s:UInt32}
