-- Offenders: updates that violate the protocol, by what sent them and how (counts), worst first.
-- Parameters: since, until (DateTime64): updates of that time.
SELECT
    user_agent,
    event,
    reason,
    count() AS violations,
    uniqExact(room_id, session_id) AS sessions
FROM room_events
WHERE verdict = 'violation' AND at >= {since:DateTime64(3, 'UTC')} AND at < {until:DateTime64(3, 'UTC')}
GROUP BY user_agent, event, reason
ORDER BY violations DESC, user_agent, event, reason
LIMIT 10
