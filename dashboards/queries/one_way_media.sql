-- One-way media: stays in calls that for more than 10 s at a stretch only sent or only received (stays; percent).
-- Only while two or more were connected; percent is of the stays that had any media while two or more were connected.
-- Parameters: from, to: stays that opened in between; room, user_agent ('' = all).
WITH
    bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0) AS place,
    prev_state IN ('sending', 'receiving') AND prev_connections >= 2 AS was_one_way,
    moved AND state IN ('sending', 'receiving') AND connections >= 2 AS is_one_way
SELECT
    count() AS stays,
    countIf(longest_sending_ms > 10000 OR longest_receiving_ms > 10000) AS one_way,
    round(100 * one_way / nullIf(stays, 0), 2) AS percent,
    countIf(longest_sending_ms > 10000) AS sending_only,
    countIf(longest_receiving_ms > 10000) AS receiving_only
FROM
(
    SELECT
        arrayMap((start, end) -> (start.2, end.2 - start.3), starts, arrayResize(ends, length(starts), (0, until_ms)))
            AS stretches,
        arrayMax(arrayPushBack(arrayMap(stretch -> if(stretch.1 = 'sending', stretch.2, 0), stretches), 0))
            AS longest_sending_ms,
        arrayMax(arrayPushBack(arrayMap(stretch -> if(stretch.1 = 'receiving', stretch.2, 0), stretches), 0))
            AS longest_receiving_ms
    FROM
    (
        SELECT
            arraySort(groupArrayIf((place, state, toUnixTimestamp64Milli(at)),
                is_one_way AND (NOT was_one_way OR state != prev_state))) AS starts,
            arraySort(groupArrayIf((place, toUnixTimestamp64Milli(at)),
                was_one_way AND (fact = 'session_closed' OR (moved AND (NOT is_one_way OR state != prev_state)))))
                AS ends,
            countIf(moved AND state IN ('sending', 'receiving', 'sendrecv') AND connections >= 2) AS with_media,
            argMaxIf(user_agent, place, notEmpty(user_agent)) AS known_user_agent,
            argMaxIf(lease_ends_at, place, lease_ends_at != toDateTime64(0, 3, 'UTC')) AS lease_end,
            toUnixTimestamp64Milli(if(lease_end = toDateTime64(0, 3, 'UTC'), now64(3), least(lease_end, now64(3))))
                AS until_ms
        FROM room_events
        WHERE room_kind = 'call' AND session_id != ''
            AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
            AND at >= {from:DateTime64(3, 'UTC')}
            AND ({room:String} = '' OR room_id = {room:String})
        GROUP BY room_id, session_id, opened_at
        HAVING with_media > 0 AND ({user_agent:String} = '' OR known_user_agent = {user_agent:String})
    )
)
