// Facts to lanes: a lane for each stay, the states it was in from when to when, and what happened on it.

import { sortOf } from "./verdicts.js";

const NEVER = "1970-01-01T00:00:00";
const stayKey = (fact) => `${fact.session_id}\n${fact.opened_at}`;

// Shape: `facts` in the order of time, each with `atMs`. A lane: session, user, intervals {state, fromMs, toMs (null = still)}, marks.
export function lanesOf(facts) {
  const lanes = new Map();
  const newest = new Map();
  for (const fact of facts) {
    if (!fact.session_id) continue;
    const hasStay = fact.opened_at && !fact.opened_at.startsWith(NEVER);
    // What came when nobody was there stands on the lane of the stay before, or on one of its own.
    const key = hasStay ? stayKey(fact) : (newest.get(fact.session_id) ?? stayKey(fact));
    if (!lanes.has(key)) lanes.set(key, { session: fact.session_id, room: fact.room_id, user: "", intervals: [], marks: [] });
    newest.set(fact.session_id, key);
    take(lanes.get(key), fact);
  }
  return [...lanes.values()];
}

function take(lane, fact) {
  lane.user ||= fact.user_id;
  lane.marks.push({ fact, atMs: fact.atMs, sort: fact.fact === "status_judged" ? sortOf(fact.verdict) : "life" });
  if (fact.fact === "session_opened") begin(lane, "init", fact.atMs);
  else if (fact.fact === "session_closed") end(lane, fact.atMs);
  else if (fact.moved && fact.state !== fact.prev_state) begin(lane, fact.state, fact.atMs);
}

function end(lane, atMs) {
  const last = lane.intervals.at(-1);
  if (last && last.toMs === null) last.toMs = atMs;
}

function begin(lane, state, atMs) {
  end(lane, atMs);
  lane.intervals.push({ state, fromMs: atMs, toMs: null });
}
