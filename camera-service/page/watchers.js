// Who is watching: every client that gets a camera's frames, or is a camera itself.

import { byId, each, element, say, show } from "./element.js";
import * as words from "./words.js";

export class Watchers {
  #model;

  constructor(model) {
    this.#model = model;
    model.on("clients", () => this.update());
    model.on("cameras", () => this.update());
    setInterval(() => byId("watcher-list").checkVisibility() && this.update(), 5_000);
  }

  /** Brings the list up to date. */
  update() {
    const clients = [...this.#model.clients.values()].filter(({ camera }) => camera);
    clients.sort((a, b) => a.camera.localeCompare(b.camera) || a.id - b.id);
    show(byId("no-watchers"), clients.length === 0);
    each(
      byId("watcher-list"),
      clients,
      ({ id }) => id,
      () => element("li", {}, ...["name", "what", "where", "frames"].map((part) => element("span", { class: part }))),
      (row, client) => this.#update(row, client),
    );
  }

  #update(row, { name, program, remote, role, camera, since, frames, dropped }) {
    const [title, what, where, counts] = row.children;
    const seen = this.#model.camera(camera)?.name ?? camera;
    say(title, name || program);
    say(what, role === "publish" ? `Is the camera ${seen}` : `Watches ${seen}`);
    say(where, [remote ? `from ${remote}` : program, `for ${words.since(since)}`].filter(Boolean).join(", "));
    say(counts, `${frames.toLocaleString("en")} frames, ${dropped.toLocaleString("en")} dropped`);
  }
}
