// The bridge or the service goes and comes back: the page goes on by itself.

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { json, live, newToken, open, until, watch } from "./harness.js";
import { link } from "./link.js";
import { readStrips } from "./strip.js";

/** Browsers log every connection that is refused or lost. */
const LOST = [/WebSocket connection|ERR_CONNECTION|ERR_EMPTY|ERR_INCOMPLETE|Failed to load resource/];

async function moves(page) {
  const selector = '.view[data-camera="test:0"] canvas';
  const { strips } = await page.evaluate(readStrips, { selector, milliseconds: 1_000 });
  assert.ok(strips.length >= 5, `${strips.length} pictures in a second`);
}

test("the bridge is killed", async (t) => {
  const { page, close } = await open({ token: (await newToken("watch", "control")).token, expected: LOST });
  await watch(page);
  const { pid } = await json("bridge", "status");
  const killed = Date.now();
  process.kill(pid, "SIGKILL");
  await page.locator('.view[data-condition="interrupted"]').waitFor();
  await live(page);
  t.diagnostic(`live again after ${Date.now() - killed} ms`);
  await moves(page);
  await close();
});

test("the service is started anew", async (t) => {
  const { page, close } = await open({ token: (await newToken("watch", "control")).token, expected: LOST });
  await watch(page);
  const began = Date.now();
  writeFileSync(process.env.PAGE_RESTART, "");
  await page.locator('.view[data-condition="interrupted"]').waitFor();
  await page.getByText("Connecting to the computer…").first().waitFor();
  await until("the service to be back", () => !existsSync(process.env.PAGE_RESTART));
  await live(page);
  t.diagnostic(`live again after ${Date.now() - began} ms`);
  await page.locator("#banner").waitFor({ state: "hidden" });
  await moves(page);
  await close();
});

test("a connection on which nothing comes is given up", async (t) => {
  const way = await link();
  const { page, close } = await open({ token: (await newToken("watch")).token, url: way.url, expected: LOST });
  await watch(page);
  way.silent = 2;
  way.cut();
  await until("the first try", () => way.sockets.length === 2);
  // A network that is back is no reason to replace a try that has only begun, and one to replace an old one.
  await until("the second try", async () => {
    await page.evaluate(() => dispatchEvent(new Event("online")));
    return way.sockets.length === 3;
  });
  const [, first, second] = way.sockets;
  t.diagnostic(`replaced after ${second - first} ms`);
  assert.ok(second - first > 1_500 && second - first < 9_000, `replaced after ${second - first} ms`);
  await live(page);
  t.diagnostic(`given up after ${way.sockets[3] - second} ms`);
  await page.locator("#banner").waitFor({ state: "hidden" });
  await close();
  way.close();
});
