"""An hour's worth of updates for the live page, made up in the browser: what memory and frames make of it."""

from typing import Final

from benchmarks.results import Figures
from tests.browser.chromium import Seen

_FEED: Final = """
([updates, rooms]) => {
  const states = ["init", "waiting", "starting", "sending", "receiving", "sendrecv", "cleanup"];
  const encoder = new TextEncoder();
  const send = (to, event, data) =>
    to.enqueue(encoder.encode(`event: ${event}\\ndata: ${JSON.stringify(data)}\\n\\n`));
  const person = (number, round) => {
    const room = `room-${Math.floor(number / 2)}-${round}`;
    const state = states[(number + round * 3) % 7];
    return ["call", room, `${room}-${number % 2}`, Date.now(), state, 2, 1, 1, Date.now(), 0, `user-${number}`];
  };
  const people = Array.from({ length: 2 * rooms }, (_, number) => person(number, 0));
  const counts = () => states.map((state) => ["call", state, people.filter((each) => each[4] === state).length]);
  const real = window.fetch;
  window.frames_ms = [];
  let last = performance.now();
  const watch = (now) => {
    window.frames_ms.push(now - last);
    last = now;
    if (window.frames_ms.length > 4000) window.frames_ms.shift();
    requestAnimationFrame(watch);
  };
  requestAnimationFrame(watch);
  window.told = 0;
  const pull = async (to) => {
    const at = { at_ms: Date.now(), counts: counts() };
    if (window.told === 0) send(to, "snapshot", { ...at, is_whole: true, sessions: people });
    await new Promise((done) => setTimeout(done, 4));
    if (window.told >= updates) return;
    window.told += 1;
    const changed = [], gone = [];
    for (let index = 0; index < 200; index += 1) {
      const place = (window.told * 200 + index) % people.length;
      const round = Math.floor((window.told * 200 + index) / people.length);
      gone.push(people[place].slice(0, 3));
      people[place] = person(place, round);
      changed.push(people[place]);
    }
    const moves = states.slice(1).map((to, index) => ["call", states[index], to, "diagram", "", 5 + index]);
    const [, room, session] = changed[0];
    const violations = [[Date.now(), "call", room, session, "event", "waiting", "conected", "unknown_state"]];
    send(to, "update", { ...at, gone, changed, moves, violations });
  };
  const feed = () => Promise.resolve(new Response(new ReadableStream({ pull })));
  window.fetch = (path, options) => (path === "/v1/live" ? feed() : real(path, options));
}"""


def hour_of_updates(seen: Seen, updates: int, rooms: int) -> Figures:
    """Play the updates; return the page's memory on the way and how its frames came.

    Each update brings 200 changes: at five a second that is 1,000 changes a second.
    """
    seen.page.add_init_script(f"({_FEED})([{updates}, {rooms}])")
    seen.go("#/now")
    tools = seen.page.context.new_cdp_session(seen.page)
    figures = {}
    for part in (0.1, 0.5, 1.0):
        seen.page.wait_for_function("told => window.told >= told", arg=int(updates * part), timeout=1_200_000)
        tools.send("HeapProfiler.collectGarbage")
        after = f"after {int(updates * part)} updates"
        frames = sorted(seen.page.evaluate("window.frames_ms"))
        figures[f"script's memory {after}, MB"] = seen.page.evaluate("performance.memory.usedJSHeapSize") / 1e6
        figures[f"elements {after}"] = seen.page.evaluate("document.getElementsByTagName('*').length")
        figures[f"frames p99 {after}, ms"] = frames[int(len(frames) * 0.99) - 1]
    return figures
