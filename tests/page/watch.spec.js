// Watching: what comes is the test camera's picture, in order and soon.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, command, json, live, newToken, open, until, watch } from "./harness.js";
import { latency, readStrips } from "./strip.js";

const CANVAS = '.view[data-camera="test:0"] canvas';

test("the test camera moves, in order and soon", async (t) => {
  const { token } = await newToken("watch");
  const opened = await open();
  const { page } = opened;
  await page.getByLabel("Token", { exact: true }).fill(token);
  await page.getByRole("button", { name: "Continue" }).click();
  assert.equal((await json("info", "test:0")).watchers, 0, "nothing is opened before the user says so");
  await watch(page);
  const { strips, unreadable } = await page.evaluate(readStrips, { selector: CANVAS, milliseconds: 3_000 });
  t.diagnostic(`${strips.length} pictures, latency ${latency(strips).toFixed(1)} ms (median)`);
  assert.ok(strips.length >= 20, `${strips.length} pictures in 3 s`);
  assert.equal(unreadable, 0, "every picture is whole");
  const numbers = strips.map(({ sequence }) => sequence);
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b), "in order");
  assert.ok(latency(strips) < 1_000, `latency ${latency(strips)} ms`);
  const figures = await page.locator(".figures").innerText();
  t.diagnostic(`figures: ${figures.replace(/\s+/g, " ")}`);
  assert.match(figures, /320 × 240\s*\d+\.\d fps\s*\d+ dropped\s*\d+ ms/);
  await page.getByRole("button", { name: "Stop watching" }).or(page.locator("#stop")).first().click();
  await until("the camera to be watched by nobody", async () => (await json("info", "test:0")).watchers === 0);
  await opened.close();
});

test("several cameras are shown side by side, and one is enlarged", async () => {
  const opened = await open({ token: (await newToken("watch")).token });
  const { page } = opened;
  await watch(page, "test:0");
  await page.locator('.camera[data-camera="test:1"]').click();
  await watch(page, "test:1");
  await page.getByRole("button", { name: "Side by side (2)" }).click();
  await live(page, "test:0");
  await live(page, "test:1");
  await page.getByRole("button", { name: /^Enlarge Test camera 0/ }).click();
  await page.locator('.view[data-camera="test:1"]').waitFor({ state: "hidden" });
  await live(page, "test:0");
  await opened.close();
});

test("a snapshot is saved under the camera's name", async () => {
  const opened = await open({ token: (await newToken("watch")).token });
  const { page } = opened;
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#snapshot").click()]);
  assert.match(download.suggestedFilename(), /^Test-camera-0_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.jpg$/);
  const { readFile } = await import("node:fs/promises");
  const bytes = await readFile(await download.path());
  assert.deepEqual([...bytes.subarray(0, 2), ...bytes.subarray(-2)], [0xff, 0xd8, 0xff, 0xd9]);
  await opened.close();
});

test("a page that was loaded again goes on watching", async () => {
  const opened = await open({ token: (await newToken("watch")).token });
  await watch(opened.page);
  await opened.page.reload();
  await live(opened.page);
  await opened.close();
});

test("a camera that comes is listed at once", async () => {
  const opened = await open({ token: (await newToken("watch")).token, options: DESKTOP });
  await opened.page.locator('.camera[data-camera="test:0"]').waitFor();
  await command("rename", "test:0", "Front door");
  await opened.page.getByRole("button", { name: /Front door/ }).first().waitFor();
  await command("rename", "test:0", "--reset");
  await opened.close();
});
