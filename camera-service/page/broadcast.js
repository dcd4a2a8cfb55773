// Makes a video element's picture a camera of the service: JPEG images, each sent on credit and when the
// network has taken the one before, so that a slow uplink lowers the rate and builds no delay. Published
// again, under the same name, whenever the connection comes back.
//
// Told: `changed`.

import { Emitter } from "./emitter.js";
import { ours } from "./clock.js";
import { reason } from "./words.js";

/** Quality of the images; in steps of a browser's encoder, about what webcams deliver. */
const QUALITY = 0.8;
/** Time until a refused name is asked for again, in ms, doubled each time up to the last: the camera
 * that this was before may not be gone yet. */
const FIRST_WAIT = 150;
const LAST_WAIT = 5_000;
/** What the rate is taken over, in ms. */
const SPAN = 2_000;
/** After this time without a word of a frame the video is looked at unasked, in ms: not every browser
 * tells of frames that are not seen. */
const SILENCE = 250;

export class Broadcast extends Emitter {
  /** `off`, `waiting` (for the connection, or the name), `on`. */
  state = "off";
  /** Why it waits. */
  message = "";
  /** The camera that it is. */
  camera = "";
  watchers = 0;
  #connection;
  #video;
  #wish = null;
  #link = null;
  #publication = null;
  #size = null;
  /** What was asked for last. */
  #asked = "";
  #credit = 0;
  #sequence = 0;
  #fresh = null;
  #last = 0;
  #told = 0;
  #busy = false;
  #bytes = 0;
  #attempt = 0;
  #timer = 0;
  #wait = FIRST_WAIT;
  #sent = [];
  #canvas = document.createElement("canvas");

  constructor(connection, video) {
    super();
    this.#connection = connection;
    this.#video = video;
    connection.on("open", () => this.#wish && this.#publish());
    // A phone that is turned has a picture of another shape, which is another mode.
    video.addEventListener("resize", () => this.#wish && video.videoWidth && this.#refresh());
    this.#listen();
    setInterval(() => ours() - this.#told > SILENCE && this.#arrived(), SILENCE);
  }

  /** Begins; `{name, fps}`. The video must have a picture. */
  start(wish) {
    this.#wish = wish;
    this.#refresh();
  }

  /** Ends it. */
  stop() {
    this.#wish = null;
    this.#drop();
    this.#become("off");
  }

  /** Pictures a second that are sent. */
  rate() {
    const now = performance.now();
    this.#sent = this.#sent.filter((time) => time > now - SPAN);
    const [first, last] = [this.#sent[0], this.#sent.at(-1)];
    return this.#sent.length > 1 ? ((this.#sent.length - 1) * 1000) / (last - first) : 0;
  }

  async #publish() {
    const dropped = this.#drop();
    this.#become("waiting", "Connecting…");
    const attempt = this.#attempt;
    // Else the name would still be taken.
    await dropped;
    if (attempt !== this.#attempt || this.#connection.state !== "open") return;
    const { width, height } = this.#pictureSize();
    this.#asked = this.#wanted();
    if (!width) return this.#again("The camera has no picture yet.");
    this.#size = { width, height };
    const sink = {
      demand: ({ watchers, credit }) => {
        if (attempt !== this.#attempt) return;
        this.watchers = watchers;
        this.#credit += credit;
        this.tell("changed");
        this.#pump();
      },
      ended: (error) => attempt === this.#attempt && this.#ended(error),
    };
    // Demand may come before the answer is looked at.
    this.#credit = this.watchers = 0;
    try {
      const { name, fps } = this.#wish;
      const published = await this.#connection.publish({ name, width, height, fps }, sink);
      if (attempt !== this.#attempt) return published.link.stopPublishing(published.publication).catch(() => {});
      [this.#link, this.#publication, this.camera] = [published.link, published.publication, published.camera];
      this.#wait = FIRST_WAIT;
      this.#become("on");
      this.#pump();
    } catch (error) {
      if (attempt === this.#attempt) this.#refused(error);
    }
  }

  #refused(error) {
    // Who may not, or is asked for what there cannot be, need not ask again.
    if (["forbidden", "invalid", "unsupported"].includes(error.kind)) {
      this.stop();
      this.message = reason(error);
      return this.tell("changed");
    }
    this.#again(reason(error));
  }

  #ended(error) {
    this.#link = this.#publication = null;
    if (error) this.#refused(error);
    else this.#become("waiting", "Connecting…");
  }

  #again(message) {
    this.#become("waiting", message);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#wish && this.#publish(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LAST_WAIT);
  }

  /** Ends the present publication; resolves once that is done. */
  #drop() {
    clearTimeout(this.#timer);
    this.#attempt += 1;
    const [link, publication] = [this.#link, this.#publication];
    this.#link = this.#publication = null;
    return publication === null ? null : link.stopPublishing(publication).catch(() => {});
  }

  /** Publishes anew where what is published is not what is wished. */
  #refresh() {
    if (this.state === "off" || this.#asked !== this.#wanted()) this.#publish();
  }

  #wanted() {
    return JSON.stringify({ ...this.#wish, ...this.#pictureSize() });
  }

  #pictureSize() {
    return { width: this.#video.videoWidth, height: this.#video.videoHeight };
  }

  /** Is told of every frame of the video, where the browser can. */
  #listen() {
    const next = () => {
      if (this.#video.requestVideoFrameCallback) this.#video.requestVideoFrameCallback(next);
      else setTimeout(next, 1000 / (this.#wish?.fps ?? 30));
      this.#told = ours();
      this.#arrived();
    };
    next();
  }

  #arrived() {
    if (!this.#publication || this.#video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    this.#fresh = { time: this.#connection.clock.now() ?? 0, at: ours() };
    this.#pump();
  }

  async #pump() {
    if (this.#busy || !this.#fresh || this.#publication === null) return;
    if (this.#credit < 1 || this.watchers < 1 || this.#link.backlog > this.#bytes) return;
    // A little early is better than a frame late: frames come at the camera's own pace.
    if (this.#fresh.at - this.#last < 900 / this.#wish.fps) return;
    const { time, at } = this.#fresh;
    const [link, publication, { width, height }] = [this.#link, this.#publication, this.#size];
    this.#fresh = null;
    this.#last = at;
    this.#busy = true;
    const jpeg = await this.#encode(width, height);
    this.#busy = false;
    if (jpeg && publication === this.#publication && link === this.#link) {
      this.#credit -= 1;
      this.#sequence += 1;
      this.#bytes = jpeg.size;
      link.sendFrame({ publication, sequence: this.#sequence, time, width, height }, jpeg);
      this.#sent.push(performance.now());
    }
    this.#pump();
  }

  #encode(width, height) {
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#canvas.getContext("2d", { alpha: false }).drawImage(this.#video, 0, 0, width, height);
    return new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", QUALITY));
  }

  #become(state, message = "") {
    [this.state, this.message] = [state, message];
    this.tell("changed");
  }
}
