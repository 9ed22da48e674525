-- Rule versions: when statuses were first judged by each version of the rules (version).
-- Parameters: from, to: versions that began in between.
SELECT
    min(judged_at) AS time,
    rule_version,
    concat('rules of version ', toString(rule_version)) AS text
FROM room_events
WHERE fact = 'status_judged'
GROUP BY rule_version
HAVING time >= {from:DateTime64(3, 'UTC')} AND time < {to:DateTime64(3, 'UTC')}
ORDER BY time, rule_version
