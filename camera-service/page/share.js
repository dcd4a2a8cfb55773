// Sharing this device's camera: which one, how large and fast, under which name; a preview; and a sign
// that cannot be overlooked for as long as it is on.

import { Broadcast } from "./broadcast.js";
import * as device from "./device.js";
import { byId, each, element, mark, say, show } from "./element.js";
import { wrong } from "./notices.js";
import * as words from "./words.js";

const NAME = "camera-service.name";

export class Share {
  #connection;
  #video = byId("preview");
  #broadcast;
  #stream = null;
  #facing = "user";
  #sharing = false;
  /** Each opening of a camera, and each end of one: what comes late belongs to an earlier turn. */
  #turn = 0;
  #opening = false;
  #lock = null;
  #title = document.title;

  constructor(connection) {
    this.#connection = connection;
    this.#broadcast = new Broadcast(connection, this.#video);
    this.#broadcast.on("changed", () => this.update());
    byId("share-name").value = localStorage.getItem(NAME) ?? device.defaultName();
    const change = (id, act) => byId(id).addEventListener("change", () => act().catch(wrong));
    change("share-camera", () => this.#reopen());
    change("share-size", () => this.#reopen());
    change("share-rate", () => this.#reopen());
    byId("share-name").addEventListener("change", ({ target }) => (target.value = device.asName(target.value)));
    byId("share-preview").addEventListener("click", () => this.#preview());
    byId("share-switch").addEventListener("click", () => this.#switch());
    byId("sign-stop").addEventListener("click", () => this.stop());
    byId("share-form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#sharing) this.stop();
      else this.#start();
    });
    connection.on("open", () => this.update());
    document.addEventListener("visibilitychange", () => this.#sharing && !document.hidden && this.#stayAwake());
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.#list());
    setInterval(() => this.#sharing && this.#figures(), 1_000);
    this.update();
  }

  /** Brings everything up to date. */
  update() {
    const obstacle = device.obstacle() || (this.#connection.limited ? LIMITED : "");
    const { state, message, camera, watchers } = this.#broadcast;
    say(byId("share-obstacle"), obstacle);
    show(byId("share-obstacle"), obstacle !== "");
    byId("share-fields").disabled = obstacle !== "";
    if (this.#sharing && state === "off") this.#close();
    const start = byId("share-start");
    say(start, this.#sharing ? "Stop sharing" : "Start sharing");
    start.classList.toggle("danger", this.#sharing);
    // The question whether the camera may be used can stay open for long; one is enough.
    start.disabled = this.#opening && !this.#sharing;
    byId("share-name").disabled = this.#sharing;
    say(byId("share-preview"), this.#stream ? "Close preview" : "Preview");
    byId("share-preview").disabled = this.#sharing || this.#opening;
    byId("share-switch").disabled = !this.#stream;
    show(byId("preview-empty"), !this.#stream);
    byId("preview-box").classList.toggle("on", this.#sharing);
    const status = {
      off: message,
      waiting: message,
      on: `On as ${camera}. ${watchers ? `${words.watchers(watchers)} now.` : "Nobody watches yet."}`,
    }[this.#sharing ? state : "off"];
    say(byId("share-status"), status);
    const tone = this.#sharing ? (state === "on" ? "live" : "attention") : message ? "wrong" : null;
    mark(byId("share-status"), "data-tone", tone);
    show(byId("sign"), this.#sharing);
    say(byId("sign-text"), state === "on" ? "Your camera is shared" : "Sharing waits");
    document.title = this.#sharing ? `● Shared: ${this.#title}` : this.#title;
    this.#figures();
  }

  #figures() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    const on = this.#sharing && this.#broadcast.state === "on";
    show(byId("share-figures"), Boolean(this.#stream && width));
    const rate = on && this.#broadcast.watchers ? `  ${this.#broadcast.rate().toFixed(0)} fps` : "";
    say(byId("share-figures"), width ? words.size({ width, height }) + rate : "");
  }

  async #start() {
    if (this.#opening) return;
    const name = device.asName(byId("share-name").value) || device.defaultName();
    byId("share-name").value = name;
    localStorage.setItem(NAME, name);
    try {
      if (!this.#stream && !(await this.#open())) return;
    } catch (error) {
      return wrong(error);
    }
    this.#sharing = true;
    this.#broadcast.start({ name, fps: this.#fps() });
    this.#stayAwake();
    this.update();
  }

  /** Ends it, and closes the camera. */
  stop() {
    this.#broadcast.stop();
    this.#close();
    this.update();
  }

  #close() {
    this.#turn += 1;
    this.#opening = this.#sharing = false;
    this.#lock?.release().catch(() => {});
    this.#lock = null;
    device.close(this.#stream);
    this.#stream = this.#video.srcObject = null;
  }

  async #preview() {
    if (this.#opening) return;
    if (this.#stream) this.#close();
    else await this.#open().catch(wrong);
    this.update();
  }

  /** Takes the other of front and back, or the next of several. */
  async #switch() {
    this.#facing = this.#facing === "user" ? "environment" : "user";
    const select = byId("share-camera");
    const now = this.#stream.getVideoTracks()[0].getSettings();
    const others = [...select.options].filter(({ value }) => value && value !== now.deviceId);
    // Phones name several back cameras; which one is meant by "back", they know best.
    select.value = now.facingMode || !others.length ? "" : others[0].value;
    await this.#reopen().catch(wrong);
  }

  async #reopen() {
    if (!this.#stream) return;
    try {
      if (!(await this.#open())) return;
    } catch (error) {
      this.stop();
      throw error;
    }
    if (this.#sharing) this.#broadcast.start({ name: byId("share-name").value, fps: this.#fps() });
    this.update();
  }

  /** Opens the camera that is wished. `false` where that was overtaken: it was stopped meanwhile, or opened anew. */
  async #open() {
    const [width, height] = byId("share-size").value.split("x").map(Number);
    const turn = ++this.#turn;
    // Many devices give one camera at a time.
    device.close(this.#stream);
    this.#stream = this.#video.srcObject = null;
    this.#opening = true;
    this.update();
    const wish = { device: byId("share-camera").value, facing: this.#facing, width, height, fps: this.#fps() };
    try {
      const stream = await device.open(wish);
      if (turn !== this.#turn) {
        // Nobody else knows of it, and its light would stay on.
        device.close(stream);
        return false;
      }
      await this.#take(stream);
    } catch (error) {
      if (turn !== this.#turn) return false;
      throw error;
    } finally {
      if (turn === this.#turn) this.#opening = false;
      this.update();
    }
    return turn === this.#turn;
  }

  /** Shows what comes of the camera. */
  async #take(stream) {
    this.#stream = this.#video.srcObject = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => {
      if (this.#stream !== stream) return;
      this.stop();
      wrong("The camera was taken away: it was unplugged, or another program has it now");
    });
    await this.#video.play();
    const facing = stream.getVideoTracks()[0].getSettings().facingMode;
    this.#video.classList.toggle("mirrored", facing === "user");
    await this.#list();
  }

  #fps() {
    return Number(byId("share-rate").value);
  }

  async #list() {
    const cameras = (await device.list().catch(() => [])) ?? [];
    const select = byId("share-camera");
    each(
      select,
      [{ id: "", label: "The usual one" }, ...cameras],
      ({ id }) => id,
      ({ id }) => element("option", { value: id }),
      (option, { label }) => say(option, label),
    );
    show(byId("share-switch"), cameras.length > 1);
  }

  /** A phone whose screen goes dark ends its camera. */
  async #stayAwake() {
    const lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
    // By now it may be over, or asked for twice.
    if (!this.#sharing || this.#lock?.released === false) return lock?.release().catch(() => {});
    this.#lock = lock;
  }
}

const LIMITED =
  "Sharing needs a WebSocket, which this browser refuses here, as some do after a certificate warning. " +
  "Use another browser, or have the device trust the computer's certificate.";
