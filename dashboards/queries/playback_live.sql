-- Playback live: playback sessions now, by device type and service (sessions; accounts).
-- Parameters: none.
SELECT
    device_type,
    service,
    count() AS sessions,
    uniqExact(room_id) AS accounts
FROM live_sessions
WHERE room_kind = 'account'
GROUP BY device_type, service
ORDER BY sessions DESC, device_type, service
