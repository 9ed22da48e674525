// The story of a room or of a session: a timeline with a lane for each stay, and every fact in words below it.

import { get } from "./api.js";
import { h, name, setText } from "./dom.js";
import { factsTable } from "./facts_table.js";
import { roomLink } from "./links.js";
import { lanesOf } from "./lanes.js";
import { Timeline } from "./timeline.js";
import { count, moment } from "./words.js";

const SESSIONS_MAX = 40;
const AT_ONCE = 4;
const AGAIN_MS = 1000;
const RETRY_MS = 2000;

export class StoryView {
  title = "Story";
  #timer = 0;
  #isLoading = false;
  #isDue = false;
  #facts = [];

  constructor(view, parts) {
    this.isRoom = view === "room";
    this.kind = this.isRoom && parts.length > 1 ? parts[0] : "call";
    this.called = this.isRoom ? parts.slice(parts.length > 1 ? 1 : 0).join("/") : parts.join("/");
    this.heading = h("h1", {}, this.isRoom ? "Room " : "Session ", name(this.called));
    this.about = h("p", { class: "about" });
    this.note = h("p", { class: "notice", role: "status" }, "Asking…");
    this.timeline = new Timeline();
    this.timeline.element.hidden = true;
    this.table = h("section", { class: "sheet facts", "aria-label": "Every fact", hidden: true });
    this.element = h("div", { class: "story" },
      h("header", { class: "headline" }, h("a", { href: "#/now" }, "← Now"), this.heading, this.about),
      this.note, this.timeline.element, this.table);
  }

  enter() {
    this.#load();
  }

  leave() {
    clearTimeout(this.#timer);
    this.hasLeft = true;
  }

  // The feed told of changes; ask again if they may be about this story.
  changed(_, update) {
    const isMine = ([kind, room, session]) => (this.isRoom ? kind === this.kind && room === this.called : session === this.called);
    if (update && !update.changed.some(isMine) && !update.gone.some(isMine)) return;
    if (this.#isDue) return;
    this.#isDue = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), AGAIN_MS);
  }

  async #load() {
    this.#isDue = false;
    if (this.#isLoading || this.hasLeft) return;
    this.#isLoading = true;
    try {
      await (this.isRoom ? this.#loadRoom() : this.#loadSession(this.called));
      this.note.hidden = true;
      this.timeline.element.hidden = false;
      this.table.hidden = false;
    } catch (error) {
      this.#trouble(error);
    } finally {
      this.#isLoading = false;
    }
  }

  #trouble(error) {
    if (this.hasLeft) return;
    this.note.hidden = false;
    if (error.status === 404) {
      const what = this.isRoom ? `No ${this.kind === "call" ? "room" : this.kind} of that name is stored.` : "No session of that name is stored.";
      this.note.replaceChildren(`${what} It appears here as soon as there is one.`, ...(this.isRoom ? [] : [h("br"), h("a", { href: roomLink("call", this.called) }, "Look for a room of that name")]));
    } else {
      this.note.replaceChildren(`${error.message ?? "That did not work."} Asking again…`);
    }
    this.#timer = setTimeout(() => this.#load(), RETRY_MS);
  }

  async #loadSession(session) {
    const facts = await factsOf(session);
    const rooms = [...new Map(facts.map((fact) => [`${fact.room_kind}/${fact.room_id}`, fact])).values()];
    const places = rooms.flatMap((fact, index) => [index ? ", " : " in ", fact.room_kind, " ", name(fact.room_id, { href: roomLink(fact.room_kind, fact.room_id) }, "a")]);
    this.about.replaceChildren(`${count(facts.length, "fact")}`, ...places, agentOf(facts));
    this.#tell(facts);
  }

  async #loadRoom() {
    const room = await get(`/v1/rooms/${encodeURIComponent(this.called)}?room_kind=${encodeURIComponent(this.kind)}&limit=1000`);
    const all = [...new Set(room.sessions.map((stay) => stay.session_id))];
    const sessions = all.slice(-SESSIONS_MAX);
    const facts = room.facts.map((fact) => ({ ...fact, session_id: "" }));
    for (let index = 0; index < sessions.length; index += AT_ONCE) {
      const some = await Promise.all(sessions.slice(index, index + AT_ONCE).map((session) => factsOf(session)));
      facts.push(...some.flat().filter((fact) => fact.room_id === this.called && fact.room_kind === this.kind));
    }
    const left = all.length - sessions.length;
    const created = room.attributes ? " It was created as a room, not by a first status." : "";
    this.about.replaceChildren(`${this.kind}, ${count(room.sessions.length, "stay")} of ${count(all.length, "session")}.${created}`, left > 0 ? ` Shown are the newest ${SESSIONS_MAX} sessions.` : "");
    this.#tell(facts);
  }

  #tell(facts) {
    const sorted = facts.map((fact) => ({ ...fact, atMs: Date.parse(fact.at) })).sort(byTime);
    const known = `${sorted.length} ${sorted.at(-1)?.at}`;
    if (this.#facts === known) return this.timeline.tick();
    this.#facts = known;
    this.timeline.show(lanesOf(sorted), (fact) => this.#find(fact));
    const opened = [...this.table.querySelectorAll("[data-place]:has(details[open])")].map((row) => row.dataset.place);
    this.table.replaceChildren(factsTable(sorted, this.isRoom));
    for (const place of opened) this.table.querySelector(`[data-place="${CSS.escape(place)}"] details`)?.setAttribute("open", "");
    return null;
  }

  #find(fact) {
    const row = this.table.querySelector(`[data-place="${CSS.escape(fact.place)}"]`);
    row?.scrollIntoView({ block: "center", behavior: "smooth" });
    row?.focus({ preventScroll: true });
  }
}

const byTime = (a, b) => a.atMs - b.atMs || a.log_partition - b.log_partition || a.log_offset - b.log_offset || a.log_index - b.log_index
  || (a.fact_index === 0) - (b.fact_index === 0) || a.fact_index - b.fact_index;

async function factsOf(session) {
  const facts = [];
  let after = "";
  do {
    const page = await get(`/v1/sessions/${encodeURIComponent(session)}?limit=1000&after=${after}`);
    facts.push(...page.facts.map((fact) => ({ ...fact, session_id: session, place: placeOf(fact) })));
    after = page.next ?? "";
  } while (after && facts.length < 5000);
  return facts;
}

const placeOf = (fact) => `${fact.log_partition}.${fact.log_offset}.${fact.log_index}.${fact.fact_index}`;

function agentOf(facts) {
  const agent = facts.findLast((fact) => fact.user_agent)?.user_agent;
  return agent ? h("span", { class: "agent" }, " · ", name(agent)) : "";
}
