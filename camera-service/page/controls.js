// The controls of the selected camera, in groups. What others change moves them at once.

import { Control } from "./control.js";
import { byId, each, element, say, show } from "./element.js";
import { GROUPS, groupOf, matches } from "./groups.js";
import { attention, wrong } from "./notices.js";
import { failure } from "./socket.js";
import { reason, sentence } from "./words.js";

/** Time between two looks at values that change by themselves, in ms, while they can be seen. */
const LOOK = 2_000;

export class Controls {
  #connection;
  #model;
  #camera = null;
  #controls = new Map();
  #pins = new Set();
  #made = new Map();
  #message = "";

  constructor(connection, model) {
    this.#connection = connection;
    this.#model = model;
    model.on("control_changed", ({ camera, control }) => {
      if (camera !== this.#camera || !this.#controls.has(control.name)) return;
      this.#controls.set(control.name, control);
      this.#update();
    });
    model.on("pins_changed", ({ camera, names }) => {
      if (camera !== this.#camera) return;
      this.#pins = new Set(names);
      this.#update();
    });
    model.on("camera_changed", ({ camera, summary }) => {
      // A device that comes back may be another of its kind, with other controls.
      if (camera === this.#camera && summary.present && this.#message) this.select(camera);
    });
    byId("reset-all").addEventListener("click", () => this.#reset());
    byId("search").addEventListener("input", () => this.#update());
    setInterval(() => this.#look(), LOOK);
  }

  /** Shows the controls of a camera, or of none. */
  async select(camera) {
    if (camera !== this.#camera) {
      this.#controls.clear();
      this.#made.clear();
      byId("groups").kept?.clear();
      byId("groups").replaceChildren();
      byId("search").value = "";
    }
    this.#camera = camera;
    this.#message = "";
    if (camera && this.#model.may("control")) await this.#load(camera);
    this.#update();
  }

  async #load(camera) {
    try {
      const controls = await this.#connection.request("list_controls", { camera });
      const pins = await this.#connection.request("list_pins", { camera });
      if (camera !== this.#camera) return;
      this.#controls = new Map(controls.map((control) => [control.name, control]));
      this.#pins = new Set(pins.map(({ name }) => name));
      this.#message = controls.length ? "" : "This camera has no controls.";
    } catch (error) {
      if (camera === this.#camera) this.#message = reason(error);
    }
  }

  #update() {
    const search = byId("search").value.trim();
    const all = [...this.#controls.values()];
    const found = all.filter((control) => !search || matches(control, search));
    const groups = GROUPS.map((title) => ({ title, controls: found.filter((one) => groupOf(one) === title) }));
    show(byId("reset-all"), all.length > 0);
    show(byId("search"), all.length > 8);
    say(byId("controls-message"), found.length || !all.length ? this.#message : "No control is called that.");
    each(
      byId("groups"),
      groups.filter(({ controls }) => controls.length),
      ({ title }) => title,
      ({ title }) => element("fieldset", {}, element("legend", {}, title), element("div")),
      (group, { controls }) => this.#fill(group.lastChild, controls),
    );
  }

  #fill(place, controls) {
    // One that has become another in kind is made anew: its key tells how often that was.
    const key = (control) => {
      const known = this.#made.get(control.name);
      if (!known) return `${control.name} 0`;
      if (!known.control.fits(control)) known.times += 1;
      return `${control.name} ${known.times}`;
    };
    each(
      place,
      controls.map((control) => ({ control, key: key(control) })),
      (item) => item.key,
      ({ control }) => this.#make(control),
      (_, { control }) => this.#made.get(control.name).control.update(control, this.#pins.has(control.name)),
    );
  }

  #make(control) {
    const made = new Control(control, {
      set: (name, value) => this.#set(name, value),
      reset: (name) => this.#reset([name]),
      pin: (name, pinned) => this.#pin(name, pinned),
    });
    const times = this.#made.get(control.name)?.times ?? 0;
    this.#made.set(control.name, { control: made, times });
    return made.element;
  }

  async #set(name, value) {
    const camera = this.#camera;
    const [outcome] = await this.#connection.request("set_controls", { camera, settings: [{ name, value }] });
    if (outcome?.error) throw failure(outcome.error);
    const taken = outcome?.value ?? null;
    const control = this.#controls.get(name);
    if (camera === this.#camera && control) this.#controls.set(name, { ...control, value: taken });
    return taken;
  }

  async #reset(names) {
    try {
      report(await this.#connection.request("reset_controls", { camera: this.#camera, ...(names && { names }) }));
    } catch (error) {
      wrong(error);
    }
  }

  async #pin(name, pinned) {
    const camera = this.#camera;
    const { value } = this.#controls.get(name);
    try {
      const fields = pinned ? { camera, settings: [{ name, value }] } : { camera, names: [name] };
      report(await this.#connection.request(pinned ? "pin_controls" : "unpin_controls", fields));
    } catch (error) {
      wrong(error);
    }
  }

  /** Values that change by themselves are told by no event. */
  async #look() {
    const { state } = this.#model.camera(this.#camera) ?? {};
    if (state !== "streaming" || document.hidden || !byId("groups").checkVisibility() || this.#connection.limited) return;
    const camera = this.#camera;
    const names = [...this.#controls.values()].filter(({ flags }) => flags.includes("volatile")).map(({ name }) => name);
    if (!names.length || this.#connection.state !== "open") return;
    const controls = await this.#connection.request("get_controls", { camera, names }).catch(() => []);
    if (camera !== this.#camera) return;
    for (const control of controls) this.#controls.set(control.name, control);
    this.#update();
  }
}

/** Names what a camera refused of several settings. */
export function report(outcomes) {
  const refused = (Array.isArray(outcomes) ? outcomes : []).filter(({ error }) => error);
  if (!refused.length) return;
  attention(refused.map(({ name, error }) => `${name}: ${sentence(error.message)}`).join(" "));
}
