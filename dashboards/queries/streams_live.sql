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
        JSONExtractString(last_extra, 'node') AS node,
        JSONExtractString(last_extra, 'region') AS region,
        fromUnixTimestamp64Milli(JSONExtractInt(last_extra, 'started_at_ms'), 'UTC') AS started_at,
        if(JSONExtractInt(last_extra, 'lease_ends_at_ms') = 0, NULL,
            fromUnixTimestamp64Milli(JSONExtractInt(last_extra, 'lease_ends_at_ms'), 'UTC')) AS publication_ends_at
    FROM
    (
        SELECT
            room_id,
            argMax(fact, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0)) AS last_fact,
            argMax(extra, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0)) AS last_extra
        FROM room_events
        WHERE room_kind = 'stream' AND fact IN ('stream_published', 'stream_unpublished')
            AND ({room:String} = '' OR room_id = {room:String})
        GROUP BY room_id
    )
    WHERE last_fact = 'stream_published'
) AS published
LEFT JOIN
(
    SELECT room_id, count() AS sessions
    FROM open_stays
    WHERE room_kind = 'stream' AND (lease_ends_at IS NULL OR lease_ends_at > now64(3))
    GROUP BY room_id
) AS watched USING (room_id)
WHERE publication_ends_at IS NULL OR publication_ends_at > now64(3)
ORDER BY subscribers DESC, room_id
LIMIT {limit:UInt32}
