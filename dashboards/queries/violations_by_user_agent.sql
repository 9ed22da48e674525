-- Violations by user agent: who contradicts the protocol, and in what share of their updates (counts; percent).
-- Parameters: from, to: updates of that time; room_kind, room ('' = all); limit.
SELECT
    user_agent,
    countIf(verdict = 'violation') AS violations,
    count() AS updates,
    round(100 * violations / updates, 2) AS percent,
    uniqExactIf((room_kind, room_id, session_id, opened_at), verdict = 'violation') AS stays
FROM room_events
WHERE fact = 'status_judged' AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
    AND ({room:String} = '' OR room_id = {room:String})
GROUP BY user_agent
HAVING violations > 0
ORDER BY violations DESC, user_agent
LIMIT {limit:UInt32}
