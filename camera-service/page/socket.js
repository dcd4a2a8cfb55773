// One WebSocket connection to the bridge, from its handshake to its end: camera.v1.json.
//
// Told: `open` (what the token is for), `event`, `closed {code, kind, message, welcomed}`.

import { Emitter } from "./emitter.js";
import { ours } from "./clock.js";
import * as frames from "./frames.js";

/** How long it may take until the service has let this page in, in ms. */
const WELCOME = 10_000;
/** How long an answer may take, in ms. */
const ANSWER = 20_000;
/** Time between two questions for the time, and how long nothing at all may come after one, in ms. */
const PULSE = 5_000;
const SILENCE = 10_000;

export class Socket extends Emitter {
  #socket;
  #token;
  #clock;
  #next = 1;
  #waiting = new Map();
  #streams = new Map();
  #publications = new Map();
  #welcomed = false;
  #late;
  #error = null;
  #heard = 0;

  /** Begins to connect. `clock` learns the service's time. */
  constructor(token, clock) {
    super();
    this.#token = token;
    this.#clock = clock;
    const url = new URL("ws", document.baseURI);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.#socket = new WebSocket(url, "camera.v1.json");
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onmessage = ({ data }) => {
      this.#heard = ours();
      if (typeof data === "string") this.#text(JSON.parse(data));
      else this.#frame(data);
    };
    this.#socket.onclose = ({ code, reason }) => this.#ended(code, reason);
    // Browsers wait for minutes on a network that swallows everything, and for ever once it is open.
    this.#late = setTimeout(() => this.#ended(1006, "The computer does not answer"), WELCOME);
  }

  /** Frames may be published on it. */
  get publishes() {
    return true;
  }

  /** Ends it. */
  close() {
    this.#socket.close(1000);
  }

  /** Asks; resolves to the result, rejects with an Error that has `kind`. */
  request(type, fields = {}, answered = () => {}) {
    const id = String(this.#next++);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(failure({ kind: "timeout", message: "The computer did not answer in time" }));
      }, ANSWER);
      this.#waiting.set(id, { timer, reject, resolve: (result) => (answered(result), resolve(result)) });
      this.#send("request", { id, type, ...fields });
    });
  }

  /** Opens a stream; `sink` has `frame` and `event`. Resolves to `{stream, mode, native, rung}`. */
  openStream(camera, wish, sink) {
    // At once with the answer: the first frame comes right behind it.
    const keep = ({ stream }) => this.#streams.set(stream, sink);
    return this.request("open_stream", { camera, adaptive: true, ...wish }, keep);
  }

  /** Ends a stream. */
  closeStream(stream) {
    if (!this.#streams.delete(stream)) return;
    this.request("close_stream", { stream }).catch(() => {});
  }

  /** The frame was shown, or passed over: the next one may come. */
  acknowledge(stream, sequence) {
    // A number that JSON keeps exactly: 2^53 frames are 9 million years.
    if (this.#streams.has(stream)) this.#send("ack", { stream, sequence: Number(sequence) });
  }

  /** Makes this page a camera; `sink` has `demand` and `ended`. Resolves to `{camera, publication}`. */
  publish(fields, sink) {
    const keep = ({ publication }) => this.#publications.set(publication, sink);
    return this.request("publish", fields, keep);
  }

  /** Is a camera no longer. */
  async stopPublishing(publication) {
    this.#publications.delete(publication);
    await this.request("stop_publishing", { publication });
  }

  /** Sends a frame of a publication. */
  sendFrame(frame, jpeg) {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(new Blob([frames.header({ ...frame, length: jpeg.size }), jpeg]));
  }

  /** Bytes of frames that the network has not taken yet. */
  get backlog() {
    return this.#socket.bufferedAmount;
  }

  #send(op, d) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ op, d }));
  }

  #text({ op, d }) {
    switch (op) {
      case "hello":
        return this.#send("identify", { token: this.#token });
      case "identified":
        this.#welcomed = true;
        clearTimeout(this.#late);
        this.#beat();
        return this.tell("open", d);
      case "response":
        return this.#response(d);
      case "event":
        return this.#event(d);
      case "demand":
        return this.#publications.get(d.publication)?.demand(d);
      case "error":
        this.#error = d;
        return;
    }
  }

  #response({ id, ok, result, error }) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    if (ok) waiting.resolve(result);
    else waiting.reject(failure(error));
  }

  #event(event) {
    if (event.publication != null) {
      const sink = this.#publications.get(event.publication);
      this.#publications.delete(event.publication);
      sink?.ended(event.error);
    } else if (event.stream != null) {
      const sink = this.#streams.get(event.stream);
      if (event.event === "stream_ended") this.#streams.delete(event.stream);
      sink?.event(event);
    } else {
      this.tell("event", event);
    }
  }

  #frame(message) {
    const frame = frames.read(message);
    // Frames of a stream that was just closed are still under way.
    this.#streams.get(frame.stream)?.frame(frame);
  }

  /** Asks for the time now and then, and finds out that a connection is dead which nobody closed. */
  async #beat() {
    for (let count = 0; this.#welcomed; count++) {
      const asked = ours();
      const silent = setInterval(() => {
        // Behind frames the answer may be late; then they are heard of.
        const quiet = ours() - Math.max(asked, this.#heard);
        if (quiet > SILENCE) this.#ended(1006, "The connection has gone silent");
      }, 1_000);
      const answer = await this.request("time").catch(() => null);
      clearInterval(silent);
      if (answer) this.#clock.sample(asked, ours(), answer.unix_ms);
      await new Promise((resolve) => setTimeout(resolve, count < 3 ? 300 : PULSE));
    }
  }

  #ended(code, reason) {
    const socket = this.#socket;
    if (!socket.onclose) return;
    socket.onclose = socket.onmessage = null;
    clearTimeout(this.#late);
    socket.close();
    const welcomed = this.#welcomed;
    this.#welcomed = false;
    const error = { kind: "stopping", message: reason || "The connection to the computer was lost", ...this.#error };
    for (const { timer, reject } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(failure(error));
    }
    this.#waiting.clear();
    this.#streams.clear();
    const publications = [...this.#publications.values()];
    this.#publications.clear();
    for (const sink of publications) sink.ended(null);
    this.tell("closed", { ...error, code, welcomed });
  }
}

/** An error of the service's as JavaScript has errors. */
export function failure({ kind, message }) {
  return Object.assign(new Error(message), { kind });
}
