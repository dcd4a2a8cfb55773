// One control as a user sees it: label, value, what else can be done with it, and why not.

import { Edit } from "./edit.js";
import { element, icon, mark, say, show } from "./element.js";
import { sentence } from "./words.js";

let made = 0;

export class Control {
  element;
  #id = `control-${++made}`;
  #control;
  #pinned = false;
  #edit;
  #fields;
  #note;
  #reset;
  #pin;

  /** `act` has `set(name, value)`, which resolves to the value that was taken, `reset(name)`, `pin(name, pinned)`. */
  constructor(control, act) {
    this.#control = control;
    const send = async (value) => {
      const taken = await act.set(control.name, value);
      this.#control = { ...this.#control, value: taken };
    };
    this.#edit = new Edit(send, () => this.#show());
    const small = (name, label, press) =>
      element("button", { type: "button", class: "small", title: label, onclick: press }, icon(name));
    this.#reset = small("reset", "Reset", () => act.reset(control.name));
    this.#pin = small("pin", "Pin", () => act.pin(control.name, !this.#pinned));
    this.#fields = this.#make(control);
    this.#note = element("p", { class: "note", id: `${this.#id}-note`, hidden: true });
    const own = control.kind === "button";
    const label = own
      ? element("span", { class: "label" }, control.label)
      : element("label", { class: "label", for: this.#id }, control.label);
    const [first, ...rest] = this.#fields;
    const inline = ["integer", "bitmask", "boolean", "button", "compound"].includes(control.kind);
    this.element = element(
      "div",
      { class: `control ${control.kind}`, "data-control": control.name },
      element("div", { class: "line" }, label, this.#pin, this.#reset, inline && first),
      ...(inline ? rest : this.#fields),
      this.#note,
    );
    this.#show();
  }

  /** What it is now. */
  update(control, pinned) {
    this.#control = control;
    this.#pinned = pinned;
    this.#show();
  }

  /** Whether its fields fit what it is now: its menu or range may have become another. */
  fits(control) {
    const shape = ({ kind, label, min, max, step, menu }) => JSON.stringify([kind, label, min, max, step, menu]);
    return shape(control) === shape(this.#control);
  }

  #make({ kind, min, max, step, menu, label }) {
    const wish = (value) => this.#edit.wish(value);
    const number = (target) => {
      if (target.value.trim() === "" || !Number.isFinite(target.valueAsNumber)) return this.#show(true);
      wish(Math.round(target.valueAsNumber));
    };
    switch (kind) {
      case "integer":
      case "bitmask": {
        const field = element("input", {
          type: "number",
          id: this.#id,
          min,
          max,
          step: kind === "integer" ? step : 1,
          onchange: ({ target }) => number(target),
        });
        if (kind === "bitmask" || !hasSlider(min, max)) return [field];
        const slide = ({ target }) => wish(target.valueAsNumber);
        const range = { type: "range", min, max, step, "aria-label": label, oninput: slide };
        return [field, element("input", range)];
      }
      case "boolean":
        return [element("input", { type: "checkbox", id: this.#id, onchange: ({ target }) => wish(target.checked) })];
      case "menu": {
        const options = menu.map((entry) => element("option", { value: entry.value }, entry.label));
        return [element("select", { id: this.#id, onchange: ({ target }) => wish(Number(target.value)) }, ...options)];
      }
      case "button": {
        const press = () => wish(null);
        return [element("button", { type: "button", id: this.#id, "aria-label": label, onclick: press }, "Do it")];
      }
      case "string": {
        const change = ({ target }) => wish(target.value);
        return [element("input", { type: "text", id: this.#id, maxlength: max, onchange: change })];
      }
      default:
        return [element("output", { id: this.#id })];
    }
  }

  #show(force = false) {
    if (!this.#note) return;
    const { kind, value, flags, label, name } = this.#control;
    const shown = this.#edit.shown(value);
    const why = whyNot(this.#control);
    const text = this.#edit.refused ? sentence(this.#edit.refused) : why;
    this.element?.classList.toggle("unavailable", why !== "");
    for (const field of this.#fields) {
      field.disabled = why !== "";
      mark(field, "aria-describedby", text ? this.#note.id : null);
      mark(field, "aria-invalid", this.#edit.refused ? "true" : null);
      set(field, shown, kind, force || this.#edit.refused !== "");
    }
    say(this.#note, text);
    show(this.#note, text !== "");
    this.#note.classList.toggle("wrong", this.#edit.refused !== "");
    mark(this.#note, "role", this.#edit.refused ? "alert" : null);
    const can = why === "" && value !== null && !flags.includes("write_only");
    const differs = this.#control.default !== null && shown !== this.#control.default;
    this.#reset.classList.toggle("absent", !(can && differs));
    mark(this.#reset, "aria-label", `Reset ${label}`);
    this.#pin.classList.toggle("absent", !(this.#pinned || (can && differs)));
    mark(this.#pin, "aria-pressed", String(this.#pinned));
    mark(this.#pin, "aria-label", `Pin ${label}`);
    mark(this.#pin, "title", this.#pinned ? "Pinned: set again at every start" : "Pin: set it again at every start");
    this.element?.setAttribute("data-control", name);
  }
}

/** Shows a value, but not in a field in which the user is writing. */
function set(field, value, kind, force) {
  if (field.type === "checkbox") field.checked = value === true;
  else if (kind === "button") return;
  else if (field.tagName === "OUTPUT") say(field, value === null ? "" : String(value));
  else if (force || field !== document.activeElement || field.type === "range" || field.tagName === "SELECT") {
    const text = value === null ? "" : String(value);
    if (field.value !== text) field.value = text;
  }
  if (field.type !== "range") return;
  const share = (Number(value) - Number(field.min)) / (Number(field.max) - Number(field.min));
  field.style.setProperty("--share", Number.isFinite(share) ? share : 0);
}

/** Numbers beyond what a slider holds exactly have none. */
function hasSlider(min, max) {
  return min < max && Number.isSafeInteger(min) && Number.isSafeInteger(max);
}

function whyNot({ kind, flags }) {
  if (flags.includes("disabled")) return "Without function on this camera.";
  if (flags.includes("read_only")) return "Shown only; the camera sets it.";
  if (flags.includes("grabbed")) return "Another program has taken it, or it cannot change while frames flow.";
  if (flags.includes("inactive")) return "Without effect now: another control, such as an automatic, decides.";
  if (kind === "compound") return "Can only be set by programs that know this camera.";
  return "";
}
