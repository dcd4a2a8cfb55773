// Who may what: tokens decide what is shown, and the end of one ends the page.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { command, json, live, newToken, open, until, watch } from "./harness.js";

/** Browsers log a WebSocket that is closed while it opens, and requests that are answered 401. */
const REFUSED = [/401|403/];

test("a token for watching shows no controls", async () => {
  const { page, close } = await open({ token: (await newToken("watch")).token });
  await watch(page);
  const roles = ["button", "slider", "combobox", "checkbox"];
  for (const role of roles) {
    for (const name of [/controls/i, /turn all cameras off/i, /share/i, /who watches/i, /rename/i, /brightness/i, /mode/i]) {
      assert.equal(await page.getByRole(role, { name }).count(), 0, `${role} ${name}`);
    }
  }
  await close();
});

test("a token for publishing shows nothing but that", async () => {
  const { page, close } = await open({ token: (await newToken("publish")).token });
  await page.getByRole("heading", { name: "Share this device's camera" }).waitFor();
  assert.equal(await page.locator("#stage").isVisible(), false);
  assert.equal(await page.locator("#panel-cameras").isVisible(), false);
  await close();
});

test("a wrong token is refused, and another can be entered", async () => {
  const { page, close } = await open({ token: "wrong", expected: REFUSED });
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").innerText(), /token/i);
  await page.getByLabel("Token", { exact: true }).fill((await newToken("watch")).token);
  await page.getByRole("button", { name: "Continue" }).click();
  await watch(page);
  await close();
});

test("the link of `camera-service open` logs in, once, and is not kept", async () => {
  // Where there is no program to open it with, it says which file to open.
  const env = { ...process.env, PATH: "/nowhere" };
  const opening = spawn(process.env.CAMERA_SERVICE_BIN, ["open", "--json"], { env, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface(opening.stdout), "line");
  const [hash] = /#secret=[\w-]+/.exec(readFileSync(JSON.parse(line).file, "utf8"));
  const first = await open({ hash });
  await watch(first.page);
  assert.equal(new URL(first.page.url()).hash, "", "the secret is gone from the address");
  await first.page.reload();
  await live(first.page);
  const second = await open({ hash, expected: REFUSED });
  assert.match(await second.page.getByRole("alert").innerText(), /does not work any more/);
  const [code] = opening.exitCode === null ? await once(opening, "exit") : [opening.exitCode];
  assert.equal(code, 0);
  await second.close();
  await first.close();
});

test("a token that is revoked ends the page at once, with the reason", async () => {
  const { name, token } = await newToken("watch", "control");
  const { page, close } = await open({ token, expected: REFUSED });
  await watch(page);
  await command("token", "revoke", name);
  await page.getByRole("heading", { name: "This page needs a token" }).waitFor();
  assert.match(await page.getByRole("alert").innerText(), /revoked/i);
  assert.equal(await page.locator("#stage").isVisible(), false);
  await close();
});

test("all cameras are turned off, and on again at the computer alone", async () => {
  const { page, close } = await open({ token: (await newToken("watch", "control")).token });
  await watch(page);
  await page.getByRole("switch", { name: "Turn all cameras off" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  assert.equal((await json("status")).privacy_off, false, "not before the user has said so");
  await page.getByRole("switch", { name: "Turn all cameras off" }).click();
  assert.match(await page.getByRole("dialog").innerText(), /only possible at the computer/);
  await page.getByRole("dialog").getByRole("button", { name: "Turn off" }).click();
  await until("all cameras to be off", async () => (await json("status")).privacy_off);
  const off = page.getByRole("switch", { name: "All cameras are off" });
  await off.waitFor();
  assert.ok(await off.isDisabled(), "they cannot be turned on here");
  await page.getByText("They can be turned on again at the computer itself.").first().waitFor();
  await command("on");
  await live(page);
  await close();
});
