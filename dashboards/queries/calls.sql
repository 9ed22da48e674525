-- Calls: rooms that somebody entered, stays in them, and how the stays ended (counts).
-- Parameters: since, until (DateTime64): stays that opened in between.
SELECT
    uniqExact(room_id) AS calls,
    count() AS stays,
    sum(statuses) AS statuses,
    countIf(close_reason = 'left') AS left,
    countIf(close_reason = 'expired') AS expired,
    countIf(closed_at IS NOT NULL AND close_reason NOT IN ('left', 'expired')) AS ended_otherwise,
    countIf(closed_at IS NULL) AS live
FROM sessions
WHERE room_kind = 'call' AND opened_at >= {since:DateTime64(3, 'UTC')} AND opened_at < {until:DateTime64(3, 'UTC')}
