// The page: puts its parts together and shows what the token is for.

import { Cameras } from "./cameras.js";
import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { byId, say, show } from "./element.js";
import { Login } from "./login.js";
import { Model } from "./model.js";
import { Modes } from "./modes.js";
import { Panels } from "./panels.js";
import { Presets } from "./presets.js";
import { Privacy } from "./privacy.js";
import { Share } from "./share.js";
import { Stage } from "./stage.js";
import { Watchers } from "./watchers.js";
import { sentence } from "./words.js";

const SELECTED = "camera-service.selected";
/** The bridge's code for a token that was revoked, or a client that was sent away. */
const REVOKED = 4003;
/** A connection that is back within this time was never missed, in ms. */
const BLINK = 700;

const login = new Login(enter);
let connection = null;

/** Tries a token; everything on the page belongs to its connection. */
function enter(token) {
  // Parts hold listeners of the page: another token begins with another page.
  if (connection) return location.reload();
  connection = new Connection(token);
  const model = new Model();
  const panels = new Panels();
  const modes = new Modes(connection, model);
  const stage = new Stage(connection, model, modes, select);
  const cameras = new Cameras(model, select);
  const controls = new Controls(connection, model);
  const presets = new Presets(connection, model);
  const privacy = new Privacy(connection, model);
  const watchers = new Watchers(model);
  const share = new Share(connection);
  let selected = sessionStorage.getItem(SELECTED);
  let shown;

  function select(camera) {
    selected = camera;
    sessionStorage.setItem(SELECTED, camera);
    display(camera);
  }

  function display(camera) {
    shown = camera;
    cameras.selected(camera);
    stage.selected(camera);
    controls.select(camera);
    presets.select(camera);
  }

  panels.on("changed", () => stage.update());
  connection.on("event", (event) => model.apply(event));
  connection.on("state", ({ state, message }) => tellState(state, message));
  connection.on("refused", ({ message, code }) => {
    share.stop();
    login.ask(sentence(message), code === REVOKED);
  });
  connection.on("open", (granted) => {
    model.granted = granted;
    document.body.dataset.screen = "app";
    document.body.dataset.scopes = granted.scopes.join(" ");
    const panelsOf = { watch: ["cameras"], control: ["controls", "watchers"], publish: ["share"] };
    panels.allow(["watch", "control", "publish"].filter((scope) => model.may(scope)).flatMap((scope) => panelsOf[scope]));
    show(byId("stage"), model.may("watch"));
    say(byId("who"), token ? `Connected as ${granted.name}` : "Anybody at this computer may watch.");
    show(byId("log-in"), !token);
    for (const part of [privacy, watchers, share]) part.update();
    // After a reconnection nothing that was known need be true.
    if (model.known) display(shown);
  });
  model.on("cameras", () => {
    // One that is watched may come back, as a phone's does.
    const wanted = selected ?? shown ?? null;
    const stays = model.cameras.has(wanted) || stage.watches(wanted);
    const there = stays ? wanted : (model.cameras.keys().next().value ?? null);
    if (there !== shown) display(there);
  });
  connection.start();
}

let blink = 0;
let why = "";

function tellState(state, message) {
  const banner = byId("banner");
  const tell = () => {
    document.body.dataset.link = blink ? "lost" : "there";
    show(banner, blink !== 0);
    say(banner, blink ? `Connecting to the computer… ${why}` : "");
  };
  // One that is tried again still has its reason.
  if (state === "waiting") why = sentence(message);
  if (state === "open" || state === "ended") {
    clearTimeout(blink);
    [blink, why] = [0, ""];
    tell();
  } else if (!banner.hidden) {
    tell();
  } else {
    blink ||= setTimeout(tell, BLINK);
  }
}

login.begin();
