-- Time to first media over time: first send, first receive, two-way (milliseconds after and by time of the opening).
-- A step in which nobody came so far has no percentiles.
-- Parameters: from, to: stays that opened in between; step_s; room, user_agent ('' = all).
SELECT
    time,
    if(send_stays = 0, NULL, send_ms[1]) AS send_p50_ms,
    if(send_stays = 0, NULL, send_ms[2]) AS send_p75_ms,
    if(send_stays = 0, NULL, send_ms[3]) AS send_p95_ms,
    if(send_stays = 0, NULL, send_ms[4]) AS send_p99_ms,
    if(recv_stays = 0, NULL, recv_ms[1]) AS recv_p50_ms,
    if(recv_stays = 0, NULL, recv_ms[2]) AS recv_p75_ms,
    if(recv_stays = 0, NULL, recv_ms[3]) AS recv_p95_ms,
    if(recv_stays = 0, NULL, recv_ms[4]) AS recv_p99_ms,
    if(two_way_stays = 0, NULL, two_way_ms[1]) AS two_way_p50_ms,
    if(two_way_stays = 0, NULL, two_way_ms[2]) AS two_way_p75_ms,
    if(two_way_stays = 0, NULL, two_way_ms[3]) AS two_way_p95_ms,
    if(two_way_stays = 0, NULL, two_way_ms[4]) AS two_way_p99_ms
FROM
(
    SELECT
        toStartOfInterval(opened_at, toIntervalSecond({step_s:UInt32})) AS time,
        count(first_send_at) AS send_stays,
        quantilesExact(0.5, 0.75, 0.95, 0.99)(
            toUnixTimestamp64Milli(first_send_at) - toUnixTimestamp64Milli(opened_at)) AS send_ms,
        count(first_recv_at) AS recv_stays,
        quantilesExact(0.5, 0.75, 0.95, 0.99)(
            toUnixTimestamp64Milli(first_recv_at) - toUnixTimestamp64Milli(opened_at)) AS recv_ms,
        count(first_two_way_at) AS two_way_stays,
        quantilesExact(0.5, 0.75, 0.95, 0.99)(
            toUnixTimestamp64Milli(first_two_way_at) - toUnixTimestamp64Milli(opened_at)) AS two_way_ms
    FROM sessions
    WHERE room_kind = 'call' AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
        AND ({room:String} = '' OR room_id = {room:String})
        AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
    GROUP BY time
)
ORDER BY time WITH FILL
    FROM toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32}))
    TO greatest(
        toStartOfInterval({from:DateTime64(3, 'UTC')}, toIntervalSecond({step_s:UInt32})),
        toDateTime(least({to:DateTime64(3, 'UTC')}, now64(3)) + toIntervalMillisecond(999), 'UTC'))
    STEP {step_s:UInt32}
