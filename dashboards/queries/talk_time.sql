-- Talk time: how long stays in calls that are over sent and received at once (milliseconds; percentiles over stays).
-- Parameters: from, to: stays that opened in between; room, user_agent ('' = all).
SELECT
    stays,
    total_ms,
    if(stays = 0, NULL, percentiles_ms[1]) AS p50_ms,
    if(stays = 0, NULL, percentiles_ms[2]) AS p75_ms,
    if(stays = 0, NULL, percentiles_ms[3]) AS p95_ms,
    if(stays = 0, NULL, percentiles_ms[4]) AS p99_ms
FROM
(
    SELECT
        count() AS stays,
        sum(two_way_ms) AS total_ms,
        quantilesExact(0.5, 0.75, 0.95, 0.99)(two_way_ms) AS percentiles_ms
    FROM sessions
    WHERE room_kind = 'call' AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
        AND closed_at IS NOT NULL AND first_two_way_at IS NOT NULL
        AND ({room:String} = '' OR room_id = {room:String})
        AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
)
