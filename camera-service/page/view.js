// One camera's place on the stage: its picture, what lies over it, and its name below.

import { element, icon, mark, say, show } from "./element.js";
import { Live } from "./live.js";
import * as words from "./words.js";

export class View {
  live;
  element;
  #model;
  #camera;
  #figures = ["size", "fps", "dropped", "latency"].map((name) => element("span", { class: name }));
  #strip;
  #slow;
  #message;
  #watch;
  #name;

  /** `on` has `watch` and `enlarge`, called with the camera. */
  constructor(connection, model, camera, on) {
    this.#model = model;
    this.#camera = camera;
    this.live = new Live(connection, camera);
    this.#strip = element("p", { class: "figures", hidden: true }, ...this.#figures);
    this.#slow = element("p", { class: "slow", hidden: true, role: "status" });
    this.#message = element("p", { class: "message", role: "status", hidden: true });
    const watch = { type: "button", class: "watch", onclick: () => on.watch(camera) };
    this.#watch = element("button", watch, icon("play"), "Watch");
    this.#name = element("button", { type: "button", class: "link", onclick: () => on.enlarge(camera) });
    const { canvas } = this.live.picture;
    canvas.setAttribute("role", "img");
    this.element = element(
      "figure",
      { class: "view", "data-camera": camera },
      element("div", { class: "screen" }, canvas, this.#strip, this.#slow, this.#message, this.#watch),
      element("figcaption", {}, this.#name),
    );
    this.live.on("changed", () => this.update());
  }

  /** Shows what is known; `figures` says whether those are wanted. */
  update(figures = !this.#strip.dataset.off) {
    if (figures) delete this.#strip.dataset.off;
    else this.#strip.dataset.off = "off";
    const { condition, message, picture, rung } = this.live;
    const camera = this.#model.camera(this.#camera);
    const name = camera?.name ?? this.#camera;
    const off = this.#model.off;
    this.element.dataset.condition = condition;
    mark(picture.canvas, "aria-label", condition === "live" ? `Live picture of ${name}` : `Picture of ${name}, not live`);
    say(this.#name, name);
    mark(this.#name, "aria-label", `Enlarge ${name}`);
    show(this.#watch, condition === "off" && !off && Boolean(camera?.present));
    mark(this.#watch, "aria-label", `Watch ${name}`);
    const text = off
      ? "All cameras are off. They can be turned on again at the computer itself."
      : condition === "off" && !camera?.present
        ? "This camera is not there at the moment."
        : condition === "opening"
          ? "Opening…"
          : condition === "interrupted"
            ? message
            : "";
    say(this.#message, text);
    show(this.#message, text !== "");
    show(this.#slow, rung > 0 && condition === "live");
    if (rung > 0) say(this.#slow, slow(this.live));
    this.tick();
  }

  /** Brings the figures up to date. */
  tick() {
    const figures = this.live.condition === "live" && !this.#strip.dataset.off ? this.live.picture.figures() : null;
    show(this.#strip, figures !== null);
    if (!figures) return;
    const { fps, dropped, latency } = figures;
    const texts = [words.size(figures), `${fps.toFixed(1)} fps`, `${dropped} dropped`];
    texts.push(latency === null ? "" : `${Math.round(latency)} ms`);
    this.#figures.forEach((span, index) => say(span, texts[index]));
  }
}

function slow({ mode, slow }) {
  const what = mode ? `now ${words.mode(mode)}` : "the picture is smaller and slower";
  return `Slow connection: ${what}.${slow ? ` ${words.sentence(slow)}` : ""}`;
}
