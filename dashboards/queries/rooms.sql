-- Rooms: what became of rooms, latest activity first (sessions; milliseconds of two-way talk).
-- Parameters: from, to: rooms with activity in between; room_kind, room ('' = all); limit.
-- Which rooms are the newest is found in the rows since `from`, so that only theirs are looked at from the beginning.
WITH newest AS
(
    SELECT room_kind, room_id
    FROM room_events
    WHERE at >= {from:DateTime64(3, 'UTC')}
        AND (opened_at > toDateTime64(0, 3, 'UTC')
            OR fact IN ('room_created', 'room_updated', 'room_deleted', 'stream_published', 'stream_unpublished'))
        AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
        AND ({room:String} = '' OR room_id = {room:String})
    GROUP BY room_kind, room_id
    HAVING min(if(opened_at > toDateTime64(0, 3, 'UTC'), opened_at, at)) < {to:DateTime64(3, 'UTC')}
    ORDER BY max(at) DESC, room_kind, room_id
    LIMIT {limit:UInt32}
)
SELECT *
FROM rooms
WHERE (room_kind, room_id) GLOBAL IN (newest)
ORDER BY last_activity_at DESC, room_kind, room_id
LIMIT {limit:UInt32}
