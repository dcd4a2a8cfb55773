// All cameras off, for who may control. Nobody can turn them on from here: who sits at the computer
// decides about that.

import { ask } from "./ask.js";
import { byId, mark, say, show } from "./element.js";
import { wrong } from "./notices.js";

export class Privacy {
  #connection;
  #model;

  constructor(connection, model) {
    this.#connection = connection;
    this.#model = model;
    byId("all-off").addEventListener("click", () => this.#turnOff());
    model.on("cameras", () => this.update());
  }

  /** Brings the switch up to date. */
  update() {
    const { off, granted } = this.#model;
    // A token for some cameras decides about those alone.
    const may = this.#model.may("control") && !granted.cameras?.length;
    const button = byId("all-off");
    show(button, may || off);
    button.disabled = off || !may;
    mark(button, "aria-checked", String(off));
    say(button.lastElementChild, off ? "All cameras are off" : "Turn all cameras off");
    mark(button, "title", off ? "They can be turned on again at the computer itself" : null);
  }

  async #turnOff() {
    const yes = await ask({
      title: "Turn all cameras off?",
      text:
        "Every camera closes at once and everybody who watches loses the picture. " +
        "Turning them on again is only possible at the computer itself.",
      confirm: "Turn off",
      danger: true,
    });
    if (yes) await this.#connection.request("cameras_off").catch(wrong);
  }
}
