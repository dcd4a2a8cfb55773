// What all specs have in common: the browser, pages that must not complain, the command line, and
// waiting for conditions. tests/tests/page.rs says in the environment where everything is.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { after } from "node:test";
import { promisify } from "node:util";

const { chromium } = createRequire(`${process.env.PAGE_MODULES}/`)("playwright-core");

/** The page's address. */
export const URL_OF_PAGE = process.env.PAGE_URL;
/** Its address by way of a link that can be slow. */
export const URL_OF_RELAY = process.env.PAGE_RELAY;
/** How long what must happen may take, in ms. Generous: the machine may be busy. */
const PATIENCE = 30_000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
  ],
});
after(() => browser.close());

export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
export const PHONE_LYING = { ...PHONE, viewport: { width: 844, height: 390 } };

/**
 * Opens the page in a browser of its own. With `token` it is one that had logged in. `expected` are
 * patterns of complaints that are no fault, `url` another address of the page.
 */
export async function open({ token, url = URL_OF_PAGE, hash = "", options = {}, before = async () => {}, expected = [] } = {}) {
  const context = await browser.newContext({ ...DESKTOP, ignoreHTTPSErrors: true, ...options });
  context.setDefaultTimeout(PATIENCE);
  const complaints = [];
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error.stack}`));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    const own = origin === new URL(url).origin || ["blob:", "data:"].includes(protocol);
    if (!own) complaints.push(`request to another host: ${request.url()}`);
  });
  if (token) {
    // Once: a page that is told to forget its token must not find it again.
    await context.addInitScript((token) => {
      if (sessionStorage.getItem("test.entered")) return;
      sessionStorage.setItem("test.entered", "yes");
      sessionStorage.setItem("camera-service.token", token);
    }, token);
  }
  await before(page);
  await page.goto(url + hash);
  return {
    page,
    /** Ends it, and fails where the page complained. */
    async close() {
      await context.close();
      const found = complaints.filter((text) => !expected.some((pattern) => pattern.test(text)));
      assert.deepEqual(found, [], "the page complained");
    },
  };
}

/** Presses Watch and waits until there is a picture. */
export async function watch(page, camera = "test:0") {
  await page.locator(`.view[data-camera="${camera}"] .watch`).click();
  await live(page, camera);
}

/** Waits until a camera's picture is live. */
export const live = (page, camera = "test:0") =>
  page.locator(`.view[data-camera="${camera}"][data-condition="live"]`).waitFor();

/** Runs `camera-service` with these arguments; its output. */
export async function command(...args) {
  const { stdout } = await promisify(execFile)(process.env.CAMERA_SERVICE_BIN, args);
  return stdout.trim();
}

/** What it prints with `--json`. */
export const json = async (...args) => JSON.parse(await command(...args, "--json"));

let tokens = 0;

/** A new token with these scopes: `{name, token}`. */
export const newToken = (...scopes) => namedToken(`spec-${++tokens}`, ...scopes);

/** One that is called so. */
export const namedToken = (name, ...scopes) => json("token", "add", name, "--scope", scopes.join(","));

/** Waits until `look()` returns something that is true, and returns it. */
export async function until(what, look) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) assert.fail(`waited in vain for ${what}; it is ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
