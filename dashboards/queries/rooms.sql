-- Rooms: what became of rooms, latest activity first (sessions; milliseconds of two-way talk).
-- Parameters: from, to: rooms with activity in between; room_kind, room ('' = all); limit.
SELECT *
FROM rooms
WHERE last_activity_at >= {from:DateTime64(3, 'UTC')} AND first_activity_at < {to:DateTime64(3, 'UTC')}
    AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
    AND ({room:String} = '' OR room_id = {room:String})
ORDER BY last_activity_at DESC, room_kind, room_id
LIMIT {limit:UInt32}
