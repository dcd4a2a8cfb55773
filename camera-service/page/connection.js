// The connection to the bridge: made anew whenever it ends, for as long as the token is good, and by
// HTTP alone where WebSockets are refused.
//
// Told: `state`, `open` (what the token is for), `event` (of the service), `refused` (the token is not
// or no longer good).

import { Clock, ours } from "./clock.js";
import { Emitter } from "./emitter.js";
import { Fallback, bearer } from "./fallback.js";
import { Socket, failure } from "./socket.js";

/** Time until the next try, in ms: doubled each time, up to the last. */
const FIRST_WAIT = 400;
const LAST_WAIT = 8_000;
/** A try that has taken so long is replaced where there is reason to hope, in ms. */
const SLOW = 2_000;
/** Sockets that may fail where HTTP works, until HTTP alone is used. */
const TRIES = 2;
/** Time between two tries to get back from HTTP alone to a WebSocket, in ms. */
const RETURN = 30_000;
/** The bridge's code for connections whose token was revoked, or that a user has ended. */
const REVOKED = 4003;

export class Connection extends Emitter {
  clock = new Clock();
  /** `connecting`, `open`, `waiting` for the next try, or `ended`. */
  state = "connecting";
  #token;
  #link = null;
  #wait = FIRST_WAIT;
  #timer = 0;
  #failed = 0;
  /** When the present try began. */
  #began = 0;

  /** With a token, or `null` where none is needed. */
  constructor(token) {
    super();
    this.#token = token;
    addEventListener("online", () => this.retry());
    document.addEventListener("visibilitychange", () => document.hidden || this.retry());
  }

  /** Begins. */
  start() {
    this.#connect();
  }

  /** Ends it for good. */
  close() {
    this.#set("ended");
    clearTimeout(this.#timer);
    this.#link?.close();
    this.#link = null;
  }

  /** Tries at once, where the next try is waited for, or where the present one takes long. */
  retry() {
    const slow = this.state === "connecting" && ours() - this.#began > SLOW;
    if (this.state === "waiting" || slow) this.#connect();
  }

  /** Whether there is HTTP alone. */
  get limited() {
    return this.#link instanceof Fallback;
  }

  /** Asks the service. */
  request(type, fields) {
    return this.#open((link) => link.request(type, fields));
  }

  /** Asks while the page is left: nobody will hear the answer, and no link outlasts the page. */
  farewell(type, fields) {
    const headers = { "Content-Type": "application/json", ...bearer(this.#token) };
    const body = JSON.stringify({ type, ...fields });
    fetch("api/request", { method: "POST", keepalive: true, headers, body }).catch(() => {});
  }

  /** Opens a stream on the present link; resolves to `{link, stream, …}`. */
  openStream(camera, wish, sink) {
    return this.#open(async (link) => ({ link, ...(await link.openStream(camera, wish, sink)) }));
  }

  /** Makes this page a camera; resolves to `{link, publication, …}`. */
  publish(fields, sink) {
    return this.#open(async (link) => ({ link, ...(await link.publish(fields, sink)) }));
  }

  /** Gets what lies at a URL below /api, with the token. */
  fetch(url) {
    const headers = { Accept: "image/jpeg, application/json", ...bearer(this.#token) };
    return fetch(url, { cache: "no-store", headers });
  }

  async #open(use) {
    if (this.state === "open") return use(this.#link);
    throw failure({ kind: "stopping", message: "There is no connection to the computer at the moment" });
  }

  #connect() {
    clearTimeout(this.#timer);
    // What it still tells is told in vain.
    const before = this.#link;
    this.#link = null;
    before?.close();
    this.#began = ours();
    this.#set("connecting");
    this.#use(new (this.#failed >= TRIES ? Fallback : Socket)(this.#token, this.clock));
  }

  #use(link) {
    this.#link = link;
    link.on("open", (granted) => this.#opened(link, granted));
    link.on("event", (event) => this.#link === link && this.tell("event", event));
    link.on("closed", (end) => this.#link === link && this.#closed(link, end));
  }

  #opened(link, granted) {
    if (this.#link !== link) return;
    this.#wait = FIRST_WAIT;
    if (link instanceof Socket) this.#failed = 0;
    else this.#timer = setTimeout(() => this.#goBack(link), RETURN);
    this.#set("open");
    this.tell("open", granted);
  }

  async #closed(link, { code, kind, message, welcomed }) {
    this.#link = null;
    clearTimeout(this.#timer);
    // Who is only asked to wait (too many log-ins have failed, say) has a good token still.
    if (code === REVOKED || kind === "forbidden") {
      this.#set("ended");
      return this.tell("refused", { message, code });
    }
    this.#set("waiting", message);
    this.#timer = setTimeout(() => this.retry(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, LAST_WAIT);
    const unheard = link instanceof Socket && !welcomed && code === 1006;
    if (unheard && (await answers())) this.#failed += 1;
    else if (!unheard) this.#failed = 0;
  }

  /** Tries a WebSocket beside HTTP, and takes it where it opens. */
  #goBack(link) {
    const socket = new Socket(this.#token, this.clock);
    socket.on("open", (granted) => {
      if (this.#link !== link) return socket.close();
      link.close();
      this.#use(socket);
      this.#opened(socket, granted);
    });
    socket.on("closed", () => {
      if (this.#link === link) this.#timer = setTimeout(() => this.#goBack(link), RETURN);
    });
  }

  #set(state, message = "") {
    this.state = state;
    this.tell("state", { state, message });
  }
}

/** Whether HTTP works. */
async function answers() {
  try {
    return (await fetch("healthz", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}
