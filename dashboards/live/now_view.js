// What is going on now.

import { Diagram } from "./diagram.js";
import { h } from "./dom.js";
import { Rooms } from "./rooms.js";
import { Violations } from "./violations.js";

export class NowView {
  title = "Now";

  constructor(model) {
    this.rooms = new Rooms(model, () => {
      this.diagram?.pick(this.rooms.state);
      this.diagram?.show();
    });
    this.violations = new Violations();
    this.diagram = new Diagram(model, (state) => this.rooms.pickState(state));
    this.element = h("div", { class: "now" },
      h("h1", { class: "hidden-text" }, "What is going on now"),
      h("div", { class: "stack" }, this.diagram.element, this.violations.element),
      this.rooms.element,
    );
  }

  show() {
    this.diagram.show();
    this.rooms.show();
  }

  update({ moves, violations }) {
    this.diagram.move(moves);
    this.violations.add(violations);
  }
}
