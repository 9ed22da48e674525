-- Playback limits denied: openings that an account's limit refused, beside those that were let in (per step).
-- Parameters: from, to: of that time; step_s; room ('' = all).
SELECT
    toStartOfInterval(at, toIntervalSecond({step_s:UInt32})) AS time,
    countIf(fact = 'session_opened') AS opened,
    countIf(fact = 'open_refused' AND reason = 'playback_limit') AS denied
FROM room_events
WHERE room_kind = 'account' AND fact IN ('session_opened', 'open_refused')
    AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({room:String} = '' OR room_id = {room:String})
GROUP BY time
ORDER BY time WITH FILL
    FROM toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32}))
    TO greatest(
        toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32})),
        toDateTime(least({to:DateTime64(3, 'UTC')}, now64(3)) + toIntervalMillisecond(999), 'UTC'))
    STEP {step_s:UInt32}
