// A browser that refuses WebSockets, as iOS does behind a certificate warning, watches and controls all
// the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { command, json, newToken, open, until, watch } from "./harness.js";
import { latency, readStrips } from "./strip.js";

/** Has the browser fail every WebSocket, in the way in which iOS does: an error and a close without a reason. */
const refuse = (page) =>
  page.addInitScript(() => {
    window.WebSocket = class extends EventTarget {
      static OPEN = 1;
      readyState = 3;
      constructor() {
        super();
        setTimeout(() => this.onclose?.({ code: 1006, reason: "" }), 5);
      }
      close() {}
    };
  });

test("watching and controlling by HTTP alone", async (t) => {
  const { token } = await newToken("watch", "control", "publish");
  const { page, close } = await open({ token, before: refuse });
  await watch(page);
  const selector = '.view[data-camera="test:0"] canvas';
  const { strips, unreadable } = await page.evaluate(readStrips, { selector, milliseconds: 2_000 });
  t.diagnostic(`${strips.length} pictures, latency ${latency(strips).toFixed(1)} ms (median)`);
  assert.ok(strips.length >= 10, `${strips.length} pictures in 2 s`);
  assert.equal(unreadable, 0);
  const slider = page.locator('[data-control="brightness"] input[type=range]');
  await slider.focus();
  await page.keyboard.press("ArrowRight");
  await until("brightness to be 1", async () => (await json("get", "test:0", "brightness"))[0].value === 1);
  await command("set", "test:0", "brightness=9");
  await until("the slider to be at 9", async () => (await slider.inputValue()) === "9");
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByText(/Sharing needs a WebSocket/).waitFor();
  await page.locator("#stop").click();
  await until("nobody to watch", async () => (await json("info", "test:0")).watchers === 0);
  await close();
});
