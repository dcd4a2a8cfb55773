// Where anybody at the computer may watch, the page asks for no token, and takes one all the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { newToken, open, watch } from "./harness.js";

test("the page is there without a token, and a token brings more", async () => {
  const { page, close } = await open();
  await watch(page);
  await page.getByText("Anybody at this computer may watch.").waitFor();
  assert.equal(await page.locator("#tab-controls").isVisible(), false);
  await page.getByRole("button", { name: "Use a token" }).click();
  await page.getByRole("button", { name: "Connect again" }).click();
  await page.getByText("Anybody at this computer may watch.").waitFor();
  await page.getByRole("button", { name: "Use a token" }).click();
  const { name, token } = await newToken("watch", "control");
  await page.getByLabel("Token", { exact: true }).fill(token);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByText(`Connected as ${name}`).waitFor();
  await page.getByRole("slider", { name: "Brightness" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Use a token" }).isVisible(), false);
  await close();
});

test("a snapshot needs none either", async () => {
  const { page, close } = await open();
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#snapshot").click()]);
  assert.match(download.suggestedFilename(), /\.jpg$/);
  await close();
});
