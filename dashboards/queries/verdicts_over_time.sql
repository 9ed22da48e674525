-- Verdicts over time: status updates of each verdict (updates per step).
-- Parameters: from, to: updates of that time; step_s; room_kind, room, user_agent ('' = all).
SELECT
    toStartOfInterval(at, toIntervalSecond({step_s:UInt32})) AS time,
    countIf(verdict = 'diagram') AS diagram,
    countIf(verdict = 'steady') AS steady,
    countIf(verdict = 'implied') AS implied,
    countIf(verdict = 'notice') AS notice,
    countIf(verdict = 'teardown') AS teardown,
    countIf(verdict = 'restart') AS restart,
    countIf(verdict = 'exceptional') AS exceptional,
    countIf(verdict = 'violation') AS violation,
    countIf(verdict = 'duplicate') AS duplicate,
    countIf(verdict = 'late') AS late,
    countIf(verdict = 'after_close') AS after_close
FROM room_events
WHERE fact = 'status_judged' AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
    AND ({room:String} = '' OR room_id = {room:String})
    AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
GROUP BY time
ORDER BY time WITH FILL
    FROM toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32}))
    TO greatest(
        toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32})),
        toDateTime(least({to:DateTime64(3, 'UTC')}, now64(3)) + toIntervalMillisecond(999), 'UTC'))
    STEP {step_s:UInt32}
