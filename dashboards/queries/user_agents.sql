-- User agents: what the people in calls use (stays; their updates and violations), most first.
-- Parameters: from, to: stays that opened in between; limit.
SELECT
    user_agent,
    count() AS stays,
    sum(statuses) AS updates,
    sum(sessions.violations) AS violations
FROM sessions
WHERE room_kind = 'call' AND user_agent != ''
    AND opened_at >= {from:DateTime64(3, 'UTC')} AND opened_at < {to:DateTime64(3, 'UTC')}
GROUP BY user_agent
ORDER BY stays DESC, user_agent
LIMIT {limit:UInt32}
