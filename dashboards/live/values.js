// A panel's values as people read them: the unit stands in the column's name.

import { h, name } from "./dom.js";
import { roomLink, sessionLink } from "./links.js";
import { duration, moment, number, title } from "./words.js";

const UNITS = /_(ms|bytes|percent)$/;
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/;
const MINUS_ONE = /offset$/;

export const columnTitle = (column) => title(column.replace(UNITS, "") || column);
export const isTime = (value) => typeof value === "string" && TIME.test(value);

const rounded = (value) => (Number.isInteger(value) ? number(value) : number(Math.round(value * 100) / 100));

export function plain(column, value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") {
    if (/(^|_)ms$/.test(column)) return duration(value);
    if (/(^|_)percent(_|$)/.test(column)) return `${rounded(value)} %`;
    if (MINUS_ONE.test(column)) return String(value);
    return rounded(value);
  }
  if (isTime(value)) return value.startsWith("1970-01-01T00:00:00") ? "–" : moment(Date.parse(value));
  return typeof value === "string" ? value : JSON.stringify(value);
}

// The value as a node; rooms and sessions lead to their stories.
export function shown(column, value, row) {
  if (typeof value === "string" && value && !isTime(value)) {
    if (column === "session_id" || column === "session") return name(value, { href: sessionLink(value) }, "a");
    if (column === "room_id" || column === "room") return name(value, { href: roomLink(row.room_kind ?? "call", value) }, "a");
    return name(value, { class: "prose" });
  }
  return plain(column, value);
}

export function table(columns, rows, { caption, most = 200 } = {}) {
  const numeric = columns.map((_, index) => rows.some((row) => typeof row[index] === "number"));
  const align = (index) => ({ class: numeric[index] ? "number" : "" });
  const line = (values) => {
    const row = Object.fromEntries(columns.map((column, index) => [column, values[index]]));
    return h("tr", {}, ...values.map((value, index) => h("td", align(index), shown(columns[index], value, row))));
  };
  return h("table", {},
    h("caption", { class: "hidden-text" }, caption),
    h("thead", {}, h("tr", {}, ...columns.map((column, index) => h("th", { scope: "col", ...align(index) }, columnTitle(column))))),
    h("tbody", {}, ...rows.slice(0, most).map(line)),
  );
}
