-- Time from a stay's opening to its first media (milliseconds; percentiles over the stays that had it).
-- Parameters: from, to: stays that opened in between; room, user_agent ('' = all).
WITH ['first send', 'first receive', 'first media', 'two-way'] AS milestones
SELECT
    milestones[place] AS milestone,
    reached[place] AS stays,
    if(stays = 0, NULL, percentiles_ms[place][1]) AS p50_ms,
    if(stays = 0, NULL, percentiles_ms[place][2]) AS p75_ms,
    if(stays = 0, NULL, percentiles_ms[place][3]) AS p95_ms,
    if(stays = 0, NULL, percentiles_ms[place][4]) AS p99_ms
FROM
(
    SELECT
        [count(send_ms), count(recv_ms), count(media_ms), count(both_ms)] AS reached,
        [
            quantilesExact(0.5, 0.75, 0.95, 0.99)(send_ms),
            quantilesExact(0.5, 0.75, 0.95, 0.99)(recv_ms),
            quantilesExact(0.5, 0.75, 0.95, 0.99)(media_ms),
            quantilesExact(0.5, 0.75, 0.95, 0.99)(both_ms)
        ] AS percentiles_ms
    FROM
    (
        SELECT
            toUnixTimestamp64Milli(first_send_at) - toUnixTimestamp64Milli(opened_at) AS send_ms,
            toUnixTimestamp64Milli(first_recv_at) - toUnixTimestamp64Milli(opened_at) AS recv_ms,
            least(ifNull(send_ms, recv_ms), ifNull(recv_ms, send_ms)) AS media_ms,
            toUnixTimestamp64Milli(first_two_way_at) - toUnixTimestamp64Milli(opened_at) AS both_ms
        FROM sessions
        WHERE room_kind = 'call'
            AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
            AND ({room:String} = '' OR room_id = {room:String})
            AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
    )
)
ARRAY JOIN arrayEnumerate(milestones) AS place
ORDER BY place
