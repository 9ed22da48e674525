-- Sessions live: who is in a room now, by the room's kind (sessions).
-- Parameters: room ('' = all).
SELECT
    count() AS sessions,
    countIf(room_kind = 'call') AS in_calls,
    countIf(room_kind = 'account') AS in_accounts,
    countIf(room_kind = 'stream') AS in_streams
FROM open_stays
WHERE (lease_ends_at IS NULL OR lease_ends_at > now64(3))
    AND ({room:String} = '' OR room_id = {room:String})
