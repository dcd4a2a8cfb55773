// The list of cameras: name, state, mode, watchers. One is selected.

import { byId, each, element, mark, say, show } from "./element.js";
import * as words from "./words.js";

export class Cameras {
  #model;
  #select;
  #selected = null;

  /** `select(camera)` is called when the user chooses one. */
  constructor(model, select) {
    this.#model = model;
    this.#select = select;
    model.on("cameras", () => this.update());
    byId("camera-list").addEventListener("keydown", (event) => this.#key(event));
  }

  /** Shows which one is selected. */
  selected(camera) {
    this.#selected = camera;
    this.update();
  }

  /** Brings the list up to date. */
  update() {
    const cameras = [...this.#model.cameras.values()];
    show(byId("no-cameras"), this.#model.known && cameras.length === 0);
    each(
      byId("camera-list"),
      cameras,
      ({ id }) => id,
      ({ id }) => this.#row(id),
      (row, camera) => this.#update(row, camera),
    );
  }

  #row(camera) {
    const part = (name) => element("span", { class: name });
    const button = element(
      "button",
      { type: "button", class: "camera", "data-camera": camera, onclick: () => this.#select(camera) },
      element("span", { class: "dot", "aria-hidden": true }),
      part("name"),
      part("state"),
      part("mode"),
      part("watchers"),
    );
    return element("li", {}, button);
  }

  #update(row, camera) {
    const button = row.firstChild;
    const [tone, state] = words.state(camera);
    const into = (name, text) => say(button.querySelector(`.${name}`), text);
    button.dataset.tone = tone;
    mark(button, "aria-current", camera.id === this.#selected ? "true" : null);
    mark(button, "title", camera.reason || null);
    into("name", camera.name);
    into("state", state);
    into("mode", camera.mode ? words.mode(camera.mode) : "");
    into("watchers", words.watchers(camera.watchers));
  }

  /** The arrow keys go through the list, as in the window. */
  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const buttons = [...byId("camera-list").querySelectorAll("button")];
    const next = buttons[buttons.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.click();
  }
}
