-- Streams live: streams that are published now, and how many watch them (subscribers), most watched first.
-- Parameters: room ('' = all); limit.
SELECT
    published.room_id AS room_id,
    node,
    region,
    started_at,
    publication_ends_at,
    ifNull(watched.sessions, 0) AS subscribers
FROM
(
    SELECT
        room_id,
        JSONExtractString(newest.2, 'node') AS node,
        JSONExtractString(newest.2, 'region') AS region,
        fromUnixTimestamp64Milli(JSONExtractInt(newest.2, 'started_at_ms'), 'UTC') AS started_at,
        if(JSONExtractInt(newest.2, 'lease_ends_at_ms') = 0, NULL,
            fromUnixTimestamp64Milli(JSONExtractInt(newest.2, 'lease_ends_at_ms'), 'UTC')) AS publication_ends_at
    FROM
    (
        SELECT room_id, argMax((fact, extra), (log_offset, log_index, fact_index = 0)) AS newest
        FROM room_events
        WHERE room_kind = 'stream' AND fact IN ('stream_published', 'stream_unpublished')
            AND ({room:String} = '' OR room_id = {room:String})
        GROUP BY room_id
    )
    WHERE newest.1 = 'stream_published'
) AS published
LEFT JOIN (SELECT room_id, sessions FROM live_rooms WHERE room_kind = 'stream') AS watched USING (room_id)
WHERE publication_ends_at IS NULL OR publication_ends_at > now64(3)
ORDER BY subscribers DESC, room_id
LIMIT {limit:UInt32}
