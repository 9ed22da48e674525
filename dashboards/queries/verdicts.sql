-- Verdicts: how status updates relate to the diagram and the counters (counts; share in percent).
-- Parameters: from, to: updates of that time; room_kind, room, user_agent ('' = all).
SELECT
    verdict,
    count() AS updates,
    round(100 * updates / sum(updates) OVER (), 1) AS percent
FROM room_events
WHERE fact = 'status_judged' AND at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
    AND ({room:String} = '' OR room_id = {room:String})
    AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
GROUP BY verdict
ORDER BY updates DESC, verdict
