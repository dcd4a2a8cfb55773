// multipart/x-mixed-replace read with fetch, since an <img> can send no token: the way to watch where
// a browser refuses WebSockets, as iOS does behind a certificate warning.

/** More than any image has; a stream without end is no image. */
const LARGEST = 64 * 1024 * 1024;
const HEAD_END = [13, 10, 13, 10];

/** Reads parts until the body ends, and calls `frame({time, jpeg})` with each; `time` in unix ms. */
export async function read(body, frame) {
  const parser = new Parser(frame);
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parser.push(value);
  }
}

/** Takes bytes as they come. */
export class Parser {
  #frame;
  #buffer = new Uint8Array(256 * 1024);
  #length = 0;
  #head = null;

  constructor(frame) {
    this.#frame = frame;
  }

  /** More bytes. Fails where they are no such stream. */
  push(bytes) {
    this.#keep(bytes);
    let from = 0;
    for (let used; (used = this.#part(from)) > 0; ) from += used;
    this.#buffer.copyWithin(0, from, this.#length);
    this.#length -= from;
  }

  /** Takes a head, or the image behind it; the number of bytes that it had, 0 where some are missing. */
  #part(from) {
    if (!this.#head) {
      const end = this.#find(HEAD_END, from);
      if (end < 0) return 0;
      const text = new TextDecoder().decode(this.#buffer.subarray(from, end));
      const length = Number(/^content-length: *(\d+)/im.exec(text)?.[1] ?? NaN);
      if (!(length <= LARGEST)) throw new Error("a part of the stream does not say how long it is");
      const time = Number(/^x-timestamp: *([\d.]+)/im.exec(text)?.[1] ?? NaN) * 1000;
      this.#head = { length, time };
      return end + HEAD_END.length - from;
    }
    const { length, time } = this.#head;
    if (this.#length - from < length) return 0;
    this.#head = null;
    this.#frame({ time, jpeg: new Blob([this.#buffer.slice(from, from + length)], { type: "image/jpeg" }) });
    return length;
  }

  #keep(bytes) {
    const needed = this.#length + bytes.length;
    if (needed > 2 * LARGEST) throw new Error("a part of the stream has no end");
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = needed;
  }

  #find(what, from) {
    for (let at = this.#buffer.indexOf(what[0], from); at >= 0 && at + what.length <= this.#length; ) {
      if (what.every((byte, index) => this.#buffer[at + index] === byte)) return at;
      at = this.#buffer.indexOf(what[0], at + 1);
    }
    return -1;
  }
}
