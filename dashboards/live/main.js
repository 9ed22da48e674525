// The page: one model of what is live, a line of health, and the view that the address names.

import { follow } from "./feed.js";
import { Health } from "./health.js";
import { whereAmI } from "./links.js";
import { Model } from "./model.js";
import { NowView } from "./now_view.js";

const model = new Model();
const health = new Health();
const main = document.getElementById("main");
const now = new NowView(model);
let current = null;
let asked = 0;
let isDue = false;

// Once a frame at most, whatever has come.
function draw() {
  isDue = false;
  health.show();
  current?.show?.();
}

function drawSoon() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(draw);
}

async function viewOf({ view, parts, query }) {
  if (view === "room" || view === "session") return new (await import("./story_view.js")).StoryView(view, parts);
  if (view === "charts") return new (await import("./charts_view.js")).ChartsView(query);
  return now;
}

async function go({ isFirst = false } = {}) {
  const place = whereAmI();
  const mine = ++asked;
  const next = await viewOf(place);
  // A view may have to be fetched: the last address wins, not the slowest view.
  if (mine !== asked) return;
  document.documentElement.dataset.shown = location.hash;
  if (next === current) return;
  current?.leave?.();
  current = next;
  main.replaceChildren(current.element);
  document.title = `${current.title} · Roomstate`;
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === place.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!isFirst) main.focus({ preventScroll: true });
  scrollTo(0, 0);
  current.enter?.();
  drawSoon();
}

addEventListener("hashchange", () => go());
addEventListener("resize", drawSoon);
document.addEventListener("visibilitychange", drawSoon);
document.getElementById("goto").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = document.getElementById("goto-text").value.trim();
  if (text) location.hash = `#/session/${encodeURIComponent(text)}`;
});
setInterval(drawSoon, 1000);

follow({
  snapshot(data) {
    health.heard();
    model.replace(data);
    if (!performance.getEntriesByName("rooms").length) performance.mark("rooms");
    current?.changed?.(model);
    drawSoon();
  },
  update(data) {
    health.heard();
    model.update(data);
    now.update(data);
    current?.changed?.(model, data);
    drawSoon();
  },
  health(data) {
    health.take(data);
    drawSoon();
  },
  beat(data) {
    health.heard(data.is_current);
    drawSoon();
  },
  lost(sinceMs) {
    health.lost(sinceMs);
    drawSoon();
  },
});
await go({ isFirst: true });
document.documentElement.dataset.ready = "true";
performance.mark("ready");
