// One canvas and what is drawn on it: always the newest frame. Images are decoded beside the page's own
// thread; what comes meanwhile replaces what waits.

/** What the rate is taken over, in ms. */
const SPAN = 2_000;

export class Picture {
  canvas = document.createElement("canvas");
  /** The image that is on the canvas. */
  jpeg = null;
  #context = this.canvas.getContext("2d", { alpha: false });
  #clock;
  #finished;
  #next = null;
  #busy = false;
  #drawn = [];
  #latencies = [];
  #dropped = 0;

  /** `finished(frame)` is called with each frame once it is drawn, or passed over. */
  constructor(clock, finished) {
    this.#clock = clock;
    this.#finished = finished;
    this.canvas.width = 16;
    this.canvas.height = 9;
  }

  /** Another frame. */
  push(frame) {
    this.#dropped += frame.dropped;
    if (this.#next) {
      this.#dropped += 1;
      this.#finished(this.#next);
    }
    this.#next = frame;
    if (!this.#busy) this.#draw();
  }

  /** Forgets what was counted and what waits: another stream begins. */
  restart() {
    this.#next = null;
    this.#drawn = [];
    this.#latencies = [];
    this.#dropped = 0;
  }

  /** `{width, height, fps, latency (ms or null), dropped}`, or `null` before the first frame. */
  figures() {
    if (!this.jpeg) return null;
    const now = performance.now();
    while (this.#drawn.length && this.#drawn[0] < now - SPAN) this.#drawn.shift();
    const [first, last] = [this.#drawn[0], this.#drawn.at(-1)];
    const fps = this.#drawn.length > 1 ? ((this.#drawn.length - 1) * 1000) / (last - first) : 0;
    const sorted = [...this.#latencies].sort((a, b) => a - b);
    const latency = sorted.length ? sorted[sorted.length >> 1] : null;
    return { width: this.canvas.width, height: this.canvas.height, fps, latency, dropped: this.#dropped };
  }

  async #draw() {
    this.#busy = true;
    while (this.#next) {
      const frame = this.#next;
      this.#next = null;
      // A damaged image leaves the one before it.
      const bitmap = await createImageBitmap(frame.jpeg).catch(() => null);
      if (bitmap) this.#show(bitmap, frame);
      this.#finished(frame);
    }
    this.#busy = false;
  }

  #show(bitmap, frame) {
    const { canvas } = this;
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
    }
    this.#context.drawImage(bitmap, 0, 0);
    bitmap.close();
    this.jpeg = frame.jpeg;
    this.#drawn.push(performance.now());
    const now = this.#clock.now();
    if (now === null || !(frame.time > 0)) return;
    // What the clocks disagree by may exceed a very short latency.
    this.#latencies.push(Math.max(0, now - frame.time));
    if (this.#latencies.length > 30) this.#latencies.shift();
  }
}

/** Keeps an image as a file of the user's. */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

