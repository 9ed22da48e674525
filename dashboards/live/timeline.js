// The timeline: time runs to the right, a lane for each stay. Marks can be reached with the arrow keys.

import { h, name, s, setText } from "./dom.js";
import { sessionLink, shortSession } from "./links.js";
import { SORT_WORDS } from "./verdicts.js";
import { clock, clockMs, duration } from "./words.js";

const LANE = 40;
const BAR = 16;
const AXIS = 26;
const EDGE = 12;
const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400];

export class Timeline {
  #lanes = [];
  #onPick = () => {};

  constructor() {
    this.zoom = h("input", { type: "range", min: 0, max: 6, step: 0.25, value: 0, "aria-label": "Zoom", oninput: () => this.#draw() });
    this.labels = h("div", { class: "labels" });
    this.canvas = h("div", { class: "canvas", tabindex: -1 });
    this.tip = h("div", { class: "tip", role: "tooltip", hidden: true });
    this.legend = h("ul", { class: "legend" },
      ...["init", "waiting", "starting", "sending", "receiving", "sendrecv", "cleanup"].map((state) => h("li", { "data-state": state }, h("span", { class: "dot" }), state)),
      ...["exceptional", "implied", "restart", "violation", "ignored"].map((sort) => h("li", { title: SORT_WORDS[sort][1] }, s("svg", { viewBox: "0 0 12 12", class: "sample", "aria-hidden": "true" }, shape(sort, 6, 6)), SORT_WORDS[sort][0].toLowerCase())),
    );
    this.element = h("section", { class: "sheet timeline", "aria-label": "Timeline" },
      h("header", {}, h("h2", {}, "Timeline"), h("span", { class: "faint hint" }, "Tab to a lane, then the arrow keys"), h("label", { class: "aside zoom" }, "Zoom", this.zoom)),
      h("div", { class: "lanes" }, this.labels, this.canvas, this.tip),
      this.legend,
    );
    new ResizeObserver(() => this.#draw()).observe(this.canvas);
  }

  // `onPick(fact)` is told which mark was chosen.
  show(lanes, onPick) {
    this.#lanes = lanes;
    this.#onPick = onPick;
    this.labels.replaceChildren(h("div", { class: "corner" }), ...lanes.map((lane) => label(lane, lanes.length > 1)));
    this.#draw();
  }

  tick() {
    if (this.#lanes.some((lane) => lane.intervals.at(-1)?.toMs === null)) this.#draw();
  }

  #draw() {
    const width = this.canvas.clientWidth;
    if (!this.#lanes.length || !width) return;
    const times = this.#lanes.flatMap((lane) => [...lane.marks.map(({ atMs }) => atMs), ...lane.intervals.map(({ fromMs }) => fromMs)]);
    const isOpen = this.#lanes.some((lane) => lane.intervals.at(-1)?.toMs === null);
    const fromMs = times.reduce((a, b) => Math.min(a, b));
    const newest = times.reduce((a, b) => Math.max(a, b));
    const toMs = Math.max(isOpen ? Math.min(Date.now(), newest + Math.max(3_600_000, newest - fromMs)) : newest, fromMs + 1000);
    const inner = (width - 2 * EDGE) * 2 ** Number(this.zoom.value);
    const x = (ms) => EDGE + ((Math.min(ms, toMs) - fromMs) / (toMs - fromMs)) * inner;
    const height = AXIS + this.#lanes.length * LANE;
    const svg = s("svg", { width: inner + 2 * EDGE, height, role: "group", "aria-label": `${this.#lanes.length} lanes from ${clock(fromMs)} to ${clock(toMs)}` });
    svg.append(axis(fromMs, toMs, inner, x, height), ...this.#lanes.map((lane, index) => this.#lane(lane, AXIS + index * LANE, x, toMs)));
    const focused = this.canvas.contains(document.activeElement) ? document.activeElement.dataset.lane : null;
    this.#hide();
    this.canvas.replaceChildren(svg);
    if (focused !== null) this.canvas.querySelector(`[data-lane="${focused}"]`)?.focus();
  }

  #lane(lane, top, x, toMs) {
    const middle = top + LANE / 2;
    const bars = lane.intervals.map(({ state, fromMs, toMs: until }) => {
      const words = `${state} for ${duration((until ?? toMs) - fromMs)}${until === null ? " until now" : ""}`;
      return s("rect", { class: "bar", "data-state": state, x: x(fromMs), y: middle - BAR / 2, width: Math.max(1, x(until ?? toMs) - x(fromMs)), height: BAR, rx: 2 }, s("title", {}, words));
    });
    const marks = lane.marks.map((mark) => s("g", { class: "mark", "data-sort": mark.sort, onmouseenter: (event) => this.#tell(mark, event.target), onmouseleave: () => this.#hide(), onclick: () => this.#onPick(mark.fact) },
      s("rect", { class: "catch", x: x(mark.atMs) - 6, y: middle - LANE / 2 + 2, width: 12, height: LANE - 4 }), shape(mark.sort, x(mark.atMs), middle)));
    const states = lane.intervals.map(({ state }) => state).join(", ");
    const group = s("g", { class: "lane", tabindex: 0, role: "group", "data-lane": String(top), "aria-roledescription": "lane", "aria-label": `Session ${lane.session.slice(0, 80)}: ${states || "never opened"}; ${lane.marks.length} facts` },
      s("rect", { class: "ground", x: 0, y: top, width: "100%", height: LANE }), ...bars, ...marks);
    let at = -1;
    group.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (event.key === "Enter" && at >= 0) this.#onPick(lane.marks[at].fact);
      if (event.key === "Escape") this.#hide();
      if (!step) return;
      event.preventDefault();
      at = Math.max(0, Math.min(lane.marks.length - 1, at + step));
      this.#tell(lane.marks[at], marks[at]);
      marks[at].scrollIntoView({ block: "nearest", inline: "nearest" });
    });
    group.addEventListener("blur", () => this.#hide());
    return group;
  }

  #tell({ fact, atMs, sort }, target) {
    for (const each of this.canvas.querySelectorAll(".mark.told")) each.classList.remove("told");
    target.classList.add("told");
    this.tip.replaceChildren(
      h("p", { class: "when" }, clockMs(atMs), fact.verdict ? h("span", { class: "verdict", "data-sort": sort }, ` ${fact.verdict} ${fact.reason}`.trimEnd()) : ""),
      h("p", { class: "words" }, name(fact.words ?? fact.fact)),
      fact.rule ? h("p", { class: "rule" }, fact.rule) : "",
    );
    this.tip.hidden = false;
    this.tip.setAttribute("aria-live", "polite");
    const box = this.tip.parentElement.getBoundingClientRect();
    const mark = target.getBoundingClientRect();
    const left = Math.max(4, Math.min(mark.left - box.left - 20, box.width - this.tip.offsetWidth - 4));
    this.tip.style.left = `${left}px`;
    this.tip.style.top = `${mark.bottom - box.top + 4}px`;
  }

  #hide() {
    this.tip.hidden = true;
  }
}

function label({ session, room, user }, isShort) {
  const short = (text) => (isShort ? shortSession(text, room) : text);
  return h("div", { class: "label" },
    name(short(session), { href: sessionLink(session), title: session }, "a"),
    user ? name(short(user), { class: "faint", title: user }) : "");
}

// The shape tells the sort as well as the colour does.
function shape(sort, x, y) {
  const at = { "data-sort": sort, class: "shape" };
  if (sort === "violation") return s("path", { ...at, d: `M${x} ${y - 8}L${x + 7} ${y + 5}H${x - 7}Z` });
  if (sort === "exceptional") return s("path", { ...at, d: `M${x} ${y - 6}L${x + 6} ${y}L${x} ${y + 6}L${x - 6} ${y}Z` });
  if (sort === "implied") return s("circle", { ...at, cx: x, cy: y, r: 5, class: "shape hollow" });
  if (sort === "restart") return s("rect", { ...at, x: x - 4.5, y: y - 4.5, width: 9, height: 9 });
  if (sort === "ignored") return s("path", { ...at, class: "shape cross", d: `M${x - 4} ${y - 4}L${x + 4} ${y + 4}M${x + 4} ${y - 4}L${x - 4} ${y + 4}` });
  if (sort === "life") return s("path", { ...at, class: "shape cross", d: `M${x} ${y - 11}V${y + 11}` });
  return s("circle", { ...at, cx: x, cy: y, r: 2.6, class: "shape quiet" });
}

function axis(fromMs, toMs, inner, x, height) {
  const wantedS = (toMs - fromMs) / 1000 / Math.max(2, inner / 110);
  const stepMs = 1000 * (STEPS_S.find((step) => step >= wantedS) ?? STEPS_S.at(-1));
  const group = s("g", { class: "axis", "aria-hidden": "true" });
  const write = stepMs < 1000 ? clockMs : clock;
  for (let ms = Math.ceil(fromMs / stepMs) * stepMs; ms <= toMs; ms += stepMs) {
    group.append(s("path", { d: `M${x(ms)} ${AXIS - 6}V${height}` }), s("text", { x: x(ms) + 4, y: AXIS - 9 }, write(ms)));
  }
  return group;
}
