-- Funnel: how far stays came, and what became of those that came no further (stays; percent of all).
-- A step counts whoever reached it or a later one. Sustained: two-way for 10 s or more at a stretch.
-- Parameters: since, until (DateTime64): stays that opened in between.
WITH
    ['init', 'waiting', 'starting', 'first media', 'two-way', 'sustained two-way'] AS steps,
    furthest AS
    (
        SELECT room_id, session_id, opened_at, max(multiIf(
            state = 'sendrecv' AND duration_ms >= 10000, 6,
            state = 'sendrecv', 5,
            state IN ('sending', 'receiving'), 4,
            state = 'starting', 3,
            state = 'waiting', 2,
            1)) AS step
        FROM state_intervals
        WHERE room_kind = 'call' AND opened_at >= {since:DateTime64(3, 'UTC')} AND opened_at < {until:DateTime64(3, 'UTC')}
        GROUP BY room_id, session_id, opened_at
    )
SELECT
    steps[number] AS step,
    countIf(furthest.step >= number) AS stays,
    round(100 * stays / count(), 1) AS percent,
    countIf(furthest.step = number AND sessions.close_reason = 'left') AS left_here,
    countIf(furthest.step = number AND sessions.close_reason NOT IN ('', 'left')) AS lost_here
FROM furthest
INNER JOIN sessions USING (room_id, session_id, opened_at)
ARRAY JOIN arrayEnumerate(steps) AS number
GROUP BY number
ORDER BY number
