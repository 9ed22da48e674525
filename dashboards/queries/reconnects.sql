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
    SELECT if(before % 2 = 0, intDiv(event, 2) - intDiv(before, 2), NULL) AS gap_ms
    FROM
    (
        -- Of each person in each room: 2 × milliseconds of the ends of stays, + 1 of joins, so that ends come first;
        -- and with each of these the last end that was not after it.
        SELECT
            arraySort(groupArray(2 * toUnixTimestamp64Milli(at) + (fact = 'session_opened'))) AS events,
            arrayFill(event -> event % 2 = 0, events) AS befores
        FROM room_events
        WHERE room_kind = 'call' AND user_id != ''
            AND (fact = 'session_closed' AND at > opened_at
                OR fact = 'session_opened' AND at >= {from:DateTime64(3, 'UTC')})
            AND at >= {from:DateTime64(3, 'UTC')} - INTERVAL 60 SECOND AND at < {to:DateTime64(3, 'UTC')}
            AND ({room:String} = '' OR room_id = {room:String})
        GROUP BY sipHash128(room_id, user_id)
    )
    ARRAY JOIN events AS event, befores AS before
    WHERE event % 2 = 1
)
