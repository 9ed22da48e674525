// The panels over a chosen time range, a group at a time.

import { get } from "./api.js";
import { ChartCard } from "./chart_card.js";
import { h } from "./dom.js";
import { whereAmI } from "./links.js";
import { GROUPS } from "./panel_groups.js";

const RANGES = { "-15m": "Last 15 minutes", "-1h": "Last hour", "-6h": "Last 6 hours", "-24h": "Last 24 hours", "-7d": "Last 7 days", "-30d": "Last 30 days", custom: "Between…" };
const AGAIN_MS = { "-15m": 10_000, "-1h": 15_000, "-6h": 60_000 };
const STANDING_ALONE = new Set(["room_story", "room_as_of", "session_story", "room_sessions", "rooms_table", "states_now"]);

const asField = (ms) => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

export class ChartsView {
  title = "Charts";
  #cards = new Map();
  #catalogue = null;
  #timer = 0;
  #sight = new IntersectionObserver((entries) => this.#seen(entries), { rootMargin: "300px" });
  #group = "";

  constructor() {
    const changed = () => this.#navigate();
    this.range = h("select", { "aria-label": "Time range", onchange: () => this.#pickRange() }, ...Object.entries(RANGES).map(([value, words]) => h("option", { value }, words)));
    this.from = h("input", { type: "datetime-local", "aria-label": "From", onchange: changed });
    this.to = h("input", { type: "datetime-local", "aria-label": "To", onchange: changed });
    this.span = h("span", { class: "span", hidden: true }, this.from, h("span", { class: "faint" }, "to"), this.to);
    this.kind = h("select", { "aria-label": "Kind of room", onchange: changed }, ...[["", "All kinds"], ["call", "Calls"], ["account", "Accounts"], ["stream", "Streams"]].map(([value, words]) => h("option", { value }, words)));
    this.room = h("input", { type: "search", placeholder: "Room", "aria-label": "Room, by its whole name", onchange: changed });
    this.agent = h("input", { type: "search", placeholder: "User agent", "aria-label": "User agent, whole", onchange: changed });
    this.tabs = h("nav", { class: "groups", "aria-label": "Groups of panels" });
    this.grid = h("div", { class: "cards" });
    this.element = h("div", { class: "charts" },
      h("h1", { class: "hidden-text" }, "Charts"),
      h("div", { class: "bar" }, this.tabs, h("div", { class: "controls" }, this.range, this.span, this.kind, this.room, this.agent)),
      this.grid,
    );
  }

  async enter() {
    this.onhash = () => this.#read();
    addEventListener("hashchange", this.onhash);
    this.ontheme = () => this.#cards.forEach((card) => card.show());
    addEventListener("themechange", this.ontheme);
    await this.#load();
  }

  leave() {
    removeEventListener("hashchange", this.onhash);
    removeEventListener("themechange", this.ontheme);
    clearTimeout(this.#timer);
    this.#sight.disconnect();
  }

  async #load() {
    try {
      this.#catalogue = (await get("/v1/panels")).panels;
      this.#read();
    } catch (error) {
      this.grid.replaceChildren(h("p", { class: "notice trouble" }, `${error.message} Asking again…`));
      this.#timer = setTimeout(() => this.#load(), 2000);
    }
  }

  // Takes everything from the address, so that a link shows the same.
  #read() {
    const { view, parts, query } = whereAmI();
    if (view !== "charts" || !this.#catalogue) return;
    const from = query.get("from") ?? "-1h";
    this.range.value = from in RANGES ? from : "custom";
    this.span.hidden = this.range.value !== "custom";
    if (!this.span.hidden) {
      this.from.value = asField(Number(from) || Date.parse(from) || Date.now() - 3_600_000);
      this.to.value = asField(Number(query.get("to")) || Date.parse(query.get("to")) || Date.now());
    }
    this.kind.value = query.get("room_kind") ?? "";
    this.room.value = query.get("room") ?? "";
    this.agent.value = query.get("user_agent") ?? "";
    const group = parts[0] in GROUPS ? parts[0] : "rooms";
    this.#tab(group);
    if (group !== this.#group) this.#fill(group);
    this.#askAll();
  }

  #values() {
    const isSpan = this.range.value === "custom";
    const filters = { room_kind: this.kind.value, room: this.room.value, user_agent: this.agent.value };
    if (!isSpan) return { from: this.range.value, to: "", ...filters };
    const ms = (field) => (field.value ? String(new Date(field.value).getTime()) : "");
    return { from: ms(this.from), to: ms(this.to), ...filters };
  }

  #pickRange() {
    if (this.range.value === "custom") {
      this.from.value ||= asField(Date.now() - 3_600_000);
      this.to.value ||= asField(Date.now());
    }
    this.#navigate();
  }

  #navigate() {
    const query = new URLSearchParams(Object.entries(this.#values()).filter(([, value]) => value));
    location.hash = `#/charts/${this.#group}?${query}`;
  }

  #tab(group) {
    const query = location.hash.split("?")[1];
    this.tabs.replaceChildren(...Object.entries(GROUPS).map(([key, { title }]) =>
      h("a", { href: `#/charts/${key}${query ? `?${query}` : ""}`, "aria-current": key === group ? "page" : null }, title)));
  }

  #fill(group) {
    this.#group = group;
    this.#sight.disconnect();
    this.#cards.clear();
    const known = new Map(this.#catalogue.map((panel) => [panel.name, panel]));
    const listed = new Set(Object.values(GROUPS).flatMap(({ panels }) => panels));
    const others = group === "pipeline" ? [...known.keys()].filter((name) => !listed.has(name) && !STANDING_ALONE.has(name)) : [];
    const names = [...GROUPS[group].panels, ...others].filter((name) => known.has(name));
    for (const name of names) this.#cards.set(name, new ChartCard(known.get(name)));
    this.grid.replaceChildren(...[...this.#cards.values()].map((card) => card.element));
    for (const card of this.#cards.values()) this.#sight.observe(card.element);
  }

  #seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const card = this.#cards.get(target.dataset.panel);
      if (!card) continue;
      card.isInSight = isIntersecting;
      if (isIntersecting && card.isDue) this.#ask(card);
    }
  }

  #ask(card) {
    card.isDue = false;
    return card.ask(this.#values());
  }

  #askAll() {
    clearTimeout(this.#timer);
    for (const card of this.#cards.values()) {
      card.isDue = true;
      if (card.isInSight) this.#ask(card);
    }
    const again = AGAIN_MS[this.range.value];
    this.#timer = setTimeout(() => (document.hidden ? this.#later() : this.#askAll()), again ?? 300_000);
  }

  #later() {
    document.addEventListener("visibilitychange", () => this.element.isConnected && this.#askAll(), { once: true });
  }
}
