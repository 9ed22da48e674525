-- Time to first media over time: first send, first receive, two-way (milliseconds after and by time of the opening).
-- A step in which nobody came so far has no percentiles.
-- Parameters: from, to: stays that opened in between; step_s; room, user_agent ('' = all).
SELECT
    toStartOfInterval(opened_at, toIntervalSecond({step_s:UInt32})) AS time,
    quantileExact(0.5)(send_ms) AS send_p50_ms,
    quantileExact(0.75)(send_ms) AS send_p75_ms,
    quantileExact(0.95)(send_ms) AS send_p95_ms,
    quantileExact(0.99)(send_ms) AS send_p99_ms,
    quantileExact(0.5)(recv_ms) AS recv_p50_ms,
    quantileExact(0.75)(recv_ms) AS recv_p75_ms,
    quantileExact(0.95)(recv_ms) AS recv_p95_ms,
    quantileExact(0.99)(recv_ms) AS recv_p99_ms,
    quantileExact(0.5)(two_way_ms) AS two_way_p50_ms,
    quantileExact(0.75)(two_way_ms) AS two_way_p75_ms,
    quantileExact(0.95)(two_way_ms) AS two_way_p95_ms,
    quantileExact(0.99)(two_way_ms) AS two_way_p99_ms
FROM
(
    SELECT
        opened_at,
        toUnixTimestamp64Milli(first_send_at) - toUnixTimestamp64Milli(opened_at) AS send_ms,
        toUnixTimestamp64Milli(first_recv_at) - toUnixTimestamp64Milli(opened_at) AS recv_ms,
        toUnixTimestamp64Milli(first_two_way_at) - toUnixTimestamp64Milli(opened_at) AS two_way_ms
    FROM sessions
    WHERE room_kind = 'call' AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
        AND ({room:String} = '' OR room_id = {room:String})
        AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
)
GROUP BY time
ORDER BY time WITH FILL
    FROM toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32}))
    TO greatest(
        toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32})),
        toDateTime(least({to:DateTime64(3, 'UTC')}, now64(3)) + toIntervalMillisecond(999), 'UTC'))
    STEP {step_s:UInt32}
