-- The rest of what people read: rooms, live rooms, minutes, violations; and of stays, how far they came and how they
-- failed (docs/metrics.md).

-- Stays, with what 0001 did not think of, and without what live_sessions no longer takes from there: it takes the place
-- of by_stay. It is sorted by the time of opening, so that a span reads its own stays; a room's are found in its rows.
-- …_edges are when one-way media began and ended: 2 × milliseconds after the opening, + 1 for an end. A
-- failure notice is a status by which a client says why its call broke: 1 an exception of its SDK, 2 its network, 3
-- that it was thrown out. Steps are the funnel's.
ALTER TABLE room_events{_local}{on_cluster} ADD PROJECTION IF NOT EXISTS by_session
(
    SELECT
        opened_at,
        room_kind,
        room_id,
        session_id,
        max(user_id),
        max(device_type),
        argMaxIf(user_agent, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), notEmpty(user_agent)),
        argMaxIf(lease_ends_at, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
            lease_ends_at != toDateTime64(0, 3, 'UTC')),
        argMaxIf(state, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), moved),
        countIf(fact = 'session_closed'),
        maxIf(at, fact = 'session_closed'),
        maxIf(reason, fact = 'session_closed'),
        minIf(at, moved AND send_streams > 0),
        minIf(at, moved AND recv_streams > 0),
        minIf(at, moved AND state = 'sendrecv'),
        sumIf(toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(prev_since),
            prev_state IN ('sending', 'receiving', 'sendrecv')
            AND (fact = 'session_closed' OR (moved AND state != prev_state))),
        sumIf(toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(prev_since),
            prev_state = 'sendrecv' AND (fact = 'session_closed' OR (moved AND state != prev_state))),
        maxIf(connections, moved),
        maxIf(send_streams, moved),
        maxIf(recv_streams, moved),
        countIf(fact = 'status_judged'),
        countIf(verdict = 'violation'),
        max(at),
        minIf(at, moved AND state != 'init'),
        minIf(at, moved AND state IN ('sending', 'receiving', 'sendrecv')),
        maxIf(at, moved AND state != prev_state),
        maxIf(transform(state, ['waiting', 'cleanup', 'starting', 'sending', 'receiving', 'sendrecv'],
            [2, 2, 3, 4, 4, 5], 1), moved),
        maxIf(toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(prev_since),
            prev_state = 'sendrecv' AND (fact = 'session_closed' OR (moved AND state != prev_state))),
        maxIf(connections, moved AND state IN ('sending', 'receiving', 'sendrecv')),
        groupArrayIf(2 * (toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(opened_at))
                + (prev_state = 'sending' AND prev_connections >= 2),
            (prev_state = 'sending' AND prev_connections >= 2)
                != (if(moved, state, prev_state) = 'sending' AND if(moved, connections, prev_connections) >= 2
                    AND fact != 'session_closed')),
        groupArrayIf(2 * (toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(opened_at))
                + (prev_state = 'receiving' AND prev_connections >= 2),
            (prev_state = 'receiving' AND prev_connections >= 2)
                != (if(moved, state, prev_state) = 'receiving' AND if(moved, connections, prev_connections) >= 2
                    AND fact != 'session_closed')),
        maxIf(bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
            moved AND state != prev_state AND state IN ('sending', 'receiving', 'sendrecv')),
        argMaxIf(multiIf(startsWith(lower(event), 'sdk.exception'), 1,
                lower(event) = 'session.networkdisconnected', 2, 3),
            bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
            event_family = 'notice' AND verdict NOT IN ('', 'duplicate', 'late', 'after_close')
            AND (startsWith(lower(event), 'sdk.exception')
                OR lower(event) IN ('session.networkdisconnected', 'session.forcedisconnected'))),
        maxIf(bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
            event_family = 'notice' AND verdict NOT IN ('', 'duplicate', 'late', 'after_close')
            AND (startsWith(lower(event), 'sdk.exception')
                OR lower(event) IN ('session.networkdisconnected', 'session.forcedisconnected')))
    GROUP BY opened_at, room_kind, room_id, session_id
);
ALTER TABLE room_events{_local}{on_cluster} MATERIALIZE PROJECTION by_session;
ALTER TABLE room_events{_local}{on_cluster} DROP PROJECTION IF EXISTS by_stay;

-- One row per stay. media_ms, two_way_ms and longest_two_way_ms count closed intervals, peaks count moved snapshots,
-- statuses count all. furthest is the funnel's step that the states reached (1 init … 5 two-way). failure is '' of a
-- stay that is live, or that its person ended. one_way_…_ms is the longest stretch, of those that are over, in which it
-- only sent, or only received, while two or more were connected; one_way_since: such a stretch goes on since then.
-- For one room's or one session's live stays ask here (closed_at, lease_ends_at): live_sessions looks at all rooms.
CREATE OR REPLACE VIEW sessions{on_cluster} AS
SELECT
    room_kind,
    room_id,
    session_id,
    known_user_id AS user_id,
    opened_at,
    if(closings > 0, toNullable(last_closed_at), NULL) AS closed_at,
    last_close_reason AS close_reason,
    nullIf(send_since, toDateTime64(0, 3, 'UTC')) AS first_send_at,
    nullIf(recv_since, toDateTime64(0, 3, 'UTC')) AS first_recv_at,
    nullIf(two_way_since, toDateTime64(0, 3, 'UTC')) AS first_two_way_at,
    media_ms,
    two_way_ms,
    peak_connections,
    peak_send_streams,
    peak_recv_streams,
    statuses,
    violations,
    known_state AS last_state,
    known_device_type AS device_type,
    known_user_agent AS user_agent,
    nullIf(lease_end, toDateTime64(0, 3, 'UTC')) AS lease_ends_at,
    last_fact_at AS last_activity_at,
    nullIf(left_init_since, toDateTime64(0, 3, 'UTC')) AS left_init_at,
    nullIf(media_since, toDateTime64(0, 3, 'UTC')) AS first_media_at,
    last_entered_at AS last_state_at,
    furthest,
    longest_two_way_ms,
    multiIf(
        room_kind != 'call' OR closings = 0, '',
        last_close_reason = 'killed', 'killed',
        notice_place > media_place, transform(notice, [1, 2],
            ['sdk_exception', 'network_disconnected'], 'force_disconnected'),
        last_close_reason = 'expired', 'lease_expired',
        left_init_since = toDateTime64(0, 3, 'UTC'), 'never_connected',
        media_since = toDateTime64(0, 3, 'UTC') AND peak_connections >= 2, 'unknown',
        '') AS failure,
    peak_connections_with_media,
    arrayMax(arrayPushBack(arrayMap((start, end) -> intDiv(end, 2) - intDiv(start, 2),
        arrayResize(arraySort(arrayFilter(edge -> edge % 2 = 0, sending_edges)),
            countEqual(arrayMap(edge -> edge % 2, sending_edges), 1)),
        arraySort(arrayFilter(edge -> edge % 2 = 1, sending_edges))), 0)) AS one_way_sending_ms,
    arrayMax(arrayPushBack(arrayMap((start, end) -> intDiv(end, 2) - intDiv(start, 2),
        arrayResize(arraySort(arrayFilter(edge -> edge % 2 = 0, receiving_edges)),
            countEqual(arrayMap(edge -> edge % 2, receiving_edges), 1)),
        arraySort(arrayFilter(edge -> edge % 2 = 1, receiving_edges))), 0)) AS one_way_receiving_ms,
    multiIf(
        length(sending_edges) % 2 = 1,
            toNullable(opened_at + toIntervalMillisecond(intDiv(arrayMax(arrayFilter(edge -> edge % 2 = 0,
                sending_edges)), 2))),
        length(receiving_edges) % 2 = 1,
            toNullable(opened_at + toIntervalMillisecond(intDiv(arrayMax(arrayFilter(edge -> edge % 2 = 0,
                receiving_edges)), 2))),
        NULL) AS one_way_since
FROM
(
    SELECT
        room_kind,
        room_id,
        session_id,
        opened_at,
        max(user_id) AS known_user_id,
        max(device_type) AS known_device_type,
        argMaxIf(user_agent, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), notEmpty(user_agent))
            AS known_user_agent,
        argMaxIf(lease_ends_at, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
            lease_ends_at != toDateTime64(0, 3, 'UTC')) AS lease_end,
        argMaxIf(state, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), moved) AS known_state,
        countIf(fact = 'session_closed') AS closings,
        maxIf(at, fact = 'session_closed') AS last_closed_at,
        maxIf(reason, fact = 'session_closed') AS last_close_reason,
        minIf(at, moved AND send_streams > 0) AS send_since,
        minIf(at, moved AND recv_streams > 0) AS recv_since,
        minIf(at, moved AND state = 'sendrecv') AS two_way_since,
        sumIf(toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(prev_since),
            prev_state IN ('sending', 'receiving', 'sendrecv')
            AND (fact = 'session_closed' OR (moved AND state != prev_state))) AS media_ms,
        sumIf(toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(prev_since),
            prev_state = 'sendrecv' AND (fact = 'session_closed' OR (moved AND state != prev_state))) AS two_way_ms,
        maxIf(connections, moved) AS peak_connections,
        maxIf(send_streams, moved) AS peak_send_streams,
        maxIf(recv_streams, moved) AS peak_recv_streams,
        countIf(fact = 'status_judged') AS statuses,
        countIf(verdict = 'violation') AS violations,
        max(at) AS last_fact_at,
        minIf(at, moved AND state != 'init') AS left_init_since,
        minIf(at, moved AND state IN ('sending', 'receiving', 'sendrecv')) AS media_since,
        maxIf(at, moved AND state != prev_state) AS last_entered_at,
        maxIf(transform(state, ['waiting', 'cleanup', 'starting', 'sending', 'receiving', 'sendrecv'],
            [2, 2, 3, 4, 4, 5], 1), moved) AS furthest,
        maxIf(toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(prev_since),
            prev_state = 'sendrecv' AND (fact = 'session_closed' OR (moved AND state != prev_state)))
            AS longest_two_way_ms,
        maxIf(connections, moved AND state IN ('sending', 'receiving', 'sendrecv')) AS peak_connections_with_media,
        groupArrayIf(2 * (toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(opened_at))
                + (prev_state = 'sending' AND prev_connections >= 2),
            (prev_state = 'sending' AND prev_connections >= 2)
                != (if(moved, state, prev_state) = 'sending' AND if(moved, connections, prev_connections) >= 2
                    AND fact != 'session_closed')) AS sending_edges,
        groupArrayIf(2 * (toUnixTimestamp64Milli(at) - toUnixTimestamp64Milli(opened_at))
                + (prev_state = 'receiving' AND prev_connections >= 2),
            (prev_state = 'receiving' AND prev_connections >= 2)
                != (if(moved, state, prev_state) = 'receiving' AND if(moved, connections, prev_connections) >= 2
                    AND fact != 'session_closed')) AS receiving_edges,
        maxIf(bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
            moved AND state != prev_state AND state IN ('sending', 'receiving', 'sendrecv')) AS media_place,
        argMaxIf(multiIf(startsWith(lower(event), 'sdk.exception'), 1,
                lower(event) = 'session.networkdisconnected', 2, 3),
            bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
            event_family = 'notice' AND verdict NOT IN ('', 'duplicate', 'late', 'after_close')
            AND (startsWith(lower(event), 'sdk.exception')
                OR lower(event) IN ('session.networkdisconnected', 'session.forcedisconnected'))) AS notice,
        maxIf(bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
            event_family = 'notice' AND verdict NOT IN ('', 'duplicate', 'late', 'after_close')
            AND (startsWith(lower(event), 'sdk.exception')
                OR lower(event) IN ('session.networkdisconnected', 'session.forcedisconnected'))) AS notice_place
    FROM room_events
    WHERE session_id != '' AND opened_at > toDateTime64(0, 3, 'UTC')
    GROUP BY room_kind, room_id, session_id, opened_at
);

-- Stays that have not closed, whether their lease is over or not. Days whose openings have all closed are not looked at
-- (0005, by_opening).
CREATE OR REPLACE VIEW open_stays{on_cluster} AS
SELECT *
FROM sessions
WHERE closed_at IS NULL AND toDate(opened_at) {global}IN
(
    SELECT day
    FROM
    (
        SELECT
            log_partition,
            toDate(opened_at) AS day,
            sumIf(cityHash64(room_kind, room_id, session_id, opened_at), fact = 'session_opened') AS opened,
            sumIf(cityHash64(room_kind, room_id, session_id, opened_at), fact = 'session_closed') AS closed
        FROM room_events
        GROUP BY log_partition, toDate(opened_at)
    )
    WHERE opened != closed
);

-- Rooms that were made, entered or published. created_at is of the last creation, deleted_at of a deletion after it;
-- NULL where nothing is known of it. peak_sessions is the most stays at one moment, where one that ends counts no more.
CREATE OR REPLACE VIEW rooms{on_cluster} AS
SELECT
    room_kind,
    room_id,
    nullIf(last_created_at, toDateTime64(0, 3, 'UTC')) AS created_at,
    began_at AS first_activity_at,
    ended_at AS last_activity_at,
    stays AS sessions,
    toUInt64(greatest(0, arrayMax(arrayCumSum(change -> if(change % 2 = 1, 1, -1), arraySort(changes)))))
        AS peak_sessions,
    talked_ms AS two_way_ms,
    if(last_fate = 'room_deleted', toNullable(last_fate_at), NULL) AS deleted_at
FROM
(
    SELECT
        room_kind,
        room_id,
        min(from_at) AS began_at,
        max(to_at) AS ended_at,
        sum(is_stay) AS stays,
        sum(stay_two_way_ms) AS talked_ms,
        -- 2 × milliseconds, + 1 for an opening, so that endings come first.
        groupArrayArray(if(is_stay, [2 * toUnixTimestamp64Milli(from_at) + 1, 2 * toUnixTimestamp64Milli(ends_at)],
            emptyArrayInt64())) AS changes,
        max(created) AS last_created_at,
        argMax(fate, fate_place) AS last_fate,
        argMax(fate_at, fate_place) AS last_fate_at
    FROM
    (
        SELECT
            room_kind,
            room_id,
            opened_at AS from_at,
            last_activity_at AS to_at,
            1 AS is_stay,
            two_way_ms AS stay_two_way_ms,
            assumeNotNull(closed_at) AS ends_at,
            toDateTime64(0, 3, 'UTC') AS created,
            '' AS fate,
            toDateTime64(0, 3, 'UTC') AS fate_at,
            toUInt64(0) AS fate_place
        FROM sessions
        WHERE closed_at IS NOT NULL
        UNION ALL
        SELECT
            room_kind,
            room_id,
            opened_at,
            last_activity_at,
            1,
            two_way_ms,
            ifNull(lease_ends_at, toDateTime64(9000000000, 3, 'UTC')),
            toDateTime64(0, 3, 'UTC'),
            '',
            toDateTime64(0, 3, 'UTC'),
            toUInt64(0)
        FROM open_stays
        UNION ALL
        SELECT
            room_kind,
            room_id,
            min(at),
            max(at),
            0,
            0,
            toDateTime64(0, 3, 'UTC'),
            argMaxIf(at, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), fact = 'room_created'),
            argMaxIf(fact, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
                fact IN ('room_created', 'room_deleted')),
            argMaxIf(at, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
                fact IN ('room_created', 'room_deleted')),
            maxIf(bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
                fact IN ('room_created', 'room_deleted'))
        FROM room_events
        WHERE fact IN ('room_created', 'room_updated', 'room_deleted', 'stream_published', 'stream_unpublished')
        GROUP BY room_kind, room_id
    )
    GROUP BY room_kind, room_id
);

-- Updates that contradict the protocol, with what they claimed and what was known before.
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

-- Facts of each minute (of `at`).
CREATE OR REPLACE VIEW minute_stats{on_cluster} AS
SELECT toStartOfMinute(at) AS minute, room_kind, kind, fact, verdict, reason, state, count() AS facts
FROM room_events
GROUP BY toStartOfMinute(at), room_kind, kind, fact, verdict, reason, state;

-- live_sessions with the time since when a session has been in its state. The candidates are the stays that have not
-- closed, and no longer whatever has a lease that goes on: among those is everybody who ever opened without one. Their
-- rows are found by the time of their opening, as before.
CREATE OR REPLACE VIEW live_sessions{on_cluster} AS
SELECT
    room_kind,
    room_id,
    session_id,
    known_user_id AS user_id,
    tupleElement(last_snapshot, 1) AS state,
    tupleElement(last_snapshot, 2) AS connections,
    tupleElement(last_snapshot, 3) AS send_streams,
    tupleElement(last_snapshot, 4) AS recv_streams,
    opened_at,
    last_seen_at,
    nullIf(lease_end, toDateTime64(0, 3, 'UTC')) AS lease_ends_at,
    known_app AS app,
    known_service AS service,
    known_device_type AS device_type,
    known_client_ip AS client_ip,
    known_user_agent AS user_agent,
    known_bytes_sent AS bytes_sent,
    known_bytes_recv AS bytes_recv,
    if(known_number = 0, bitShiftLeft(toUInt64(1), 52) + bitShiftRight(cityHash64(toString(room_kind), room_id,
        session_id, toUnixTimestamp64Milli(opened_at)), 12), known_number) AS session_number,
    known_protocol AS protocol,
    last_entered_at AS state_since
FROM
(
    SELECT
        room_kind,
        room_id,
        session_id,
        opened_at,
        max(user_id) AS known_user_id,
        max(device_type) AS known_device_type,
        argMaxIf(user_agent, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), notEmpty(user_agent))
            AS known_user_agent,
        max(app) AS known_app,
        max(service) AS known_service,
        argMaxIf(client_ip, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), notEmpty(client_ip))
            AS known_client_ip,
        argMaxIf(lease_ends_at, bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0),
            lease_ends_at != toDateTime64(0, 3, 'UTC')) AS lease_end,
        argMaxIf((state, connections, send_streams, recv_streams),
            bitShiftLeft(log_offset, 21) + 2 * log_index + (fact_index = 0), moved)
            AS last_snapshot,
        max(received_at) AS last_seen_at,
        max(bytes_sent) AS known_bytes_sent,
        max(bytes_recv) AS known_bytes_recv,
        max(session_number) AS known_number,
        maxIf(JSONExtractString(extra, 'protocol'), fact = 'session_opened') AS known_protocol,
        maxIf(at, moved AND state != prev_state) AS last_entered_at,
        countIf(fact = 'session_closed') AS closings
    FROM room_events
    PREWHERE opened_at {global}IN
        (
            SELECT opened_at FROM open_stays WHERE lease_ends_at IS NULL OR lease_ends_at > now64(3)
        )
    WHERE session_id != '' AND opened_at > toDateTime64(0, 3, 'UTC')
        AND at >=
        (
            SELECT min(opened_at) FROM open_stays WHERE lease_ends_at IS NULL OR lease_ends_at > now64(3)
        )
    GROUP BY room_kind, room_id, session_id, opened_at
)
WHERE closings = 0 AND (lease_end = toDateTime64(0, 3, 'UTC') OR lease_end > now64(3));

-- Rooms with a live session, and how many sessions are in each state.
CREATE OR REPLACE VIEW live_rooms{on_cluster} AS
SELECT
    room_kind,
    room_id,
    count() AS sessions,
    countIf(state = 'init') AS init,
    countIf(state = 'waiting') AS waiting,
    countIf(state = 'starting') AS starting,
    countIf(state = 'sending') AS sending,
    countIf(state = 'receiving') AS receiving,
    countIf(state = 'sendrecv') AS sendrecv,
    countIf(state = 'cleanup') AS cleanup,
    countIf(state NOT IN ('init', 'waiting', 'starting', 'sending', 'receiving', 'sendrecv', 'cleanup')) AS other,
    min(opened_at) AS first_opened_at,
    max(last_seen_at) AS last_active_at
FROM live_sessions
GROUP BY room_kind, room_id;
