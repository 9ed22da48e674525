-- Time from a stay's opening to its first media (milliseconds; percentiles over the stays that had it).
-- Parameters: from, to: stays that opened in between; room, user_agent ('' = all).
WITH
    ['first send', 'first receive', 'first media', 'two-way'] AS names,
    times AS
    (
        SELECT
            toUnixTimestamp64Milli(first_send_at) - toUnixTimestamp64Milli(opened_at) AS send_ms,
            toUnixTimestamp64Milli(first_recv_at) - toUnixTimestamp64Milli(opened_at) AS recv_ms,
            toUnixTimestamp64Milli(first_two_way_at) - toUnixTimestamp64Milli(opened_at) AS two_way_ms,
            [send_ms, recv_ms, least(ifNull(send_ms, recv_ms), ifNull(recv_ms, send_ms)), two_way_ms] AS all_ms
        FROM sessions
        WHERE room_kind = 'call' AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
            AND ({room:String} = '' OR room_id = {room:String})
            AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
    )
SELECT
    name AS milestone,
    count(ms) AS stays,
    quantileExact(0.5)(ms) AS p50_ms,
    quantileExact(0.75)(ms) AS p75_ms,
    quantileExact(0.95)(ms) AS p95_ms,
    quantileExact(0.99)(ms) AS p99_ms
FROM times
ARRAY JOIN all_ms AS ms, names AS name, arrayEnumerate(names) AS place
GROUP BY place, name
ORDER BY place
