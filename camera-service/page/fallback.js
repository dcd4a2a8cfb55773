// In place of a WebSocket where there can be none: requests by POST, frames by multipart over fetch,
// changes by asking every other second. Has the same face as socket.js, except that it cannot publish.

import { Emitter } from "./emitter.js";
import { ours } from "./clock.js";
import { failure } from "./socket.js";
import { read } from "./mjpeg.js";

/** Time between two looks at what has changed, in ms. */
const LOOK = 2_000;
/** How long an answer may take, in ms. */
const ANSWER = 20_000;

export class Fallback extends Emitter {
  #token;
  #clock;
  #ended = new AbortController();
  #streams = new Map();
  #next = 1;
  /** The camera whose controls were asked for last, and each of them as text. */
  #watched = null;
  #known = new Map();

  constructor(token, clock) {
    super();
    this.#token = token;
    this.#clock = clock;
    this.#begin();
  }

  get publishes() {
    return false;
  }

  get backlog() {
    return 0;
  }

  close() {
    this.#ended.abort();
    for (const stream of [...this.#streams.keys()]) this.closeStream(stream);
  }

  async request(type, fields = {}) {
    const signal = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(ANSWER)]);
    const response = await this.#fetch("api/request", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ type, ...fields }),
      signal,
    });
    if (!response.ok) throw failure(await problem(response));
    const { ok, result, error } = await response.json();
    if (!ok) throw failure(error);
    if (type === "list_controls") this.#controls(fields.camera, result);
    return result;
  }

  async openStream(camera, wish, sink) {
    const stream = this.#next++;
    const query = new URLSearchParams(wish);
    const url = `api/cameras/${encodeURIComponent(camera)}/stream.mjpeg?${query}`;
    const stop = new AbortController();
    const response = await this.#fetch(url, { signal: stop.signal });
    if (!response.ok) throw failure(await problem(response));
    this.#streams.set(stream, stop);
    this.#read(stream, response, sink);
    return { stream, camera, mode: null, native: null, rung: 0 };
  }

  closeStream(stream) {
    this.#streams.get(stream)?.abort();
    this.#streams.delete(stream);
  }

  acknowledge() {}

  async publish() {
    throw failure({ kind: "unsupported", message: "Sharing a camera needs a WebSocket" });
  }

  async #read(stream, response, sink) {
    let error = { kind: "lost", message: "The stream has ended" };
    let sequence = 0n;
    try {
      await read(response.body, ({ time, jpeg }) => {
        sequence += 1n;
        if (this.#streams.has(stream)) sink.frame({ stream, sequence, time, dropped: 0, jpeg });
      });
    } catch (problem) {
      error = { kind: "lost", message: problem.message };
    }
    if (this.#streams.delete(stream)) sink.event({ event: "stream_ended", stream, error });
  }

  async #begin() {
    try {
      this.tell("open", await this.request("who_am_i"));
      for (let count = 0; !this.#ended.signal.aborted; count++) {
        await this.#look(count);
        await new Promise((resolve) => setTimeout(resolve, LOOK));
      }
    } catch (error) {
      if (this.#ended.signal.aborted) return;
      this.close();
      const { kind = "stopping", message } = error;
      this.tell("closed", { kind, message, code: 1006, welcomed: false });
    }
  }

  async #look(count) {
    if (count % 5 === 0) {
      const asked = ours();
      const { unix_ms } = await this.request("time");
      this.#clock.sample(asked, ours(), unix_ms);
    }
    const me = await this.request("who_am_i");
    const may = (scope) => me.scopes.includes(scope);
    if (!may("watch")) return;
    const cameras = await this.request("list_cameras");
    const clients = may("control") ? await this.request("list_clients") : [];
    const privacy_off = cameras.some(({ state }) => state === "blocked");
    this.tell("event", { event: "state", cameras, clients, privacy_off });
    const watched = this.#watched;
    const there = cameras.some(({ id, present }) => id === watched && present);
    if (!there || !may("control")) return;
    const before = new Map(this.#known);
    const controls = await this.request("list_controls", { camera: watched }).catch(() => []);
    for (const control of controls) {
      if (before.get(control.name) === JSON.stringify(control)) continue;
      this.tell("event", { event: "control_changed", camera: watched, control });
    }
  }

  #controls(camera, controls) {
    this.#watched = camera;
    this.#known = new Map(controls.map((control) => [control.name, JSON.stringify(control)]));
  }

  async #fetch(url, options) {
    const headers = { Accept: "application/json", ...options.headers, ...bearer(this.#token) };
    const response = await fetch(url, { cache: "no-store", ...options, headers });
    if (response.status === 401) throw failure({ kind: "forbidden", ...(await problem(response)) });
    return response;
  }
}

/** The headers that show a token, if there is one. */
export const bearer = (token) => (token ? { Authorization: `Bearer ${token}` } : {});

/** What a response that is no success says. */
export async function problem(response) {
  const text = await response.text().catch(() => "");
  let said = {};
  try {
    said = JSON.parse(text);
  } catch {
    if (text.length < 300) said = { message: text.trim() };
  }
  const error = said.error ?? said;
  const message = error.message || `The computer answered ${response.status} ${response.statusText}`;
  return { kind: error.kind ?? "internal", message };
}
