// The presets of the selected camera: all its controls kept under a name.

import { ask } from "./ask.js";
import { report } from "./controls.js";
import { byId, each, element, say, show } from "./element.js";
import { done, wrong } from "./notices.js";

export class Presets {
  #connection;
  #model;
  #camera = null;
  #names = [];

  constructor(connection, model) {
    this.#connection = connection;
    this.#model = model;
    model.on("presets_changed", ({ camera, names }) => {
      if (camera === this.#camera) this.#show(names);
    });
    byId("preset-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save(byId("preset-name").value.trim());
    });
  }

  /** Shows the presets of a camera, or of none. */
  async select(camera) {
    if (camera !== this.#camera) this.#show([]);
    this.#camera = camera;
    show(byId("presets"), Boolean(camera));
    if (!camera || !this.#model.may("control")) return;
    const presets = await this.#ask("list_presets", {});
    if (camera === this.#camera && presets) this.#show(presets.map(({ name }) => name));
  }

  #show(names) {
    this.#names = names;
    each(
      byId("preset-list"),
      names,
      (name) => name,
      (name) => this.#row(name),
      () => {},
    );
    say(byId("preset-hint"), names.length ? "" : "A preset keeps every control as it is now.");
  }

  #row(name) {
    const action = (label, act) =>
      element("button", { type: "button", class: "link", "aria-label": `${label} ${name}`, onclick: act }, label);
    return element(
      "li",
      {},
      element("span", { class: "name" }, name),
      action("Apply", () => this.#apply(name)),
      action("Rename", () => this.#rename(name)),
      action("Delete", () => this.#delete(name)),
    );
  }

  async #save(preset) {
    if (!preset) return;
    const title = `Replace the preset ${preset}?`;
    const text = "It then keeps the controls as they are now.";
    if (this.#names.includes(preset) && !(await ask({ title, text, confirm: "Replace" }))) return;
    if (await this.#ask("save_preset", { preset })) byId("preset-name").value = "";
  }

  async #apply(preset) {
    const outcomes = await this.#ask("apply_preset", { preset });
    if (!outcomes) return;
    report(outcomes);
    if (outcomes.every?.(({ error }) => !error)) done(`Set as in ${preset}`);
  }

  async #rename(preset) {
    const field = { label: "New name", value: preset };
    const name = await ask({ title: `Rename the preset ${preset}`, field, confirm: "Rename" });
    if (name && name !== preset) await this.#ask("rename_preset", { preset, name });
  }

  async #delete(preset) {
    const title = `Delete the preset ${preset}?`;
    if (await ask({ title, confirm: "Delete", danger: true })) await this.#ask("delete_preset", { preset });
  }

  /** The answer, `true` where there is nothing to say, `null` after an error, which is told. */
  async #ask(type, fields) {
    try {
      return (await this.#connection.request(type, { camera: this.#camera, ...fields })) ?? true;
    } catch (error) {
      wrong(error);
      return null;
    }
  }
}
