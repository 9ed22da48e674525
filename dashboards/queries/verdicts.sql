-- Verdicts: how status updates relate to the diagram and the counters (counts; share in percent).
-- Parameters: since, until (DateTime64): updates of that time.
SELECT
    verdict,
    count() AS updates,
    round(100 * updates / sum(updates) OVER (), 1) AS percent
FROM room_events
WHERE fact = 'status_judged' AND at >= {since:DateTime64(3, 'UTC')} AND at < {until:DateTime64(3, 'UTC')}
GROUP BY verdict
ORDER BY updates DESC, verdict
