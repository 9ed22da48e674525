-- Calls: rooms that somebody entered, stays in them, and how the stays ended (counts).
-- Parameters: from, to: stays that opened in between; room, user_agent ('' = all).
SELECT
    uniqExact(room_id) AS calls,
    count() AS stays,
    sum(statuses) AS statuses,
    countIf(close_reason = 'left') AS left,
    countIf(close_reason = 'expired') AS expired,
    countIf(closed_at IS NOT NULL AND close_reason NOT IN ('left', 'expired')) AS ended_otherwise,
    countIf(closed_at IS NULL) AS live
FROM sessions
WHERE room_kind = 'call' AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
    AND ({room:String} = '' OR room_id = {room:String})
    AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
