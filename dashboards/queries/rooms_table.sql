-- Rooms table: live rooms, largest first, with their sessions in each state (sessions).
-- Parameters: room_kind, room ('' = all); limit.
SELECT
    room_kind,
    room_id,
    sessions,
    init,
    waiting,
    starting,
    sending,
    receiving,
    sendrecv,
    cleanup,
    other,
    first_opened_at,
    last_active_at
FROM live_rooms
WHERE ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
    AND ({room:String} = '' OR room_id = {room:String})
ORDER BY sessions DESC, room_kind, room_id
LIMIT {limit:UInt32}
