// Which panel is open. On a wide page one lies beside the pictures or none; on a narrow one there is
// always one below or beside them, the list of cameras is one too, and sharing takes the whole page.
//
// Told: `changed`.

import { Emitter } from "./emitter.js";
import { byId, mark, show } from "./element.js";

const NAMES = ["cameras", "controls", "watchers", "share"];
/** From this width on the list of cameras has a place of its own; as in app.css. */
const wide = matchMedia("(min-width: 62rem)");

export class Panels extends Emitter {
  #open = null;
  #allowed = [];

  constructor() {
    super();
    for (const name of NAMES) byId(`tab-${name}`).addEventListener("click", () => this.#press(name));
    wide.addEventListener("change", () => this.#show());
  }

  /** Says which there are. */
  allow(names) {
    this.#allowed = names;
    if (!names.includes(this.#open)) this.#open = null;
    this.#open ??= (wide.matches ? names.find((name) => name !== "cameras") : names[0]) ?? null;
    this.#show();
  }

  /** Opens one. */
  open(name) {
    if (this.#allowed.includes(name)) this.#open = name;
    this.#show();
  }

  #press(name) {
    // Where there is room for none, none may be open.
    this.#open = wide.matches && this.#open === name && this.#allowed.length > 1 ? null : name;
    this.#show();
  }

  #show() {
    const now = !wide.matches && !this.#open ? this.#allowed[0] : this.#open;
    document.body.dataset.panel = now ?? "none";
    for (const name of NAMES) {
      const allowed = this.#allowed.includes(name);
      show(byId(`tab-${name}`), allowed);
      mark(byId(`tab-${name}`), "aria-pressed", String(name === now));
      show(byId(`panel-${name}`), allowed && (name === now || (name === "cameras" && wide.matches)));
    }
    show(byId("panel"), now !== null && now !== "cameras");
    this.tell("changed");
  }
}
