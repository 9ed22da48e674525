-- The same rows in less room: measured on a simulated evening, 46 bytes a row became 28, and an insert takes no more
-- time (benchmarks.space). Parts that were written before are packed like this when they are merged next.

-- Projections have no codecs of their own: they, and columns without one, were packed by LZ4. Merged parts of more than
-- 64 MiB have a file for each column, in larger blocks; no insert is that large.
ALTER TABLE room_events{_local}{on_cluster} MODIFY SETTING
    default_compression_codec = 'ZSTD(3)',
    min_bytes_for_wide_part = 67108864;

-- Ids and most times repeat within a room, whose rows lie together: whole values are found again, differences are not.
-- Of times that are new in nearly each row it is the other way round.
ALTER TABLE room_events{_local}{on_cluster}
    MODIFY COLUMN room_id CODEC(ZSTD(3)),
    MODIFY COLUMN session_id CODEC(ZSTD(3)),
    MODIFY COLUMN user_id CODEC(ZSTD(3)),
    MODIFY COLUMN input_id CODEC(ZSTD(3)),
    MODIFY COLUMN event CODEC(ZSTD(5)),
    MODIFY COLUMN state CODEC(ZSTD(5)),
    MODIFY COLUMN prev_state CODEC(ZSTD(5)),
    MODIFY COLUMN opened_at CODEC(ZSTD(3)),
    MODIFY COLUMN prev_since CODEC(ZSTD(3)),
    MODIFY COLUMN lease_ends_at CODEC(ZSTD(3)),
    MODIFY COLUMN occurred_at CODEC(Delta, ZSTD(3)),
    MODIFY COLUMN received_at CODEC(Delta, ZSTD(3)),
    MODIFY COLUMN at CODEC(Delta, ZSTD(3)),
    MODIFY COLUMN judged_at CODEC(ZSTD(3)),
    MODIFY COLUMN inserted_at CODEC(ZSTD(3)),
    MODIFY COLUMN log_offset CODEC(ZSTD(1)),
    MODIFY COLUMN epoch CODEC(ZSTD(1));

-- There are few user agents, each told again and again; a part keeps each once. Where there are many (over 8,192 in a
-- part) it is as it was.
ALTER TABLE room_events{_local}{on_cluster} MODIFY COLUMN user_agent LowCardinality(String) CODEC(ZSTD(1));
{cluster}ALTER TABLE room_events{on_cluster} MODIFY COLUMN user_agent LowCardinality(String);

-- A view keeps the types that it was made with: the same view again, so that it does not turn each agent into a String.
CREATE OR REPLACE VIEW violations{on_cluster} AS
SELECT
    at,
    room_id,
    session_id,
    event,
    prev_state,
    state,
    prev_connections,
    prev_send_streams,
    prev_recv_streams,
    connections,
    send_streams,
    recv_streams,
    reason,
    user_agent,
    room_kind,
    moved,
    rule_version,
    opened_at,
    log_partition,
    log_offset,
    log_index
FROM room_events
WHERE verdict = 'violation';
