// A mode that is chosen has the camera held open for a moment. Whatever becomes of the page in that
// moment, the hold ends; what others hold open stays so.

import assert from "node:assert/strict";
import { test } from "node:test";
import { command, json, live, newToken, open, until } from "./harness.js";
import { link } from "./link.js";

/** Browsers log every connection that is lost; and no token can be put into the memory of an empty page. */
const LOST = [/WebSocket connection|ERR_CONNECTION|ERR_EMPTY|ERR_INCOMPLETE|Failed to load resource/, /'sessionStorage'/];

const info = () => json("info", "test:0");
const letGo = () => until("the hold to end", async () => !(await info()).held_open);
const size = (page) => page.getByLabel("Size of the camera's mode");

/** A page by a link, on which a mode is chosen for a closed camera. */
async function chosen() {
  await command("stop", "test:0");
  await until("the camera to be closed", async () => (await info()).state === "closed");
  const way = await link();
  const { token } = await newToken("watch", "control");
  const opened = await open({ token, url: way.url, expected: LOST });
  await size(opened.page).selectOption("640x480");
  return { way, ...opened };
}

/** It is opened in that mode, which the page never hears. */
async function begun() {
  const opened = await chosen();
  opened.way.deaf = true;
  await opened.page.locator('.view[data-camera="test:0"] .watch').click();
  await until("the camera to be held open", async () => (await info()).held_open);
  return opened;
}

test("the link is lost while the camera opens", async () => {
  const { way, page, close } = await begun();
  way.cut();
  await live(page);
  await letGo();
  assert.equal((await info()).mode.width, 640, "it is watched in the mode that was chosen");

  // What a user has started since then is that user's.
  await command("start", "test:0");
  await page.reload();
  await live(page);
  assert.ok((await info()).held_open);
  await close();
  assert.ok((await info()).held_open);
  await command("stop", "test:0");
  way.close();
});

test("the tab is closed while the camera opens", async () => {
  const { way, page, close } = await begun();
  await page.close();
  await letGo();
  await close();
  way.close();
});

test("the page is left without a link while the camera opens, and opened again", async () => {
  const { way, page, close } = await begun();
  way.shut = true;
  await page.goto("about:blank");
  assert.ok((await info()).held_open, "nobody could tell the service");
  way.cut();
  await page.goto(way.url);
  await letGo();
  await close();
  way.close();
});

test("what a user holds open stays so in another mode", async () => {
  await command("start", "test:0", "--size", "320x240");
  const way = await link();
  const { page, close } = await open({ token: (await newToken("watch", "control")).token, url: way.url, expected: LOST });
  await size(page).selectOption("640x480");
  await until("the mode", async () => (await info()).mode?.width === 640);
  await close();
  await until("nobody to be there", async () => (await json("clients")).every(({ remote }) => !remote));
  assert.ok((await info()).held_open);
  await command("stop", "test:0");
  way.close();
});
