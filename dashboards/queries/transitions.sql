-- Transitions: what updates said of the state before and after, by verdict (counts); also openings and closings.
-- From or to '' is outside of the room; moved 0: the session stayed where it was; other: a state that there is not.
-- Parameters: from, to: of that time; room_kind, room, user_agent ('' = all).
WITH ['init', 'waiting', 'starting', 'sending', 'receiving', 'sendrecv', 'cleanup'] AS known
SELECT
    prev_state AS from_state,
    if(fact = 'session_closed' OR has(known, state), state, 'other') AS to_state,
    multiIf(fact = 'session_opened', 'opened', fact = 'session_closed', 'closed', room_events.verdict) AS verdict,
    toUInt8(room_events.moved OR fact = 'session_closed') AS moved,
    count() AS updates
FROM room_events
WHERE at >= {from:DateTime64(3, 'UTC')} AND at < {to:DateTime64(3, 'UTC')}
    AND (fact IN ('session_opened', 'session_closed')
        OR (fact = 'status_judged' AND room_events.verdict NOT IN ('duplicate', 'late', 'after_close')))
    AND ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
    AND ({room:String} = '' OR room_id = {room:String})
    AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
GROUP BY from_state, to_state, verdict, moved
ORDER BY from_state, to_state, verdict, moved
