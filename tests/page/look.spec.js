// What the page looks like, and that it can be used without seeing it or without a pointer.
//
// With PAGE_IMAGES it writes screenshots there: those of docs/images.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, PHONE, PHONE_LYING, command, namedToken, newToken, open, watch } from "./harness.js";

const SHAPES = [
  ["desktop-light", { ...DESKTOP, colorScheme: "light" }, null, "laptop"],
  ["desktop-dark", { ...DESKTOP, colorScheme: "dark" }, null, "office"],
  ["phone-light", { ...PHONE, colorScheme: "light" }, "Controls", "phone"],
  ["phone-dark", { ...PHONE, colorScheme: "dark" }, "Cameras", "second-phone"],
  ["phone-lying-dark", { ...PHONE_LYING, colorScheme: "dark" }, "Controls", "tablet"],
];

/** Runs in the page: what does not fit its place, and texts that are cut off. */
function misfits() {
  const found = [];
  const { clientWidth, clientHeight } = document.documentElement;
  if (document.documentElement.scrollWidth > clientWidth) found.push("the page is wider than the screen");
  for (const button of document.querySelectorAll("button, input, select")) {
    if (!button.checkVisibility({ visibilityProperty: true }) || button.closest(".skip")) continue;
    const { left, right, top, bottom, width, height } = button.getBoundingClientRect();
    const scrolls = button.closest("#panel, #panel-cameras, #login");
    const name = button.id || button.textContent.trim();
    if (left < -0.5 || right > clientWidth + 0.5) found.push(`${name} sticks out at a side`);
    if (!scrolls && (top < -0.5 || bottom > clientHeight + 0.5)) found.push(`${name} sticks out above or below`);
    const coarse = matchMedia("(pointer: coarse)").matches;
    if (Math.min(width, height) < (coarse ? 20 : 16)) found.push(`${name} is too small: ${width} × ${height}`);
  }
  return found;
}

/** Runs in the page: the contrast of each text that is less than 4.5 to 1. */
function paleTexts() {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const luminance = (colour) => {
    const linear = (part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = colour.map((part) => linear(part / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.push(rgba(getComputedStyle(at).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const unseen = !walker.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true });
    // What cannot be used need not be read well, and over a picture it lies on a dark veil of its own.
    if (unseen || element.closest(":disabled, option, script, .figures, .skip, label.label")) continue;
    const below = ground(element);
    const [a, b] = [luminance(over(rgba(getComputedStyle(element).color), below)), luminance(below)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.add(`${walker.currentNode.data.trim()}: ${contrast.toFixed(2)}`);
  }
  return [...found];
}

/** What assistive programs are told: elements that take the focus, or are a part of the page, without a name. */
async function nameless(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const has = (node, name) => node.properties?.some((property) => property.name === name && property.value.value);
  const parts = "button textbox searchbox slider spinbutton combobox checkbox switch link img image dialog".split(" ");
  return nodes
    .filter((node) => !node.ignored && (has(node, "focusable") || parts.includes(node.role?.value)))
    .filter((node) => !["RootWebArea", "generic", "MenuListPopup"].includes(node.role.value) && !node.name?.value?.trim())
    .map((node) => `${node.role.value} ${JSON.stringify(node.description?.value ?? "")}`);
}

async function examine(page, where) {
  assert.deepEqual(await page.evaluate(misfits), [], `${where}: what does not fit`);
  assert.deepEqual(await page.evaluate(paleTexts), [], `${where}: texts that are hard to read`);
  assert.deepEqual(await nameless(page), [], `${where}: what has no name`);
}

async function picture(page, name) {
  const folder = process.env.PAGE_IMAGES;
  if (!folder) return;
  // On a machine that is busy the picture may be a rung down: it is shown as it usually is.
  await page.locator(".slow").first().waitFor({ state: "hidden", timeout: 40_000 });
  await page.screenshot({ path: `${folder}/page-${name}.png`, animations: "disabled" });
}

for (const [name, options, tab, user] of SHAPES) {
  test(`it fits, is legible and named: ${name}`, async () => {
    await command("reset", "test:0");
    await command("set", "test:0", "brightness=10");
    const { token } = await namedToken(user, "watch", "control", "publish");
    const { page, close } = await open({ token, options });
    await page.evaluate(() => {
      window.shifts = [];
      const note = (list) => window.shifts.push(...list.getEntries().filter((entry) => !entry.hadRecentInput));
      new PerformanceObserver(note).observe({ type: "layout-shift" });
    });
    await page.locator(".view").first().waitFor();
    if (tab) await page.getByRole("button", { name: tab, exact: true }).click();
    await watch(page);
    await page.locator(".figures").waitFor();
    await page.waitForTimeout(1_500);
    await examine(page, name);
    await picture(page, name);
    const shift = await page.evaluate(() => window.shifts.reduce((sum, entry) => sum + entry.value, 0));
    assert.ok(shift < 0.02, `nothing jumps when the picture comes; layout shift ${shift}`);
    for (const other of ["Who watches", "Share"]) {
      await page.getByRole("button", { name: other, exact: true }).click();
      await page.waitForTimeout(300);
      await examine(page, `${name}, ${other}`);
    }
    if (name.startsWith("phone-dark")) {
      await page.getByRole("button", { name: "Start sharing" }).click();
      await page.getByText("Your camera is shared").waitFor();
      await page.waitForTimeout(2_500);
      await examine(page, `${name}, sharing`);
      await picture(page, "phone-share-dark");
      await page.getByRole("button", { name: "Stop sharing this camera" }).click();
    }
    await close();
  });
}

test("without a token it asks for one", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const { page, close } = await open({ options: { ...PHONE, colorScheme } });
    await page.getByLabel("Token", { exact: true }).waitFor();
    await examine(page, `login, ${colorScheme}`);
    await close();
  }
});

test("everything is reached with Tab, and what has the focus shows it", async () => {
  const { token } = await newToken("watch", "control", "publish");
  const { page, close } = await open({ token });
  await watch(page);
  await page.locator('[data-control="brightness"]').waitFor();
  const wanted = await page.evaluate(() => {
    const all = [...document.querySelectorAll("button, input, select, a[href]")];
    const usable = all.filter((one) => !one.disabled && one.checkVisibility({ visibilityProperty: true }));
    return usable.map((one, index) => (one.dataset.number = String(index)));
  });
  await page.evaluate(() => document.activeElement.blur());
  const reached = new Set();
  const unmarked = [];
  for (let step = 0; step < wanted.length + 10; step++) {
    await page.keyboard.press("Tab");
    const now = await page.evaluate(() => {
      const { activeElement: one } = document;
      const { outlineStyle, outlineWidth } = getComputedStyle(one);
      const shown = outlineStyle !== "none" && outlineWidth !== "0px";
      return { number: one.dataset.number, name: one.id || one.outerHTML.slice(0, 80), shown };
    });
    if (now.number !== undefined && !now.shown) unmarked.push(now.name);
    reached.add(now.number);
  }
  const missed = wanted.filter((number) => !reached.has(number));
  const names = await page.evaluate(
    (numbers) => numbers.map((number) => document.querySelector(`[data-number="${number}"]`)?.outerHTML.slice(0, 100)),
    missed,
  );
  assert.deepEqual(names, [], "what Tab does not reach");
  assert.deepEqual(unmarked, [], "what does not show that it has the focus");
  await close();
});

test("landmarks, headings and live regions are there", async () => {
  const { token } = await newToken("watch", "control", "publish");
  const { page, close } = await open({ token });
  await page.locator(".view").first().waitFor();
  for (const role of ["banner", "navigation", "main"]) assert.equal(await page.getByRole(role).count(), 1, role);
  for (const name of ["Cameras", "Controls"]) await page.getByRole("region", { name, exact: true }).waitFor();
  assert.equal(await page.locator("h1").count(), 1);
  assert.equal(await page.locator("#notices[aria-live=polite]").count(), 1);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip", "the way past everything comes first");
  await close();
});
