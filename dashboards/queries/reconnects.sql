-- Reconnects: users who came back into a call within 60 s after an earlier stay of theirs there ended (joins; percent).
-- A stay that ended in the millisecond of its opening is none to come back from. Stays without a user are left out.
-- Parameters: from, to: joins of that time; room ('' = all).
SELECT
    count() AS joins,
    countIf(gap_ms <= 60000) AS reconnects,
    round(100 * reconnects / nullIf(joins, 0), 2) AS percent,
    quantileExactIf(0.5)(gap_ms, gap_ms <= 60000) AS p50_gap_ms
FROM
(
    SELECT
        if(ended.at = toDateTime64(0, 3, 'UTC'), NULL,
            toUnixTimestamp64Milli(joined.at) - toUnixTimestamp64Milli(ended.at)) AS gap_ms
    FROM
    (
        SELECT room_id, user_id, at
        FROM room_events
        WHERE room_kind = 'call' AND fact = 'session_opened' AND user_id != ''
            AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
            AND ({room:String} = '' OR room_id = {room:String})
    ) AS joined
    ASOF LEFT JOIN
    (
        SELECT room_id, user_id, at
        FROM room_events
        WHERE room_kind = 'call' AND fact = 'session_closed' AND user_id != '' AND at > opened_at
            AND at >= {from:DateTime64(3, 'UTC')} - INTERVAL 60 SECOND AND at < {to:DateTime64(3, 'UTC')}
            AND ({room:String} = '' OR room_id = {room:String})
    ) AS ended
    ON joined.room_id = ended.room_id AND joined.user_id = ended.user_id AND joined.at >= ended.at
)
