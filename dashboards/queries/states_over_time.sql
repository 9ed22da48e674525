-- States over time: sessions in each of the seven states at each point of time (sessions).
-- Sessions of accounts and streams send no statuses and stay in init: ask for room_kind call to leave them out.
-- Parameters: from, to: points from one to before the other, none later than now; step_s; room_kind, room ('' = all).
WITH
    1000 * toInt64({step_s:UInt32}) AS step_ms,
    intDiv(toUnixTimestamp64Milli({from:DateTime64(3, 'UTC')}) + step_ms - 1, step_ms) AS first_point,
    intDiv(toUnixTimestamp64Milli(least({to:DateTime64(3, 'UTC')}, now64(3))) + step_ms - 1, step_ms) AS end_point,
    intervals AS
    (
        SELECT prev_state AS was_in, prev_since AS entered_at, at AS left_at
        FROM room_events
        WHERE at > {from:DateTime64(3, 'UTC')} AND prev_since < {to:DateTime64(3, 'UTC')}
            AND intDiv(toUnixTimestamp64Milli(prev_since) + step_ms - 1, step_ms)
                < intDiv(toUnixTimestamp64Milli(at) + step_ms - 1, step_ms)
            AND prev_state != '' AND (fact = 'session_closed' OR (moved AND state != prev_state))
            AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
            AND ({room:String} = '' OR room_id = {room:String})
        UNION ALL
        SELECT
            last_state AS was_in,
            last_state_at AS entered_at,
            if(lease_ends_at <= now64(3), assumeNotNull(lease_ends_at), {to:DateTime64(3, 'UTC')}) AS left_at
        FROM open_stays
        WHERE last_state_at < {to:DateTime64(3, 'UTC')}
            AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
            AND ({room:String} = '' OR room_id = {room:String})
    ),
    changes AS
    (
        SELECT edge.1 AS point, was_in, sum(edge.2) AS change
        FROM
        (
            SELECT
                was_in,
                greatest(first_point, intDiv(toUnixTimestamp64Milli(entered_at) + step_ms - 1, step_ms)) AS enters,
                intDiv(toUnixTimestamp64Milli(left_at) + step_ms - 1, step_ms) AS leaves
            FROM intervals
        )
        ARRAY JOIN [(enters, 1), (leaves, -1)] AS edge
        WHERE enters < leaves AND enters < end_point AND edge.1 < end_point
        GROUP BY point, was_in
        UNION ALL
        SELECT first_point + number AS point, '' AS was_in, 0 AS change
        FROM numbers(toUInt64(greatest(0, end_point - first_point)))
    )
SELECT
    toDateTime(intDiv(point * step_ms, 1000), 'UTC') AS time,
    sum(sumIf(change, was_in = 'init')) OVER (ORDER BY point) AS init,
    sum(sumIf(change, was_in = 'waiting')) OVER (ORDER BY point) AS waiting,
    sum(sumIf(change, was_in = 'starting')) OVER (ORDER BY point) AS starting,
    sum(sumIf(change, was_in = 'sending')) OVER (ORDER BY point) AS sending,
    sum(sumIf(change, was_in = 'receiving')) OVER (ORDER BY point) AS receiving,
    sum(sumIf(change, was_in = 'sendrecv')) OVER (ORDER BY point) AS sendrecv,
    sum(sumIf(change, was_in = 'cleanup')) OVER (ORDER BY point) AS cleanup,
    sum(sumIf(change, was_in NOT IN ('', 'init', 'waiting', 'starting', 'sending', 'receiving', 'sendrecv', 'cleanup')))
        OVER (ORDER BY point) AS other
FROM changes
GROUP BY point
ORDER BY time
