// The live rooms: only those in sight are in the document, however many there are.

import { h, name, setText } from "./dom.js";
import { roomLink, sessionLink, shortSession } from "./links.js";
import { age, count, number } from "./words.js";

const ROW = 52;
const BEYOND = 6;
const PEOPLE_SHOWN = 6;

const ORDERS = {
  newest: (a, b) => b.sinceMs - a.sinceMs,
  oldest: (a, b) => a.sinceMs - b.sinceMs,
  largest: (a, b) => b.people.size - a.people.size || b.sinceMs - a.sinceMs,
  name: (a, b) => (a.name < b.name ? -1 : 1),
};

export class Rooms {
  #model;
  #shown = [];
  #seen = -1;
  #dueMs = 0;
  #rows = new Map();
  #state = "";

  constructor(model, onFilter) {
    this.#model = model;
    const changed = () => {
      this.#seen = -1;
      onFilter();
      this.show();
    };
    this.search = h("input", { type: "search", placeholder: "Filter by name", "aria-label": "Filter the rooms by the name of room, session or user", oninput: changed });
    this.kindField = select("Kind of room", { "": "All kinds", call: "Calls", account: "Accounts", stream: "Streams" }, changed);
    this.stateField = select("State", { "": "Any state", ...Object.fromEntries(STATE_NAMES.map((state) => [state, state])) }, () => {
      this.#state = this.stateField.value;
      changed();
    });
    this.order = select("Order", { newest: "Newest first", oldest: "Oldest first", largest: "Largest first", name: "By name" }, changed);
    this.title = h("h2", { id: "rooms-title" }, "Live rooms");
    this.aside = h("span", { class: "aside", role: "status" });
    this.items = h("ul", { "aria-label": "Live rooms" });
    this.note = h("p", { class: "notice", hidden: true });
    this.list = h("div", { class: "list", tabindex: 0, role: "group", "aria-label": "Live rooms, scrolled", onscroll: () => this.#draw() }, this.items, this.note);
    this.element = h("section", { class: "sheet rooms", "aria-labelledby": "rooms-title" },
      h("header", {}, this.title, this.aside),
      h("div", { class: "tools" }, this.search, this.kindField, this.stateField, this.order),
      this.list,
    );
  }

  get kind() {
    return this.kindField.value;
  }

  get state() {
    return this.#state;
  }

  pickState(state) {
    this.stateField.value = this.#state === state ? "" : state;
    if (this.stateField.value) this.kindField.value = "call";
    this.stateField.dispatchEvent(new Event("change"));
  }

  // Shows the model as it is now.
  show() {
    // Sorting thousands of rooms takes a while: never more than a tenth of the time.
    const startMs = performance.now();
    if (this.#seen !== this.#model.changes && (this.#seen < 0 || startMs >= this.#dueMs)) {
      this.#seen = this.#model.changes;
      this.#shown = this.#matching().sort(ORDERS[this.order.value]);
      this.items.style.height = `${this.#shown.length * ROW}px`;
      const sum = this.#shown.reduce((people, room) => people + room.people.size, 0);
      setText(this.aside, `${count(this.#shown.length, "room")}, ${count(sum, "session")}`);
      this.#say();
      this.#dueMs = startMs + 10 * (performance.now() - startMs);
    }
    this.#draw();
  }

  #matching() {
    const text = this.search.value.trim().toLowerCase();
    const { kind } = this;
    const fits = (room) => {
      if (kind && room.kind !== kind) return false;
      if (!this.#state && !text) return true;
      let hasState = !this.#state;
      let hasText = !text || room.name.toLowerCase().includes(text);
      for (const person of room.people.values()) {
        hasState ||= person.state === this.#state;
        hasText ||= person.session.toLowerCase().includes(text) || person.user.toLowerCase().includes(text);
      }
      return hasState && hasText;
    };
    return [...this.#model.rooms.values()].filter(fits);
  }

  #say() {
    this.note.hidden = this.#shown.length > 0 && this.#model.isWhole;
    if (this.#shown.length === 0) {
      setText(this.note, this.#model.rooms.size ? "No live room fits the filter." : "Nobody is in a room now. Rooms appear here as soon as somebody comes.");
    } else if (!this.#model.isWhole) {
      setText(this.note, "There are more than can be listed: these are the newest sessions.");
    }
  }

  #draw() {
    const { scrollTop, clientHeight } = this.list;
    const first = Math.max(0, Math.floor(scrollTop / ROW) - BEYOND);
    const last = Math.min(this.#shown.length, Math.ceil((scrollTop + clientHeight) / ROW) + BEYOND);
    const wanted = new Map();
    const nowMs = this.#model.atMs || Date.now();
    for (let index = first; index < last; index += 1) wanted.set(this.#shown[index].key, index);
    for (const [key, row] of this.#rows) {
      if (!wanted.has(key)) {
        row.element.remove();
        this.#rows.delete(key);
      }
    }
    for (const [key, index] of wanted) {
      const room = this.#shown[index];
      let row = this.#rows.get(key);
      if (!row) {
        row = new Row(room);
        this.#rows.set(key, row);
        this.items.append(row.element);
      }
      row.show(room, index, this.#shown.length, nowMs);
    }
  }
}

const STATE_NAMES = ["init", "waiting", "starting", "sending", "receiving", "sendrecv", "cleanup"];

class Row {
  #people = "";

  constructor(room) {
    this.since = h("span", { class: "since" });
    this.crowd = h("div", { class: "people" });
    this.element = h("li", { class: "row" },
      h("div", { class: "head" }, h("span", { class: "badge" }, room.kind), name(room.name, { href: roomLink(room.kind, room.name) }, "a"), this.since),
      this.crowd,
    );
  }

  show(room, index, of, nowMs) {
    this.element.style.top = `${index * ROW}px`;
    this.element.setAttribute("aria-posinset", index + 1);
    this.element.setAttribute("aria-setsize", of);
    setText(this.since, age(nowMs - room.sinceMs));
    const people = [...room.people.values()].sort((a, b) => a.openedMs - b.openedMs);
    const looks = people.map((person) => `${person.session}\n${person.state}\n${person.connections}/${person.sends}/${person.receives}`).join("\n");
    if (looks === this.#people) return;
    this.#people = looks;
    const more = people.length - PEOPLE_SHOWN;
    this.crowd.replaceChildren(
      ...people.slice(0, PEOPLE_SHOWN).map(chip),
      ...(more > 0 ? [h("span", { class: "more" }, `and ${number(more)} more`)] : []),
    );
  }
}

function chip(person) {
  const counters = `${person.connections}/${person.sends}/${person.receives}`;
  const words = `${person.state}; ${count(person.connections, "connection")}, ${person.sends} sending, ${person.receives} receiving`;
  return h("a", { class: "person", "data-state": person.state, href: sessionLink(person.session), title: words },
    h("span", { class: "dot" }), name(shortSession(person.session, person.room), { title: person.session }), person.state, h("span", { class: "faint", "aria-hidden": "true" }, counters));
}

function select(label, options, onchange) {
  return h("select", { "aria-label": label, onchange }, ...Object.entries(options).map(([value, words]) => h("option", { value }, words)));
}
