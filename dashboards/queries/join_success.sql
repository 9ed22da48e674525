-- Join success: stays in calls that reached media, of those that left init; also within 5 s of opening (percent).
-- Parameters: from, to: stays that opened in between; room, user_agent ('' = all).
SELECT
    countIf(left_init_at IS NOT NULL) AS joins,
    countIf(first_media_at IS NOT NULL) AS reached,
    countIf(toUnixTimestamp64Milli(first_media_at) - toUnixTimestamp64Milli(opened_at) <= 5000) AS reached_within_5_s,
    round(100 * reached / nullIf(joins, 0), 2) AS percent,
    round(100 * reached_within_5_s / nullIf(joins, 0), 2) AS percent_within_5_s
FROM sessions
WHERE room_kind = 'call' AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
    AND ({room:String} = '' OR room_id = {room:String})
    AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
