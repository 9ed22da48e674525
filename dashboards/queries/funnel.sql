-- Funnel: how far stays came, and what became of those that came no further (stays; percent of all).
-- A step counts whoever reached it or a later one. Sustained: two-way for 10 s or more at a stretch.
-- Parameters: from, to: stays that opened in between; room, user_agent ('' = all).
WITH
    ['init', 'waiting', 'starting', 'first media', 'two-way', 'sustained two-way'] AS steps,
    stays AS
    (
        SELECT
            failure,
            closed_at IS NULL AS is_live,
            if(longest_two_way_ms >= 10000 OR (room_id, session_id, opened_at) GLOBAL IN (talking), 6, furthest) AS step
        FROM sessions
        WHERE room_kind = 'call'
            AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
            AND ({room:String} = '' OR room_id = {room:String})
            AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
    ),
    talking AS
    (
        SELECT room_id, session_id, opened_at
        FROM open_stays
        WHERE room_kind = 'call' AND last_state = 'sendrecv'
            AND toUnixTimestamp64Milli(least(now64(3), ifNull(lease_ends_at, now64(3))))
                - toUnixTimestamp64Milli(last_state_at) >= 10000
    )
SELECT
    steps[number] AS step,
    countIf(stays.step >= number) AS stays,
    round(100 * countIf(stays.step >= number) / count(), 1) AS percent,
    countIf(stays.step = number AND NOT is_live AND failure = '') AS left_here,
    countIf(stays.step = number AND failure != '') AS failed_here,
    countIf(stays.step = number AND is_live) AS still_here
FROM stays
ARRAY JOIN arrayEnumerate(steps) AS number
GROUP BY number
ORDER BY number
