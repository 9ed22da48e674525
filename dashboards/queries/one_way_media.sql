-- One-way media: stays in calls that for more than 10 s at a stretch only sent or only received (stays; percent).
-- Only while two or more were connected; percent is of the stays that had any media while two or more were connected.
-- Parameters: from, to: stays that opened in between; room, user_agent ('' = all).
WITH
    going_on AS
    (
        SELECT room_id, session_id, opened_at, last_state
        FROM open_stays
        WHERE room_kind = 'call'
            AND toUnixTimestamp64Milli(least(now64(3), ifNull(lease_ends_at, now64(3))))
                - toUnixTimestamp64Milli(one_way_since) > 10000
    ),
    stays AS
    (
        SELECT
            one_way_sending_ms > 10000
                OR (room_id, session_id, opened_at, 'sending') GLOBAL IN (going_on) AS only_sent,
            one_way_receiving_ms > 10000
                OR (room_id, session_id, opened_at, 'receiving') GLOBAL IN (going_on) AS only_received
        FROM sessions
        WHERE room_kind = 'call'
            AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
            AND peak_connections_with_media >= 2
            AND ({room:String} = '' OR room_id = {room:String})
            AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
    )
SELECT
    count() AS stays,
    countIf(only_sent OR only_received) AS one_way,
    round(100 * one_way / nullIf(stays, 0), 2) AS percent,
    countIf(only_sent) AS sending_only,
    countIf(only_received) AS receiving_only
FROM stays
