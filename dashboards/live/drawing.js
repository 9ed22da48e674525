// Drawing a panel over time, with the library that this server carries; it is loaded when a chart is first seen.

import { duration, title } from "./words.js";
import { CROWDED, LEFT_OUT, STACKED } from "./panel_groups.js";

// Elements of these names keep the library from adding style rules of its own, for its charts and for its maps.
const OWN_STYLES = ["plotly.js-style-global", "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53"];

let loading = null;

function library() {
  loading ??= new Promise((done, failed) => {
    // The library's few style rules are in charts.css: the page allows no inline style.
    const own = OWN_STYLES.map((id) => Object.assign(document.createElement("meta"), { id, className: "no-inline-styles" }));
    const script = document.createElement("script");
    script.src = "/live/charts.lib.js";
    script.onload = () => done(window.Plotly);
    script.onerror = () => {
      loading = null;
      failed(new Error("The chart library can't be loaded now."));
    };
    document.head.append(...own, script);
  });
  return loading;
}

const COLOURS = ["--sending", "--sendrecv", "--waiting", "--starting", "--receiving", "--cleanup", "--violation", "--init", "--implied", "--exceptional", "--restart"];
const NAMED = {
  init: "--init", waiting: "--waiting", starting: "--starting", sending: "--sending", receiving: "--receiving", sendrecv: "--sendrecv", cleanup: "--cleanup",
  diagram: "--sending", steady: "--init", notice: "--cleanup", implied: "--implied", exceptional: "--exceptional", restart: "--restart", teardown: "--receiving", violation: "--violation", duplicate: "--waiting", late: "--starting", after_close: "--line-strong",
};

// The library reads a little markup in labels; what a client sent is shown as it is, and not for ever.
const harmless = (text) => {
  const cut = text.length > 48 ? `${text.slice(0, 47)}…` : text;
  return `\u2068${cut.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")}\u2069`;
};

// Local time, which the library takes only as text without a zone.
const local = (iso) => {
  const ms = Date.parse(iso);
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, -1);
};

function series(columns, rows) {
  const times = rows.map((row) => local(row[0]));
  if (columns.length === 3 && rows.some((row) => typeof row[1] === "string")) {
    const found = new Map();
    rows.forEach((row, index) => {
      if (!found.has(row[1])) found.set(row[1], { column: row[1], x: [], y: [], unit: columns[2] });
      found.get(row[1]).x.push(times[index]);
      found.get(row[1]).y.push(row[2]);
    });
    return [...found.values()];
  }
  return columns.slice(1).map((column, index) => ({ column, x: times, y: rows.map((row) => row[index + 1]), unit: column }));
}

const unitOf = (column) => /(?:^|_)(ms|percent|bytes)(?:_|$)/.exec(column)?.[1] ?? "count";
const DASHES = { p50: "solid", p75: "dot", p95: "dash", p99: "dot" };
const SECONDS_FROM_MS = 3000;

function label(column) {
  return title(column.replace(/_(ms|percent)$/, ""));
}

// Percentiles of one thing have its colour; the higher one is dashed.
function tones(all, colour) {
  const bases = [...new Set(all.map(({ column }) => column.replace(/_?p\d\d_ms$/, "")))];
  return all.map(({ column }, index) => {
    const base = column.replace(/_?p\d\d_ms$/, "");
    const place = bases.length > 1 ? bases.indexOf(base) : index;
    return colour(NAMED[column] ?? COLOURS[place % COLOURS.length]);
  });
}

function trace({ column, x, y, unit }, tone, { stacked, isAside, divisor, hasBases }) {
  const kind = unitOf(unit);
  const values = kind === "ms" ? y.map((value) => (value === null ? null : value / divisor)) : y;
  const base = {
    x, y: values, name: harmless(label(column)),
    hovertemplate: kind === "ms" ? "%{customdata}" : `%{y:,.4~r}${kind === "percent" ? " %" : ""}`,
    ...(kind === "ms" ? { customdata: y.map((value) => (value === null ? "" : duration(value))) } : {}),
    ...(isAside ? { yaxis: "y2" } : {}),
  };
  if (isAside) return { ...base, type: "bar", marker: { color: tone, opacity: 0.22 } };
  if (stacked === "bars") return { ...base, type: "bar", marker: { color: tone } };
  const dash = hasBases ? (DASHES[/p\d\d(?=_ms$)/.exec(column)?.[0]] ?? "solid") : "solid";
  const known = y.filter((value) => value !== null).length;
  return {
    ...base, type: "scatter", mode: known < 2 ? "markers" : "lines", connectgaps: false,
    line: { color: tone, width: stacked ? 1 : 1.8, dash, shape: stacked ? "hv" : "linear" },
    ...(stacked ? { stackgroup: "all", fillcolor: `${tone}99` } : {}),
  };
}

export const isDrawn = (columns, rows) => columns[0] === "time" && rows.length > 0;

function tracesOf({ name: panel, columns, rows }, colour) {
  const stacked = STACKED[panel];
  let all = series(columns, rows).filter(({ y }) => !stacked || y.some(Boolean));
  if (all.length > CROWDED) all = all.filter(({ column }) => !LEFT_OUT.test(column));
  const main = unitOf(all[0]?.unit ?? "");
  const largest = Math.max(0, ...all.filter(({ unit }) => unitOf(unit) === "ms").flatMap(({ y }) => y));
  const divisor = largest > SECONDS_FROM_MS ? 1000 : 1;
  const hasBases = new Set(all.map(({ column }) => column.replace(/_?p\d\d_ms$/, ""))).size > 1;
  const colours = tones(all, colour);
  const traces = all.map((each, index) => trace(each, colours[index], { stacked, divisor, hasBases, isAside: unitOf(each.unit) !== main }));
  const suffix = { ms: divisor === 1000 ? " s" : " ms", percent: " %" }[main] ?? "";
  return { traces, suffix, aside: all.find(({ unit }) => unitOf(unit) !== main)?.column };
}

export async function draw(place, answer, range) {
  const plotly = await library();
  const style = getComputedStyle(document.documentElement);
  const colour = (variable) => style.getPropertyValue(variable).trim();
  const { traces, suffix, aside } = tracesOf(answer, colour);
  const axis = { gridcolor: colour("--line"), linecolor: colour("--line"), zeroline: false, tickfont: { size: 11, color: colour("--ink-faint") }, automargin: true };
  const layout = {
    height: 250, margin: { l: 40, r: 12, t: 8, b: 28 }, barmode: "stack", bargap: 0.08,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("--ink-soft") },
    xaxis: { ...axis, type: "date", showgrid: false, ...(range ? { range: range.map(local) } : {}) },
    yaxis: { ...axis, rangemode: "tozero", ticksuffix: suffix, nticks: 6, separatethousands: true, ...(suffix === " %" ? { range: [0, 104] } : {}) },
    ...(aside ? { yaxis2: { ...axis, overlaying: "y", tickmode: "auto", side: "right", showgrid: false, rangemode: "tozero", nticks: 4, title: { text: label(aside), font: { size: 11, color: colour("--ink-faint") } } } } : {}),
    hovermode: "x unified", hoverlabel: { bgcolor: colour("--sheet"), bordercolor: colour("--line-strong"), font: { color: colour("--ink"), size: 12 } },
    legend: { orientation: "h", y: -0.16, x: 0, font: { size: 11.5 }, traceorder: "normal" }, showlegend: traces.length > 1,
  };
  await plotly.react(place, traces, layout, { displayModeBar: false, responsive: true, doubleClick: "reset" });
}
