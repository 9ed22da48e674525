// Every fact in words: when, who, what happened, and the rule that judged it.

import { h, name } from "./dom.js";
import { sessionLink, shortSession } from "./links.js";
import { sortOf } from "./verdicts.js";
import { clockMs, count, day } from "./words.js";

const ROWS_MAX = 2000;

export function factsTable(facts, hasSessions) {
  const shown = facts.slice(-ROWS_MAX).reverse();
  const heads = ["Time", ...(hasSessions ? ["Session"] : []), "What happened", "Verdict"];
  return h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Every fact, newest first" },
    h("table", {},
      h("caption", { class: "hidden-text" }, `${count(shown.length, "fact")}, newest first`),
      h("thead", {}, h("tr", {}, ...heads.map((words) => h("th", { scope: "col" }, words)))),
      h("tbody", {}, ...shown.map((fact) => row(fact, hasSessions)))));
}

// The rule; opened, the steps that led there.
function explained({ rule, rule_version: version, because = [] }) {
  const words = `${rule}${version ? ` (rules, version ${version})` : ""}`;
  if (!because.length) return h("div", { class: "rule" }, words);
  return h("details", { class: "rule" }, h("summary", {}, words), h("ol", {}, ...because.map((step) => name(step, {}, "li"))));
}

function row(fact, hasSessions) {
  const sort = fact.verdict ? sortOf(fact.verdict) : "";
  const place = `log partition ${fact.log_partition}, offset ${fact.log_offset}, index ${fact.log_index}`;
  return h("tr", { tabindex: -1, "data-place": fact.place ?? "", "data-sort": sort },
    h("td", { class: "when", title: `${day(fact.atMs)}; ${place}` }, clockMs(fact.atMs)),
    hasSessions ? h("td", {}, fact.session_id ? name(shortSession(fact.session_id, fact.room_id), { href: sessionLink(fact.session_id), title: fact.session_id }, "a") : h("span", { class: "faint" }, "the room")) : null,
    h("td", { class: "words" }, name(fact.words ?? fact.fact.replaceAll("_", " ")),
      fact.rule ? explained(fact) : null),
    h("td", { class: "judged" }, fact.verdict ? h("span", { class: "verdict", "data-sort": sort }, `${fact.verdict}${fact.reason ? ` (${fact.reason.replaceAll("_", " ")})` : ""}`) : fact.reason));
}
