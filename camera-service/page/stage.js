// The middle of the page: the selected camera, live or ready to be watched, or all that are watched
// side by side; and what can be done with it. Only what can be seen is streamed.

import { byId, mark, say, show } from "./element.js";
import { download } from "./picture.js";
import { View } from "./view.js";
import { problem } from "./fallback.js";
import { ask } from "./ask.js";
import * as fullscreen from "./fullscreen.js";
import * as notices from "./notices.js";
import * as words from "./words.js";

const WATCHED = "camera-service.watched";
/** How long a page that nobody sees goes on, in ms; then its cameras may close. */
const UNSEEN = 10_000;
/** Widest picture of one among several, in pixels. */
const BESIDE = 640;

export class Stage {
  #connection;
  #model;
  #modes;
  #select;
  #views = new Map();
  #watched = new Set(JSON.parse(sessionStorage.getItem(WATCHED) ?? "[]"));
  #selected = null;
  #grid = false;
  #figures = true;
  #seen = true;

  /** `select(camera)` is called when the user chooses one. */
  constructor(connection, model, modes, select) {
    [this.#connection, this.#model, this.#modes, this.#select] = [connection, model, modes, select];
    const press = (id, act) => byId(id).addEventListener("click", act);
    press("stop", () => this.#stop(this.#selected));
    press("snapshot", () => this.#snapshot());
    press("figures", () => this.#toggle(() => (this.#figures = !this.#figures)));
    press("side-by-side", () => this.#toggle(() => (this.#grid = !this.#grid)));
    press("fullscreen", () => fullscreen.toggle(byId("stage")));
    press("hold", () => this.#hold());
    press("rename", () => this.#rename());
    press("choose", () => this.#toggle(() => byId("choices").classList.toggle("open")));
    byId("picture-size").addEventListener("change", () => this.update());
    model.on("cameras", () => this.update());
    for (const event of ["camera_added", "camera_changed"]) {
      model.on(event, ({ camera }) => this.#views.get(camera)?.live.hurry());
    }
    model.on("privacy_changed", ({ off }) => off || this.#views.forEach(({ live }) => live.hurry()));
    setInterval(() => this.#tick(), 500);
    let unseen = 0;
    document.addEventListener("visibilitychange", () => {
      clearTimeout(unseen);
      const change = (seen) => ((this.#seen = seen), this.update());
      if (document.hidden) unseen = setTimeout(() => change(false), UNSEEN);
      else change(true);
    });
  }

  /** Shows this camera, or none. */
  selected(camera) {
    this.#selected = camera;
    this.#modes.select(camera);
    this.update();
  }

  /** Whether the user watches this camera, be it there or not. */
  watches(camera) {
    return this.#watched.has(camera);
  }

  /** Brings everything up to date. */
  update() {
    const camera = this.#model.camera(this.#selected);
    const shown = new Set(this.#grid ? this.#watched : this.#selected ? [this.#selected] : []);
    const seen = this.#seen && byId("stage").checkVisibility();
    for (const id of shown) this.#view(id);
    for (const [id, view] of this.#views) {
      const wanted = this.#watched.has(id) && shown.has(id) && seen;
      const gone = !this.#model.cameras.has(id) && this.#model.known && !wanted;
      show(view.element, shown.has(id));
      view.element.dataset.selected = id === this.#selected ? "yes" : "no";
      if (wanted) this.#start(view.live);
      else view.live.stop();
      view.update(this.#figures);
      if (gone) this.#forget(id);
    }
    this.#release();
    const views = byId("views");
    views.dataset.count = String(shown.size);
    this.#head(camera);
    this.#tools(camera);
    this.#modes.update();
  }

  #head(camera) {
    const [tone, state] = camera ? words.state(camera) : ["quiet", ""];
    say(byId("stage-name"), this.#grid ? "Side by side" : (camera?.name ?? this.#selected ?? "No camera selected"));
    say(byId("stage-state"), this.#grid ? "" : state);
    byId("stage-state").dataset.tone = tone;
    say(byId("stage-watchers"), camera && !this.#grid ? words.watchers(camera.watchers) : "");
    const reason = camera && !this.#grid && ["lost", "stuck", "stalled"].includes(camera.state) ? camera.reason : "";
    say(byId("stage-reason"), words.sentence(reason));
    show(byId("stage-reason"), reason !== "");
  }

  #tools(camera) {
    const watched = this.#watched.has(this.#selected);
    const control = this.#model.may("control");
    // Their room is kept, so that nothing moves when the first camera comes.
    byId("tools").classList.toggle("absent", !camera && !watched);
    byId("choices").classList.toggle("absent", !camera);
    show(byId("choices"), !this.#grid);
    byId("stop").disabled = !watched;
    byId("snapshot").disabled = !camera?.present || this.#model.off;
    show(byId("side-by-side"), this.#watched.size > 1 || this.#grid);
    say(byId("side-by-side").lastChild, `Side by side (${this.#watched.size})`);
    mark(byId("side-by-side"), "aria-pressed", String(this.#grid));
    mark(byId("figures"), "aria-pressed", String(this.#figures));
    mark(byId("choose"), "aria-expanded", String(byId("choices").classList.contains("open")));
    show(byId("hold"), control && Boolean(camera) && !this.#grid);
    show(byId("choose"), !this.#grid);
    show(byId("rename"), control && Boolean(camera) && !this.#grid);
    mark(byId("hold"), "aria-pressed", String(Boolean(camera?.held_open)));
  }

  #view(id) {
    if (this.#views.has(id)) return;
    const enlarge = (camera) => {
      this.#grid = false;
      this.#select(camera);
    };
    const view = new View(this.#connection, this.#model, id, { watch: (camera) => this.#watch(camera), enlarge });
    this.#views.set(id, view);
    view.live.on("changed", () => view.live.condition === "live" && this.#release());
    byId("views").append(view.element);
  }

  /** A camera that was opened to have it in a mode is kept open until its picture is there, or nobody waits for it. */
  #release() {
    const awaits = (id) => ["opening", "interrupted"].includes(this.#views.get(id)?.live.condition);
    this.#modes.release(awaits);
  }

  #forget(id) {
    const { element, live } = this.#views.get(id);
    live.close();
    element.remove();
    this.#views.delete(id);
  }

  #start(live) {
    const limit = byId("picture-size").value;
    const width = this.#grid && this.#watched.size > 1 ? Math.min(limit || BESIDE, BESIDE) : Number(limit);
    live.start(width ? { width, height: width } : {});
  }

  async #watch(camera) {
    await this.#modes.prepare(camera);
    this.#watched.add(camera);
    this.#keep();
    // The button that was pressed has gone.
    byId("stop").focus({ preventScroll: true });
  }

  #stop(camera) {
    this.#watched.delete(camera);
    if (this.#watched.size === 0) this.#grid = false;
    this.#keep();
    this.#views.get(camera)?.element.querySelector(".watch").focus({ preventScroll: true });
  }

  #keep() {
    sessionStorage.setItem(WATCHED, JSON.stringify([...this.#watched]));
    this.update();
  }

  #toggle(change) {
    change();
    this.update();
  }

  #tick() {
    for (const view of this.#views.values()) if (!view.element.hidden) view.tick();
  }

  async #snapshot() {
    const camera = this.#model.camera(this.#selected);
    try {
      const response = await this.#connection.fetch(`api/cameras/${encodeURIComponent(camera.id)}/snapshot.jpg`);
      if (!response.ok) throw new Error((await problem(response)).message);
      const name = words.fileName(camera.name);
      download(await response.blob(), name);
      notices.done(`Saved ${name}`);
    } catch (error) {
      notices.wrong(error);
    }
  }

  async #hold() {
    const camera = this.#model.camera(this.#selected);
    const type = camera.held_open ? "stop_camera" : "start_camera";
    this.#modes.keep(camera.id);
    await this.#connection.request(type, { camera: camera.id }).catch(notices.wrong);
  }

  async #rename() {
    const { id, name } = this.#model.camera(this.#selected);
    const field = { label: "Name", value: name, maxlength: 64 };
    const text = "The new name is seen by everybody. Its id stays as it is.";
    const wish = await ask({ title: "Rename this camera", text, field, confirm: "Rename" });
    if (wish && wish !== name) {
      await this.#connection.request("rename_camera", { camera: id, name: wish }).catch(notices.wrong);
    }
  }
}
