-- Rooms live: rooms in which somebody is now, by kind (rooms).
-- Parameters: none.
SELECT
    count() AS rooms,
    countIf(room_kind = 'call') AS calls,
    countIf(room_kind = 'account') AS accounts,
    countIf(room_kind = 'stream') AS streams
FROM live_rooms
