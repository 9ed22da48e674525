// How often something happened in the last minute, by key.

const WINDOW_MS = 60_000;

export class Recent {
  #entries = [];
  #sums = new Map();

  add(key, times, nowMs) {
    this.#entries.push([nowMs, key, times]);
    this.#sums.set(key, (this.#sums.get(key) ?? 0) + times);
  }

  forget(nowMs) {
    let old = 0;
    while (old < this.#entries.length && this.#entries[old][0] < nowMs - WINDOW_MS) {
      const [, key, times] = this.#entries[old];
      const left = this.#sums.get(key) - times;
      if (left > 0) this.#sums.set(key, left);
      else this.#sums.delete(key);
      old += 1;
    }
    this.#entries.splice(0, old);
  }

  of(key) {
    return this.#sums.get(key) ?? 0;
  }

  keys() {
    return this.#sums.keys();
  }
}
