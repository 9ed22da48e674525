// One panel: a chart over time, a few figures, or a table; asked for when it comes into sight.

import { get } from "./api.js";
import { h, setText } from "./dom.js";
import { draw, isDrawn } from "./drawing.js";
import { OF_CALLS } from "./panel_groups.js";
import { columnTitle, shown, table } from "./values.js";
import { title as inWords } from "./words.js";

const ROWS_SHOWN = 12;
const RETRY_MS = 3000;

export class ChartCard {
  #panel;
  #answer = null;
  #range = null;
  #asked = 0;

  constructor(panel) {
    this.#panel = panel;
    const [title, meaning] = split(panel);
    this.state = h("p", { class: "notice" }, "Asking…");
    this.body = h("div", { class: "body" }, this.state);
    this.data = h("details", { class: "data", hidden: true, ontoggle: () => this.#tabulate() }, h("summary", {}, "As a table"), h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": `${title} as a table` }));
    this.element = h("article", { class: "sheet card", "aria-labelledby": `panel-${panel.name}`, "data-panel": panel.name },
      h("header", {}, h("h2", { id: `panel-${panel.name}` }, title), h("p", { class: "meaning" }, OF_CALLS.has(panel.name) ? `${meaning} In calls, unless a kind is chosen.` : meaning)),
      this.body,
      this.data,
    );
  }

  // `values` are what the view asks for; those that the panel does not take are left out.
  async ask(values) {
    const turn = ++this.#asked;
    const asked = OF_CALLS.has(this.#panel.name) ? { ...values, room_kind: values.room_kind || "call" } : values;
    const query = new URLSearchParams(Object.entries(asked).filter(([name, value]) => value !== "" && this.#panel.parameters.includes(name)));
    try {
      const answer = await get(`/v1/panels/${this.#panel.name}?${query}`);
      if (turn !== this.#asked) return;
      this.#answer = answer;
      this.#range = answer.parameters.from ? [answer.parameters.from, answer.parameters.to] : null;
      await this.show();
    } catch (error) {
      if (turn !== this.#asked) return;
      const isAway = error.status === 503 || error.status === 0;
      this.#say(isAway ? `${error.message} Asking again…` : error.message, true);
      if (isAway) setTimeout(() => turn === this.#asked && this.element.isConnected && this.ask(values), RETRY_MS);
    }
  }

  async show() {
    const answer = this.#answer;
    if (!answer) return;
    const { columns, rows } = answer;
    this.element.dataset.state = "shown";
    this.data.hidden = true;
    if (isDrawn(columns, rows)) {
      const isEmpty = rows.every((row) => row.slice(1).every((value) => !value || typeof value === "string"));
      if (isEmpty) return this.#say("Nothing happened in this time.");
      if (!this.plot?.isConnected) {
        this.plot = h("div", { class: "plot", role: "img", "aria-label": `${answer.meaning} The table below has the numbers.` });
        this.body.replaceChildren(this.plot);
      }
      this.data.hidden = false;
      this.#tabulate();
      return draw(this.plot, answer, this.#range);
    }
    if (rows.length === 0) return this.#say("Nothing of the kind in this time.");
    if (rows.length === 1 && columns.length <= 14) return this.body.replaceChildren(figures(columns, rows[0]));
    const shownTable = table(columns, rows, { caption: answer.meaning });
    const more = rows.length > ROWS_SHOWN;
    this.body.replaceChildren(h("div", { class: `scroll ${more ? "tall" : ""}`, tabindex: 0, role: "group", "aria-label": answer.meaning }, shownTable));
  }

  #say(words, isTrouble = false) {
    this.element.dataset.state = isTrouble ? "trouble" : "shown";
    this.state.className = isTrouble ? "notice trouble" : "notice";
    setText(this.state, words);
    this.plot = null;
    this.data.hidden = true;
    this.body.replaceChildren(this.state);
  }

  #tabulate() {
    if (!this.data.open || !this.#answer) return;
    const { columns, rows, meaning } = this.#answer;
    this.data.lastChild.replaceChildren(table(columns, rows, { caption: meaning, most: 500 }));
  }
}

function figures(columns, row) {
  const values = Object.fromEntries(columns.map((column, index) => [column, row[index]]));
  return h("dl", { class: "figures" }, ...columns.map((column) => h("div", {}, h("dt", {}, columnTitle(column)), h("dd", {}, shown(column, values[column], values)))));
}

function split({ name: called, meaning }) {
  const at = meaning.indexOf(": ");
  if (at < 0) return [inWords(called), meaning];
  const rest = meaning.slice(at + 2);
  return [meaning.slice(0, at), rest[0].toUpperCase() + rest.slice(1)];
}
