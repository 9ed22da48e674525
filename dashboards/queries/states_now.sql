-- States now: live sessions in each of the seven states (sessions).
-- Sessions of accounts and streams send no statuses and stay in init: ask for room_kind call to leave them out.
-- Parameters: room_kind, room, user_agent ('' = all).
WITH ['init', 'waiting', 'starting', 'sending', 'receiving', 'sendrecv', 'cleanup', 'other'] AS states
SELECT
    states[place] AS state,
    countEqual(places, place) AS sessions
FROM
(
    SELECT groupArray(if(indexOf(states, state) = 0, 8, indexOf(states, state))) AS places
    FROM live_sessions
    WHERE ({room_kind:String} = '' OR toString(room_kind) = {room_kind:String})
        AND ({room:String} = '' OR room_id = {room:String})
        AND ({user_agent:String} = '' OR user_agent = {user_agent:String})
)
ARRAY JOIN arrayEnumerate(states) AS place
ORDER BY place
