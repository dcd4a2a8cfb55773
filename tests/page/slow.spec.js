// A slow link: the picture becomes smaller, and it is said; when the link is quick again, it is as before.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { URL_OF_RELAY, newToken, open, until, watch } from "./harness.js";

const CANVAS = '.view[data-camera="test:0"] canvas';
/** Bytes a second of a quarter of 1 Mbit/s. */
const SLOW = 31_250;
/** A rung is climbed after a calm while, the next after another: time until both are, in ms. */
const CLIMB = 90_000;

test("a slow link is told with what is sent on it, and its end", async (t) => {
  const { page, close } = await open({ token: (await newToken("watch")).token, url: URL_OF_RELAY });
  await watch(page);
  const notice = page.locator(".slow");
  const width = () => page.locator(CANVAS).evaluate((canvas) => canvas.width);
  assert.equal(await width(), 1280);
  assert.equal(await notice.isVisible(), false);
  writeFileSync(process.env.PAGE_RATE, String(SLOW));
  await notice.filter({ hasText: "320 × 180" }).waitFor();
  const said = await notice.innerText();
  t.diagnostic(said);
  assert.match(said, /^Slow connection: now 320 × 180, 8 fps\. The link is slow\.$/);
  assert.equal(await notice.getAttribute("role"), "status", "it is read out");
  await until("small pictures", async () => (await width()) === 320);
  writeFileSync(process.env.PAGE_RATE, "inf");
  await notice.filter({ hasText: "640 × 360" }).waitFor({ timeout: CLIMB });
  assert.match(await notice.innerText(), /The link is quick again/);
  await notice.waitFor({ state: "hidden", timeout: CLIMB });
  await until("large pictures", async () => (await width()) === 1280);
  await close();
});
