// The newest violations, as they come.

import { h, name, setText } from "./dom.js";
import { sessionLink, shortSession } from "./links.js";
import { REASONS } from "./verdicts.js";
import { clock, count } from "./words.js";

const KEPT = 60;

export class Violations {
  #seen = 0;

  constructor() {
    this.items = h("ol", {});
    this.note = h("p", { class: "notice" }, "None since this page was opened.");
    this.aside = h("span", { class: "aside" });
    this.element = h("section", { class: "sheet violations", "aria-labelledby": "violations-title" },
      h("header", {}, h("h2", { id: "violations-title" }, "Violations, newest first"), this.aside),
      this.note,
      this.items,
    );
    this.items.tabIndex = -1;
  }

  add(violations) {
    if (!violations.length) return;
    this.#seen += violations.length;
    this.items.prepend(...violations.map(entry).reverse());
    while (this.items.children.length > KEPT) this.items.lastChild.remove();
    this.note.hidden = true;
    this.items.tabIndex = 0;
    setText(this.aside, `${count(this.#seen, "violation")} since the page was opened`);
  }
}

function entry([atMs, , room, session, event, before, declared, reason]) {
  return h("li", {},
    h("time", {}, clock(atMs)),
    h("a", { class: "who", href: sessionLink(session) }, name(room), name(shortSession(session, room), { title: session })),
    name(event),
    h("span", { class: "why" }, `${REASONS[reason] ?? reason}: `, before, " → ", name(declared)),
  );
}
