// The service's clock as this page sees it. Both ends' clocks differ; a question and its answer bound
// by how much, the more narrowly the less time they took.

/** Questions that count: clocks drift, so old answers go. */
const KEPT = 8;

export class Clock {
  #samples = [];

  /** The service answered that it was `theirs` (unix ms) between `asked` and `answered` (ours). */
  sample(asked, answered, theirs) {
    this.#samples.push({ took: answered - asked, offset: theirs - (asked + answered) / 2 });
    if (this.#samples.length > KEPT) this.#samples.shift();
  }

  /** The service's time now, in unix ms; `null` before the first answer. */
  now() {
    if (!this.#samples.length) return null;
    const best = this.#samples.reduce((a, b) => (b.took < a.took ? b : a));
    return ours() + best.offset;
  }
}

/** This machine's time in unix ms, as exact as browsers let it be. */
export const ours = () => performance.timeOrigin + performance.now();
