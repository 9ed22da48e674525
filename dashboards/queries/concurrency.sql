-- Concurrency: the most sessions at once in each step, looked at every 5 s (sessions), in all rooms and by their kind.
-- A session counts from its opening to before its end; one whose lease is over ended with the lease.
-- Parameters: from, to: points from one to before the other, none later than now; step_s; room_kind, room ('' = all).
WITH
    toInt64({step_s:UInt32}) AS step,
    least(5, step) AS every,
    1000 * every AS every_ms,
    intDiv(toUnixTimestamp64Milli({from:DateTime64(3, 'UTC')}) + every_ms - 1, every_ms) AS first_point,
    intDiv(toUnixTimestamp64Milli(least({to:DateTime64(3, 'UTC')}, now64(3))) + every_ms - 1, every_ms) AS end_point,
    intDiv(first_point * every, step) AS first_step,
    stays AS
    (
        SELECT room_kind, opened_at, at AS ended_at
        FROM room_events
        WHERE fact = 'session_closed'
            AND at > {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
            AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
            AND ({room:String} = '' OR room_id = {room:String})
        UNION ALL
        SELECT
            room_kind,
            opened_at,
            if(lease_ends_at <= now64(3), assumeNotNull(lease_ends_at), {to:DateTime64(3, 'UTC')}) AS ended_at
        FROM open_stays
        WHERE opened_at < {to:DateTime64(3, 'UTC')}
            AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
            AND ({room:String} = '' OR room_id = {room:String})
    ),
    changes AS
    (
        SELECT edge.1 AS point, toString(room_kind) AS kind, sum(edge.2) AS change
        FROM
        (
            SELECT
                room_kind,
                greatest(first_point, intDiv(toUnixTimestamp64Milli(opened_at) + every_ms - 1, every_ms)) AS enters,
                intDiv(toUnixTimestamp64Milli(ended_at) + every_ms - 1, every_ms) AS leaves
            FROM stays
        )
        ARRAY JOIN [(enters, 1), (leaves, -1)] AS edge
        WHERE enters < leaves AND enters < end_point AND edge.1 < end_point
        GROUP BY point, kind
        UNION ALL
        SELECT
            greatest(first_point, intDiv((first_step + number) * step + every - 1, every)) AS point,
            '' AS kind,
            0 AS change
        FROM numbers(toUInt64(greatest(0, intDiv((end_point - 1) * every, step) + 1 - first_step)))
        WHERE end_point > first_point
    )
SELECT
    toDateTime(intDiv(point * every, step) * step, 'UTC') AS time,
    max(all_now) AS sessions,
    max(calls_now) AS in_calls,
    max(accounts_now) AS in_accounts,
    max(streams_now) AS in_streams
FROM
(
    SELECT
        point,
        sum(sum(change)) OVER (ORDER BY point) AS all_now,
        sum(sumIf(change, kind = 'call')) OVER (ORDER BY point) AS calls_now,
        sum(sumIf(change, kind = 'account')) OVER (ORDER BY point) AS accounts_now,
        sum(sumIf(change, kind = 'stream')) OVER (ORDER BY point) AS streams_now
    FROM changes
    GROUP BY point
)
GROUP BY time
ORDER BY time
