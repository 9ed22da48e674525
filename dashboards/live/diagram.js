// The seven-state diagram: how many sessions are in each state now, and what moves between them.

import { h, s, setText } from "./dom.js";
import { NODE, bow, coming, freeBow, leaving, shapeFor } from "./diagram_shape.js";
import { Particles } from "./particles.js";
import { Recent } from "./recent.js";
import { SORT_WORDS, sortOf } from "./verdicts.js";
import { count, number } from "./words.js";

const edgeKey = (from, to, sort) => `${from}>${to}:${sort}`;
const DRAWN_SORTS = ["diagram", "exceptional", "implied", "restart", "violation"];
const FREE_RANKS = { restart: 1, violation: 2 };
const RATE = { width: 26, height: 16 };
const narrow = matchMedia("(max-width: 640px)");

export class Diagram {
  #nodes = new Map();
  #edges = new Map();
  #numbers = new Map();
  #recent = new Recent();
  #model;
  #onPick;
  #picked = "";
  #shape;
  #paths;
  #rates;
  #particles;

  // `onPick(state)` is told which state was chosen. Only sessions of calls have states; the others are only counted.
  constructor(model, onPick) {
    this.#model = model;
    this.#onPick = onPick;
    this.drawing = h("div", { class: "drawing" });
    this.others = h("span", { class: "aside" });
    this.element = h("section", { class: "sheet diagram", "aria-labelledby": "diagram-title" },
      h("header", {}, h("h2", { id: "diagram-title" }, "Calls: sessions in each state"), this.others),
      this.drawing,
      this.#legend(),
    );
    this.#build();
    narrow.addEventListener("change", () => {
      this.#build();
      this.show();
    });
  }

  move(moves) {
    const nowMs = Date.now();
    for (const [kind, from, to, verdict, , times] of moves) {
      if (kind !== "call") continue;
      const sort = sortOf(verdict);
      if (from && to) this.#recent.add(`sort:${sort}`, times, nowMs);
      if (sort === "violation") this.#wrong(to, times, nowMs);
      if (from === to) continue;
      if (from && to) this.#pass(from, to, sort, times, nowMs);
      else if (this.#nodes.has(to)) this.#particles.fly(this.#nodes.get(to).coming, "diagram", times);
      else if (this.#nodes.has(from)) this.#particles.fly(this.#nodes.get(from).leaving, "ignored", times);
    }
  }

  pick(state) {
    this.#picked = state;
    for (const [name, { node }] of this.#nodes) node.setAttribute("aria-pressed", String(name === state));
  }

  // Shows the numbers as they are now.
  show() {
    this.#recent.forget(Date.now());
    for (const [state, parts] of this.#nodes) {
      const people = this.#model.count(state, "call");
      const wrong = this.#recent.of(`wrong:${state}`);
      setText(parts.count, number(people));
      setText(parts.wrong, wrong ? `▲ ${number(wrong)}` : "");
      const words = `${state}: ${count(people, "session")}${wrong ? `, ${count(wrong, "violation")} in the last minute` : ""}`;
      if (parts.node.getAttribute("aria-label") !== words) parts.node.setAttribute("aria-label", words);
    }
    for (const [key, edge] of this.#edges) {
      const times = this.#recent.of(key);
      if (edge.times === times) continue;
      edge.times = times;
      setText(edge.rate, times && edge.hasRate ? number(times) : "");
      edge.path.classList.toggle("busy", times > 0 && !edge.isFree);
      edge.path.classList.toggle("idle", edge.isFree && times === 0);
      if (!edge.isFree) edge.path.style.strokeWidth = String(1.5 + Math.min(Math.log2(times + 1) * 0.35, 3));
    }
    setText(this.others, this.#words());
    for (const [sort, node] of this.#numbers) setText(node, number(this.#recent.of(`sort:${sort}`)));
  }

  #words() {
    const [playing, watching] = ["account", "stream"].map((kind) => this.#model.countOf(kind));
    const others = [playing && count(playing, "playback session"), watching && count(watching, "stream subscriber")].filter(Boolean);
    return others.length ? `beside them ${others.join(", ")}` : "";
  }

  #build() {
    this.#shape = shapeFor(narrow.matches);
    const { width, height, states, edges } = this.#shape;
    this.#nodes.clear();
    this.#edges.clear();
    this.#paths = s("g");
    this.#rates = s("g", { "aria-hidden": "true" });
    const flying = s("g", { "aria-hidden": "true" });
    this.#particles = new Particles(flying);
    for (const [from, to, sort, run, at] of edges) {
      this.#addEdge(from, to, sort, typeof run === "string" ? [run, at] : bow(states[from], states[to], run));
    }
    this.drawing.replaceChildren(s("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Sessions in each state" },
      s("defs", {}, ...DRAWN_SORTS.map(tip)), this.#paths, this.#rates, flying, s("g", {}, ...Object.keys(states).map((state) => this.#node(state)))));
    this.pick(this.#picked);
  }

  #pass(from, to, sort, times, nowMs) {
    if (!this.#nodes.has(from) || !this.#nodes.has(to) || !DRAWN_SORTS.includes(sort)) return;
    const key = edgeKey(from, to, sort);
    if (!this.#edges.has(key)) this.#addEdge(from, to, sort, freeBow(this.#shape.states, from, to, FREE_RANKS[sort] ?? 0), true);
    this.#recent.add(key, times, nowMs);
    this.#particles.fly(this.#edges.get(key).path, sort, times);
  }

  #wrong(state, times, nowMs) {
    if (!this.#nodes.has(state)) return;
    this.#recent.add(`wrong:${state}`, times, nowMs);
    this.#nodes.get(state).frame.animate?.([{ stroke: "var(--violation)", strokeWidth: 4 }, {}], { duration: 700 });
  }

  #addEdge(from, to, sort, [path, [x, y]], isFree = false) {
    const words = `${from} to ${to}: ${SORT_WORDS[sort][0].toLowerCase()}`;
    const drawn = s("path", { class: isFree ? "edge free" : "edge", d: path, "data-sort": sort, "marker-end": `url(#tip-${sort})` }, s("title", {}, words));
    const hasRate = sort !== "violation";
    // Two edges may bend through one place; their numbers stand below each other.
    const isTaken = (there) => [...this.#edges.values()].some((other) => other.hasRate && Math.abs(other.rateAt[0] - x) < RATE.width && Math.abs(other.rateAt[1] - there) < RATE.height);
    let rateY = y;
    while (hasRate && isTaken(rateY)) rateY += RATE.height;
    const rate = s("text", { class: "rate", x, y: rateY + 5 });
    this.#paths.append(drawn);
    this.#rates.append(rate);
    this.#edges.set(edgeKey(from, to, sort), { path: drawn, rate, isFree, hasRate, rateAt: [x, rateY], times: 0 });
  }

  #node(state) {
    const at = this.#shape.states[state];
    const { x, y } = at;
    const box = { x: x - NODE.width / 2, y: y - NODE.height / 2, ...NODE, rx: 11 };
    const frame = s("rect", { ...box, class: "frame" });
    const amount = s("text", { class: "count", x, y: y + 21, "text-anchor": "middle" }, "0");
    const wrong = s("text", { class: "wrong", x: x + NODE.width / 2, y: y - NODE.height / 2 - 6, "text-anchor": "end" });
    const pick = () => this.#onPick(state);
    const node = s(
      "g",
      { class: "node", "data-state": state, tabindex: 0, role: "button", "aria-pressed": "false", onclick: pick,
        onkeydown: (event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), pick()) },
      frame,
      s("rect", { ...box, class: "tint" }),
      s("text", { class: "label", x, y: y - 9, "text-anchor": "middle" }, state),
      amount,
      wrong,
    );
    const ways = { coming: s("path", { d: coming(at, narrow.matches) }), leaving: s("path", { d: leaving(at) }) };
    this.#nodes.set(state, { node, frame, count: amount, wrong, ...ways });
    return node;
  }

  #legend() {
    const line = (sort) => s("svg", { "aria-hidden": "true", viewBox: "0 0 26 8" },
      s("path", { class: "edge busy", "data-sort": sort, d: "M0 4H26" }));
    const entry = (sort) => {
      const amount = h("b", {}, "0");
      this.#numbers.set(sort, amount);
      const [words, meaning] = SORT_WORDS[sort];
      return h("li", { title: meaning }, DRAWN_SORTS.includes(sort) ? line(sort) : null, words, amount);
    };
    return h("ul", { class: "legend", "aria-label": "Updates of the last minute by verdict" }, h("li", { class: "faint" }, "In the last minute:"), ...Object.keys(SORT_WORDS).map(entry));
  }
}

const tip = (sort) =>
  s("marker", { id: `tip-${sort}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, orient: "auto", markerUnits: "userSpaceOnUse" },
    s("path", { d: "M0 0.5L7.5 4L0 7.5Z", class: "tip", "data-sort": sort }));
