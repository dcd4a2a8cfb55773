// Cameras that this page opened to have them in a mode. The service keeps such a hold until it is told
// otherwise, also when this page has gone and when the service starts anew. So it is noted before it is
// asked for, and the note stays, over a reload too, until the service has let go.
//
// A hold that was there before, or that somebody began after the page's own had ended, is not the page's.

const HELD = "camera-service.held";

export class Holds {
  #connection;
  #model;
  /** Cameras: whether their start is under way, whether their stop is, and whether the hold was seen. */
  #held = new Map();

  constructor(connection, model) {
    this.#connection = connection;
    this.#model = model;
    for (const camera of JSON.parse(sessionStorage.getItem(HELD) ?? "[]")) this.#held.set(camera, note());
    model.on("cameras", () => this.#look());
    addEventListener("pagehide", () => {
      for (const camera of this.#held.keys()) connection.farewell("stop_camera", { camera });
    });
  }

  /** Opens a camera in a mode, and holds it open. */
  async start(camera, mode) {
    const own = this.#held.has(camera) || !this.#model.camera(camera)?.held_open;
    if (!own || this.#connection.state !== "open") {
      return this.#connection.request("start_camera", { camera, ...mode });
    }
    const held = { ...note(), asked: true };
    this.#held.set(camera, held);
    this.#keep();
    try {
      await this.#connection.request("start_camera", { camera, ...mode });
      held.asked = false;
    } catch (error) {
      // Begun it may have been all the same, and then it is done.
      held.asked = false;
      this.#end(camera, held);
      throw error;
    }
  }

  /** Ends all holds but those of cameras that `awaits` names. */
  release(awaits) {
    for (const [camera, held] of this.#held) if (!awaits(camera)) this.#end(camera, held);
  }

  /** The hold of this camera is not the page's any more. */
  forget(camera) {
    if (this.#held.delete(camera)) this.#keep();
  }

  async #end(camera, held) {
    if (held.asked || held.ending || !this.#canEnd(camera)) return;
    held.ending = true;
    try {
      await this.#connection.request("stop_camera", { camera });
      if (this.#held.get(camera) === held) this.forget(camera);
    } catch {
      // The note stays: it is tried again.
      held.ending = false;
    }
  }

  #canEnd(camera) {
    return this.#connection.state === "open" && this.#model.may("control") && this.#model.cameras.has(camera);
  }

  /** Somebody may have ended a hold: the next one is theirs. */
  #look() {
    for (const [camera, held] of this.#held) {
      const now = this.#model.camera(camera)?.held_open;
      if (held.seen && now === false && !held.asked) this.forget(camera);
      held.seen ||= Boolean(now);
    }
  }

  #keep() {
    sessionStorage.setItem(HELD, JSON.stringify([...this.#held.keys()]));
  }
}

const note = () => ({ asked: false, ending: false, seen: false });
