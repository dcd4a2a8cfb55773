// One camera's picture, live: its stream, opened again whenever it ends for another reason than that
// nobody wants it.
//
// Told: `changed`.

import { Emitter } from "./emitter.js";
import { Picture } from "./picture.js";
import { reason, sentence } from "./words.js";

/** Time until a stream that ended is asked for again, in ms: doubled each time, up to the last. */
const FIRST_WAIT = 500;
const LAST_WAIT = 8_000;

export class Live extends Emitter {
  /** `off`, `opening`, `live`, `interrupted`. */
  condition = "off";
  /** Why it is interrupted. */
  message = "";
  /** The rung that a slow link has brought it to, from 0; what is sent on it, and why. */
  rung = 0;
  mode = null;
  slow = "";
  /** Its number on the present connection. */
  stream = null;
  picture;
  #connection;
  #camera;
  #link = null;
  #wish = null;
  #attempt = 0;
  #wait = FIRST_WAIT;
  #timer = 0;
  #ends;

  constructor(connection, camera) {
    super();
    this.#connection = connection;
    this.#camera = camera;
    this.picture = new Picture(connection.clock, ({ stream, sequence }) => this.#link?.acknowledge(stream, sequence));
    this.#ends = [
      connection.on("state", ({ state }) => state !== "open" && this.#linkLost()),
      connection.on("open", () => this.#wish && this.#open()),
    ];
  }

  /** Opens a stream like `wish` (`{width?, quality?, fps?}`), or does so anew where it has changed. */
  start(wish) {
    const known = JSON.stringify(wish);
    if (this.#wish && JSON.stringify(this.#wish) === known) return;
    this.#wish = wish;
    this.#open();
  }

  /** Ends it. */
  stop() {
    if (!this.#wish) return;
    this.#wish = null;
    this.#drop();
    this.#become("off");
  }

  /** Ends it for good. */
  close() {
    this.stop();
    for (const end of this.#ends) end();
  }

  /** What kept it from being opened may have gone: tries at once. */
  hurry() {
    if (this.#timer && this.#wish) this.#open();
  }

  async #open() {
    this.#drop();
    if (this.#connection.state !== "open") return this.#become("interrupted", "Connecting…");
    const attempt = ++this.#attempt;
    if (this.condition !== "interrupted") this.#become("opening");
    this.picture.restart();
    try {
      const sink = {
        frame: (frame) => this.#frame(frame, attempt),
        event: (event) => attempt === this.#attempt && this.#event(event),
      };
      const opened = await this.#connection.openStream(this.#camera, this.#wish, sink);
      if (attempt !== this.#attempt) return opened.link.closeStream(opened.stream);
      [this.#link, this.stream, this.mode, this.rung] = [opened.link, opened.stream, opened.mode, opened.rung ?? 0];
      this.tell("changed");
    } catch (error) {
      if (attempt === this.#attempt) this.#again(reason(error));
    }
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#attempt += 1;
    if (this.#link && this.stream !== null) this.#link.closeStream(this.stream);
    this.#link = this.stream = null;
    this.rung = 0;
  }

  #again(message) {
    this.#drop();
    this.#become("interrupted", message);
    this.#timer = setTimeout(() => this.#open(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LAST_WAIT);
  }

  #linkLost() {
    if (!this.#wish) return;
    this.#link = null;
    this.#drop();
    this.#become("interrupted", "Connecting…");
  }

  #frame(frame, attempt) {
    if (attempt !== this.#attempt) return;
    this.picture.push(frame);
    this.#wait = FIRST_WAIT;
    if (this.condition !== "live") this.#become("live");
  }

  #event({ event, reason: why, error, mode, rung }) {
    switch (event) {
      case "stream_changed":
        this.mode = mode ?? this.mode;
        this.rung = rung ?? this.rung;
        this.slow = why ?? "";
        return this.tell("changed");
      case "stream_lost":
        return this.#become("interrupted", sentence(why || "The camera is gone; its picture comes back with it"));
      case "stream_blocked":
        return this.#become("interrupted", "All cameras are off.");
      case "stream_ended":
        this.#link = null;
        return this.#again(reason(error ?? { message: "The stream has ended" }));
    }
  }

  #become(condition, message = "") {
    if (this.condition === condition && this.message === message) return;
    this.condition = condition;
    this.message = message;
    this.tell("changed");
  }
}
