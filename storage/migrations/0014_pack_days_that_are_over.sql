-- A day that is over is packed closer (storage/retention.py, decision 0014): at ZSTD(15), when its rows are written once
-- more anyway to become one part; 27 bytes a row instead of 33. That holds for projections and for columns that have no
-- codec of their own, so no column has one now. What is written today stays at ZSTD(3). Parts are packed like this when
-- they are merged next.

-- Small counters are turned into planes of bits first, at either level. Times that are new in nearly each row are packed as
-- differences, which suits a day with its hours (1.6 bytes each, 2.3 without) more than a burst of a few minutes does (1.3
-- and 1.1); times that other rows of the room have too are found again whole.
ALTER TABLE room_events{_local}{on_cluster}
    MODIFY COLUMN fact_index CODEC(T64, Default),
    MODIFY COLUMN room_kind CODEC(Default),
    MODIFY COLUMN room_id CODEC(Default),
    MODIFY COLUMN session_id CODEC(Default),
    MODIFY COLUMN user_id CODEC(Default),
    MODIFY COLUMN event CODEC(Default),
    MODIFY COLUMN event_family CODEC(Default),
    MODIFY COLUMN state CODEC(Default),
    MODIFY COLUMN connections CODEC(T64, Default),
    MODIFY COLUMN send_streams CODEC(T64, Default),
    MODIFY COLUMN recv_streams CODEC(T64, Default),
    MODIFY COLUMN prev_state CODEC(Default),
    MODIFY COLUMN prev_connections CODEC(T64, Default),
    MODIFY COLUMN prev_send_streams CODEC(T64, Default),
    MODIFY COLUMN prev_recv_streams CODEC(T64, Default),
    MODIFY COLUMN rule_version CODEC(T64, Default),
    MODIFY COLUMN moved CODEC(Default),
    MODIFY COLUMN opened_at CODEC(Default),
    MODIFY COLUMN prev_since CODEC(Default),
    MODIFY COLUMN lease_ends_at CODEC(Default),
    MODIFY COLUMN client_ip CODEC(Default),
    MODIFY COLUMN user_agent CODEC(Default),
    MODIFY COLUMN bytes_sent CODEC(T64, Default),
    MODIFY COLUMN bytes_recv CODEC(T64, Default),
    MODIFY COLUMN input_id CODEC(Default),
    MODIFY COLUMN client_seq CODEC(T64, Default),
    MODIFY COLUMN occurred_at CODEC(Delta, Default),
    MODIFY COLUMN received_at CODEC(Delta, Default),
    MODIFY COLUMN at CODEC(Delta, Default),
    MODIFY COLUMN judged_at CODEC(Default),
    MODIFY COLUMN inserted_at CODEC(Default),
    MODIFY COLUMN log_partition CODEC(T64, Default),
    MODIFY COLUMN log_offset CODEC(Delta, Default),
    MODIFY COLUMN log_index CODEC(T64, Default),
    MODIFY COLUMN frame_inputs CODEC(T64, Default),
    MODIFY COLUMN epoch CODEC(Default),
    MODIFY COLUMN session_number CODEC(Default),
    MODIFY COLUMN extra CODEC(Default);

-- Two granules of times or numbers are packed together: the same values are found again in more rows.
ALTER TABLE room_events{_local}{on_cluster} MODIFY SETTING min_compress_block_size = 131072;
