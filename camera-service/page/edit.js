// One control while a user changes it: at most one value an animation frame and one at a time is sent;
// while it is under way only the latest wish is kept, so that a drag ends on exactly its last value.

export class Edit {
  /** Why the last value was refused. */
  refused = "";
  #send;
  #changed;
  #sent;
  #next;
  #busy = false;

  /** `send(value)` resolves once the camera has taken it; `changed()` is told when there is something to show. */
  constructor(send, changed) {
    this.#send = send;
    this.#changed = changed;
  }

  /** The user wishes a value. */
  wish(value) {
    this.#next = value;
    this.refused = "";
    if (!this.#busy) this.#run();
    this.#changed();
  }

  /** The value to show: the wish while it is under way, else the true one. */
  shown(value) {
    return this.#next ?? this.#sent ?? value;
  }

  /** Whether a value is under way. */
  get pending() {
    return this.#busy;
  }

  async #run() {
    this.#busy = true;
    while (this.#next !== undefined) {
      await new Promise(document.hidden ? setTimeout : requestAnimationFrame);
      this.#sent = this.#next;
      this.#next = undefined;
      try {
        await this.#send(this.#sent);
      } catch (error) {
        // A refusal of a value that the user has moved on from says nothing about the next.
        if (this.#next === undefined) this.refused = error.message;
      }
      this.#sent = undefined;
    }
    this.#busy = false;
    this.#changed();
  }
}
