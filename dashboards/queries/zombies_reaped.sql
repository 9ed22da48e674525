-- Zombies reaped: playback sessions that ended, by how; reaped ones were never closed, their lease ran out (per step).
-- Parameters: from, to: of that time; step_s; room ('' = all).
SELECT
    toStartOfInterval(at, toIntervalSecond({step_s:UInt32})) AS time,
    countIf(reason = 'expired') AS reaped,
    countIf(reason = 'left') AS closed,
    countIf(reason = 'replaced') AS replaced,
    countIf(reason = 'killed') AS killed
FROM room_events
WHERE room_kind = 'account' AND fact = 'session_closed'
    AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({room:String} = '' OR room_id = {room:String})
GROUP BY time
ORDER BY time WITH FILL
    FROM toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32}))
    TO greatest(
        toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32})),
        toDateTime(least({to:DateTime64(3, 'UTC')}, now64(3)) + toIntervalMillisecond(999), 'UTC'))
    STEP {step_s:UInt32}
