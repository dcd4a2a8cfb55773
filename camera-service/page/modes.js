// Choosing a camera's mode by its parts: size, rate, format. A choice of one part keeps the others as
// near as the camera can.

import { byId, each, element, show } from "./element.js";
import { Holds } from "./holds.js";
import { wrong } from "./notices.js";
import * as words from "./words.js";

/** What the service opens: other formats go by their four characters. */
const SERVED = new Set(["MJPG", "YUYV", "NV12", "I420", "RGB", "BGR", "RGBA", "GREY"]);

export class Modes {
  #connection;
  #model;
  #camera = null;
  #modes = [];
  /** Modes that were chosen for cameras that are closed. */
  #wished = new Map();
  #holds;

  constructor(connection, model) {
    this.#connection = connection;
    this.#model = model;
    this.#holds = new Holds(connection, model);
    byId("mode-size").addEventListener("change", ({ target }) => {
      const [width, height] = target.value.split("x").map(Number);
      this.#choose((mode) => mode.width === width && mode.height === height);
    });
    byId("mode-rate").addEventListener("change", ({ target }) => {
      const now = this.#now();
      this.#choose((mode) => String(mode.fps) === target.value && alike(mode, now) && mode.format === now.format);
    });
    byId("mode-format").addEventListener("change", ({ target }) => {
      const now = this.#now();
      this.#choose((mode) => mode.format === target.value && alike(mode, now));
    });
  }

  /** Shows the modes of a camera. */
  async select(camera) {
    if (this.#camera !== camera) this.#modes = [];
    this.#camera = camera;
    this.update();
    if (!camera || !this.#model.may("control")) return;
    try {
      const { modes } = await this.#connection.request("describe_camera", { camera });
      if (this.#camera === camera) this.#modes = modes.filter(({ format }) => SERVED.has(format));
    } catch {
      // One that is lost has none to choose from.
    }
    this.update();
  }

  /** Opens the camera in the mode that was chosen while it was closed, where one was. */
  async prepare(camera) {
    const mode = this.#wished.get(camera);
    this.#wished.delete(camera);
    if (mode) await this.#open(camera, mode);
  }

  /** Lets go of cameras that were opened here to have them in a mode, but for those that `awaits` says are still
   * to be shown: from then on their streams keep them open, and before that nothing would. */
  release(awaits) {
    this.#holds.release(awaits);
  }

  /** From now on the user's own start holds the camera open. */
  keep(camera) {
    this.#holds.forget(camera);
  }

  /** Brings the choices up to date. */
  update() {
    const now = this.#now();
    show(byId("modes"), this.#model.may("control") && this.#modes.length > 0);
    if (!now) return;
    const sizes = unique(this.#modes, (mode) => `${mode.width}x${mode.height}`);
    sizes.sort((a, b) => b.width * b.height - a.width * a.height);
    fill("mode-size", sizes.map((mode) => [`${mode.width}x${mode.height}`, words.size(mode)]), `${now.width}x${now.height}`);
    const same = this.#modes.filter((mode) => alike(mode, now));
    const rates = unique(same.filter(({ format }) => format === now.format), ({ fps }) => fps);
    rates.sort((a, b) => b.fps - a.fps);
    fill("mode-rate", rates.map(({ fps }) => [String(fps), words.rate(fps)]), String(now.fps));
    const formats = unique(same, ({ format }) => format);
    fill("mode-format", formats.map(({ format }) => [format, words.format(format)]), now.format);
  }

  /** The mode that the camera is in, or will be, or might be. */
  #now() {
    const camera = this.#model.camera(this.#camera);
    return this.#wished.get(this.#camera) ?? camera?.mode ?? this.#modes[0] ?? null;
  }

  async #choose(fits) {
    const now = this.#now();
    const distance = (mode) => (mode.format === now.format ? 0 : 1_000) + Math.abs(mode.fps - now.fps);
    const [best] = this.#modes.filter(fits).sort((a, b) => distance(a) - distance(b));
    if (!best) return this.update();
    const camera = this.#camera;
    if (this.#model.camera(camera)?.mode) {
      await this.#open(camera, best);
      this.#holds.release((held) => held !== camera);
    } else {
      this.#wished.set(camera, best);
    }
    this.update();
  }

  async #open(camera, { format, width, height, fps }) {
    try {
      await this.#holds.start(camera, { format, size: `${width}x${height}`, fps });
    } catch (error) {
      wrong(error);
    }
  }
}

const alike = (mode, other) => mode.width === other.width && mode.height === other.height;

function unique(modes, by) {
  return [...new Map(modes.map((mode) => [by(mode), mode])).values()];
}

function fill(id, options, value) {
  const select = byId(id);
  each(
    select,
    options,
    ([key]) => key,
    ([key, label]) => element("option", { value: key }, label),
    () => {},
  );
  if (document.activeElement !== select || select.value !== value) select.value = value;
}
