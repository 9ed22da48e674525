// The line at the top: is the page current, is the pipeline well, does everything accepted add up.

import { h, setText } from "./dom.js";
import { clock, count, duration, number } from "./words.js";

const STALE_MS = 4000;

export class Health {
  #line = document.getElementById("health");
  #connection = document.getElementById("connection");
  #account = document.getElementById("account");
  #health = null;
  #heardMs = 0;
  #lostMs = 0;
  #isCurrent = true;
  #currentMs = 0;

  heard(isCurrent = true) {
    this.#heardMs = Date.now();
    this.#lostMs = 0;
    if (isCurrent) this.#currentMs = this.#heardMs;
    this.#isCurrent = isCurrent;
  }

  lost(sinceMs) {
    this.#lostMs ||= sinceMs;
  }

  take(health) {
    this.#health = health;
  }

  show() {
    const [mood, words] = this.#state();
    this.#line.dataset.mood = mood;
    setText(this.#connection, words);
    this.#tell();
  }

  #state() {
    const troubles = this.#health?.troubles ?? {};
    if (this.#lostMs) return ["bad", `Reconnecting: the server has not answered since ${clock(this.#lostMs)}. What is shown is as of then.`];
    if (!this.#heardMs) return ["warn", "Connecting…"];
    if (Date.now() - this.#heardMs > STALE_MS) return ["warn", `Stale: nothing has come since ${clock(this.#heardMs)}.`];
    if (!this.#isCurrent || troubles.store) {
      const since = this.#currentMs ? ` What is shown is as of ${clock(this.#currentMs)}.` : "";
      return ["bad", `The store can't be reached now.${since} It is asked again every second.`];
    }
    if (this.#health?.accounting && !this.#health.accounting.balanced) return ["bad", "The account does NOT balance"];
    if (troubles.log) return ["bad", "The log can't be reached now: clients are answered 503"];
    if (troubles.processor) return ["warn", "No processor is at work: what clients send is kept, and judged later"];
    return ["good", "Live"];
  }

  #tell() {
    const health = this.#health;
    if (!health) return;
    const parts = [];
    const { accounting, lag } = health;
    if (accounting) {
      const { accepted, stored, dead_lettered: dead, pending, balanced } = accounting;
      parts.push(`${number(accepted)} accepted = ${number(stored)} stored + ${number(dead)} dead-lettered + ${number(pending)} pending`);
      parts.push(balanced ? "balanced" : "NOT balanced");
    }
    if (lag) parts.push(lag.inputs ? `lag ${count(lag.inputs, "input")}, ${duration(lag.age_ms)}` : "no lag");
    if (health.freshness) parts.push(`fresh within ${duration(health.freshness.p95_ms)} (p95)`);
    const told = parts.join("\n");
    if (this.#account.dataset.told === told) return;
    this.#account.dataset.told = told;
    this.#account.replaceChildren(...parts.map((part) => h("span", { class: part.startsWith("NOT") ? "bad" : "" }, part)));
  }
}
