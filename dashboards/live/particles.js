// What flows along the edges: a few circles, moved once a frame; none for who asked for less motion.

import { s } from "./dom.js";

const FLIGHT_MS = 900;
const MOST = 120;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Particles {
  #layer;
  #flying = [];
  #spare = [];

  constructor(layer) {
    this.#layer = layer;
  }

  fly(path, sort, times) {
    if (calm.matches || document.hidden || this.#flying.length >= MOST) return;
    const circle = this.#spare.pop() ?? s("circle", { class: "particle" });
    circle.setAttribute("r", Math.min(3 + Math.log2(times), 9));
    circle.dataset.sort = sort;
    this.#layer.append(circle);
    this.#flying.push({ circle, path, length: path.getTotalLength(), startMs: performance.now() });
    if (this.#flying.length === 1) requestAnimationFrame((nowMs) => this.#move(nowMs));
  }

  #move(nowMs) {
    this.#flying = this.#flying.filter(({ circle, path, length, startMs }) => {
      const part = Math.max(0, (nowMs - startMs) / FLIGHT_MS);
      if (part >= 1) {
        circle.remove();
        this.#spare.push(circle);
        return false;
      }
      const eased = part < 0.5 ? 2 * part * part : 1 - (2 - 2 * part) ** 2 / 2;
      const { x, y } = path.getPointAtLength(eased * length);
      circle.setAttribute("cx", x);
      circle.setAttribute("cy", y);
      return true;
    });
    if (this.#flying.length) requestAnimationFrame((then) => this.#move(then));
  }
}
