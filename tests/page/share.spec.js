// A browser's own camera becomes one of the service's, over HTTPS with the certificate that the service
// made for itself, and another browser watches it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { PHONE, URL_OF_PAGE, command, json, live, newToken, open, until, watch } from "./harness.js";

const CANVAS = '.view[data-camera="published:phone-7"] canvas';
const LOST = [/WebSocket connection|ERR_CONNECTION|Failed to load resource/];

/** Runs in the page: what the canvas shows, as so many colours by so many; and how often it changes in a second. */
async function look(selector) {
  const canvas = document.querySelector(selector);
  const small = document.createElement("canvas");
  [small.width, small.height] = [32, 18];
  const context = small.getContext("2d", { willReadFrequently: true });
  const seen = new Set();
  let green = 0;
  for (const end = performance.now() + 1_000; performance.now() < end; ) {
    await new Promise(requestAnimationFrame);
    context.drawImage(canvas, 0, 0, 32, 18);
    const { data } = context.getImageData(0, 0, 32, 18);
    seen.add(data.join());
    green = data[4 * (9 * 32 + 4) + 1] - data[4 * (9 * 32 + 4)];
  }
  return { changes: seen.size, green, width: canvas.width, height: canvas.height };
}

/** Waits until the shared picture changes several times a second; what it looks like. */
const moves = (page) =>
  until("the picture to move", async () => {
    const seen = await page.evaluate(look, CANVAS);
    return seen.changes >= 5 && seen;
  });

test("the first browser watches the camera of the second", async (t) => {
  assert.match(URL_OF_PAGE, /^https:/);
  const first = await open({ token: (await newToken("watch", "control")).token });
  const second = await open({ token: (await newToken("publish")).token, options: PHONE, expected: LOST });
  await second.page.getByLabel("Name", { exact: true }).fill("phöne 7");
  await second.page.getByLabel("Size", { exact: true }).selectOption("640x480");
  await second.page.getByRole("button", { name: "Start sharing" }).click();
  await second.page.getByText("On as published:phone-7. Nobody watches yet.").waitFor();
  await second.page.getByText("Your camera is shared").waitFor();
  assert.match(await second.page.title(), /Shared/);

  await first.page.locator('.camera[data-camera="published:phone-7"]').click();
  await watch(first.page, "published:phone-7");
  await second.page.getByText("1 watcher now.").waitFor();
  const seen = await moves(first.page);
  t.diagnostic(`${seen.changes} pictures in a second`);
  assert.deepEqual([seen.width, seen.height], [640, 480]);
  assert.ok(seen.green > 60, "the browser's fake camera is green");

  // Another size is another mode of the same camera; who watches stays.
  await second.page.getByLabel("Size", { exact: true }).selectOption("1280x720");
  await until("the larger picture", async () => {
    const { width } = await first.page.evaluate(look, CANVAS);
    return width === 1280;
  });

  // The bridge goes: the second resumes under the same name, and the first sees it again.
  process.kill((await json("bridge", "status")).pid, "SIGKILL");
  await first.page.locator('.view[data-condition="interrupted"]').waitFor();
  await live(first.page, "published:phone-7");
  await moves(first.page);

  await second.page.getByRole("button", { name: "Stop sharing", exact: true }).click();
  await second.page.getByText("Your camera is shared").waitFor({ state: "hidden" });
  assert.equal(await second.page.title(), "Cameras");
  const stopped = () => second.page.evaluate(() => document.querySelector("#preview").srcObject === null);
  await until("the device's camera to be closed", stopped);
  await until("the camera to be gone or lost", async () => {
    const camera = (await json("list")).find(({ id }) => id === "published:phone-7");
    return !camera?.present;
  });
  await second.close();
  await first.close();
});

test("why sharing is not possible is said", async () => {
  const { token } = await newToken("publish");
  const cases = [
    ["NotAllowedError", /not allowed/],
    ["NotFoundError", /no camera/],
    ["NotReadableError", /in use by another program/],
  ];
  for (const [name, why] of cases) {
    const before = (page) =>
      page.addInitScript((name) => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", name));
      }, name);
    const { page, close } = await open({ token, before });
    await page.getByRole("button", { name: "Start sharing" }).click();
    await page.locator("#notices").getByText(why).waitFor();
    await page.getByText("Your camera is shared").waitFor({ state: "hidden" });
    await close();
  }
});

/** Runs before the page: each camera is given only when `grant()` is called, as by a user who is asked. */
function ask() {
  const give = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const [questions, streams] = [[], []];
  navigator.mediaDevices.getUserMedia = async (wish) => {
    await new Promise((granted) => questions.push(granted));
    const stream = await give(wish);
    streams.push(stream);
    return stream;
  };
  window.questions = questions;
  window.grant = () => questions.forEach((granted) => granted());
  window.given = () => streams.length;
  window.running = () => streams.flatMap((stream) => stream.getTracks()).filter(({ readyState }) => readyState === "live").length;
}

test("one question is asked at a time, and every camera that is given is closed", async () => {
  const { page, close } = await open({ token: (await newToken("publish")).token, before: (page) => page.addInitScript(ask) });
  const preview = page.locator("#share-preview");
  await preview.click();
  await until("the question", () => page.evaluate(() => window.questions.length === 1));
  assert.ok(await preview.isDisabled());
  assert.ok(await page.locator("#share-start").isDisabled());
  // Neither button can be pressed; a form may be submitted all the same.
  await page.evaluate(() => document.querySelector("#share-form").requestSubmit());
  await page.evaluate(() => window.grant());
  await page.getByRole("button", { name: "Close preview" }).waitFor();
  assert.deepEqual(await page.evaluate(() => [window.given(), window.running()]), [1, 1]);
  await preview.click();
  await until("the camera to be closed", () => page.evaluate(() => window.running() === 0));

  await page.getByRole("button", { name: "Start sharing" }).click();
  await until("the next question", () => page.evaluate(() => window.questions.length === 2));
  await page.evaluate(() => window.grant());
  await page.getByText("Your camera is shared").waitFor();
  // Stop can be pressed while another size is waited for.
  await page.getByLabel("Size", { exact: true }).selectOption("640x480");
  await until("the question for another size", () => page.evaluate(() => window.questions.length === 3));
  await page.getByRole("button", { name: "Stop sharing", exact: true }).click();
  await page.evaluate(() => window.grant());
  await until("the late camera to be closed", () => page.evaluate(() => window.given() === 3 && window.running() === 0));
  assert.equal(await page.title(), "Cameras");
  assert.ok(await page.getByRole("button", { name: "Start sharing" }).isEnabled());
  await close();
});

test("a token is revoked while the user is asked, and the camera stays off", async () => {
  const { name, token } = await newToken("publish");
  const { page, close } = await open({ token, before: (page) => page.addInitScript(ask), expected: [/401|403/] });
  await page.getByRole("button", { name: "Start sharing" }).click();
  await until("the question", () => page.evaluate(() => window.questions.length === 1));
  await command("token", "revoke", name);
  await page.getByRole("heading", { name: "This page needs a token" }).waitFor();
  await page.evaluate(() => window.grant());
  await until("the camera to be closed", () => page.evaluate(() => window.given() === 1 && window.running() === 0));
  assert.equal(await page.title(), "Cameras");
  await close();
});
