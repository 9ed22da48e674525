-- Inputs over time: what was stored, by kind of input, and lines that were no inputs (inputs per step).
-- Parameters: from, to: of that time; step_s; room_kind, room ('' = all).
SELECT
    toStartOfInterval(at, toIntervalSecond({step_s:UInt32})) AS time,
    count() AS inputs,
    countIf(kind = 'status' AND fact != 'dead_letter') AS `status`,
    countIf(kind = 'open' AND fact != 'dead_letter') AS `open`,
    countIf(kind = 'refresh' AND fact != 'dead_letter') AS `refresh`,
    countIf(kind = 'close' AND fact != 'dead_letter') AS `close`,
    countIf(kind = 'kill' AND fact != 'dead_letter') AS `kill`,
    countIf(kind = 'expire' AND fact != 'dead_letter') AS `expire`,
    countIf(kind = 'room_create' AND fact != 'dead_letter') AS `room_create`,
    countIf(kind = 'room_update' AND fact != 'dead_letter') AS `room_update`,
    countIf(kind = 'room_delete' AND fact != 'dead_letter') AS `room_delete`,
    countIf(kind = 'publish' AND fact != 'dead_letter') AS `publish`,
    countIf(kind = 'unpublish' AND fact != 'dead_letter') AS `unpublish`,
    countIf(kind = 'log_domains' AND fact != 'dead_letter') AS `log_domains`,
    countIf(kind = 'register' AND fact != 'dead_letter') AS `register`,
    countIf(fact = 'dead_letter') AS dead_letters
FROM room_events
WHERE fact_index = 0 AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
    AND ({room:String} = '' OR room_id = {room:String})
GROUP BY time
ORDER BY time WITH FILL
    FROM toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32}))
    TO greatest(
        toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32})),
        toDateTime(least({to:DateTime64(3, 'UTC')}, now64(3)) + toIntervalMillisecond(999), 'UTC'))
    STEP {step_s:UInt32}
