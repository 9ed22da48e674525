-- Rooms live: rooms in which somebody is now, by kind (rooms).
-- Parameters: none.
SELECT
    count() AS rooms,
    countIf(room_kind = 'call') AS calls,
    countIf(room_kind = 'account') AS accounts,
    countIf(room_kind = 'stream') AS streams
FROM
(
    SELECT DISTINCT room_kind, room_id
    FROM open_stays
    WHERE lease_ends_at IS NULL OR lease_ends_at > now64(3)
)
