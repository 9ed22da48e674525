-- Talk time: how long stays in calls that are over sent and received at once (milliseconds; percentiles over stays).
-- Parameters: from, to: stays that opened in between; room, user_agent ('' = all).
SELECT
    count() AS stays,
    sum(talk_ms) AS total_ms,
    if(stays = 0, NULL, quantileExact(0.5)(talk_ms)) AS p50_ms,
    if(stays = 0, NULL, quantileExact(0.75)(talk_ms)) AS p75_ms,
    if(stays = 0, NULL, quantileExact(0.95)(talk_ms)) AS p95_ms,
    if(stays = 0, NULL, quantileExact(0.99)(talk_ms)) AS p99_ms
FROM
(
    SELECT two_way_ms AS talk_ms
    FROM sessions
    WHERE room_kind = 'call' AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
        AND closed_at IS NOT NULL AND first_two_way_at IS NOT NULL
        AND ({room:String} = '' OR room_id = {room:String})
        AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
)
