-- Subscribers: who watches streams now, by stream (subscribers), most watched first; also of streams not published.
-- Parameters: room ('' = all); limit.
SELECT
    room_id,
    count() AS subscribers,
    min(opened_at) AS first_opened_at,
    sum(bytes_recv) AS bytes_recv
FROM live_sessions
WHERE room_kind = 'stream'
    AND ({room:String} = '' OR room_id = {room:String})
GROUP BY room_id
ORDER BY subscribers DESC, room_id
LIMIT {limit:UInt32}
