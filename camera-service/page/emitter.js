// Something that others listen to.

export class Emitter {
  #listeners = new Map();

  /** Calls `listener` with what is told under `name`. Returns what ends that. */
  on(name, listener) {
    const all = this.#listeners.get(name) ?? this.#listeners.set(name, new Set()).get(name);
    all.add(listener);
    return () => all.delete(listener);
  }

  /** Tells everybody who listens to `name`. */
  tell(name, value) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(value);
  }
}
