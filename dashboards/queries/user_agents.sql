-- User agents: what sends statuses (updates; stays), most first.
-- Parameters: from, to: updates of that time; limit.
SELECT
    user_agent,
    count() AS updates,
    uniqExact(room_kind, room_id, session_id, opened_at) AS stays
FROM room_events
WHERE fact = 'status_judged' AND user_agent != ''
    AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
GROUP BY user_agent
ORDER BY updates DESC, user_agent
LIMIT {limit:UInt32}
