// Controls, presets, pins and modes: what is done on the page is seen by commands, and the other way round.

import assert from "node:assert/strict";
import { test } from "node:test";
import { command, json, newToken, open, until, watch } from "./harness.js";

const control = (page, name) => page.locator(`[data-control="${name}"]`);
const value = async (name) => (await json("get", "test:0", name))[0].value;

async function opened(before) {
  await command("reset", "test:0");
  const { token } = await newToken("watch", "control");
  const open_ = await open({ token, before });
  await control(open_.page, "brightness").waitFor();
  return open_;
}

test("a slider is moved, and commands see it", async () => {
  const { page, close } = await opened();
  await control(page, "brightness").locator("input[type=range]").focus();
  for (let step = 0; step < 5; step++) await page.keyboard.press("ArrowRight");
  await until("brightness to be 5", async () => (await value("brightness")) === 5);
  await close();
});

test("a command moves the slider", async () => {
  const { page, close } = await opened();
  await command("set", "test:0", "contrast=50");
  const range = control(page, "contrast").locator("input[type=range]");
  await until("the slider to be at 50", async () => (await range.inputValue()) === "50");
  assert.equal(await control(page, "contrast").locator("input[type=number]").inputValue(), "50");
  await close();
});

test("a drag has one value under way at a time, and ends on its last", async (t) => {
  const requests = [];
  const { page, close } = await opened(async (page) => {
    page.on("websocket", (socket) => {
      const note = (sent) => ({ payload }) => {
        if (typeof payload !== "string") return;
        const { op, d } = JSON.parse(payload);
        if (op === "request" && d.type === "set_controls") requests.push({ sent, id: d.id, at: Date.now() });
        if (op === "response") requests.push({ sent, id: d.id });
      };
      socket.on("framesent", note(true));
      socket.on("framereceived", note(false));
    });
  });
  const box = await control(page, "saturation").locator("input[type=range]").boundingBox();
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width / 2, y);
  await page.mouse.down();
  for (let step = 0; step <= 60; step++) await page.mouse.move(box.x + box.width * (0.5 - step / 200), y);
  await page.mouse.up();
  const last = Number(await control(page, "saturation").locator("input[type=number]").inputValue());
  await until(`saturation to be ${last}`, async () => (await value("saturation")) === last);
  const sets = requests.filter(({ sent }) => sent).map(({ id }) => id);
  t.diagnostic(`${sets.length} values sent for 61 movements`);
  let under_way = 0;
  for (const { sent, id } of requests) {
    if (!sets.includes(id)) continue;
    under_way += sent ? 1 : -1;
    assert.ok(under_way <= 1, "one at a time");
  }
  assert.ok(sets.length > 1 && last < 100);
  await close();
});

test("a refused value goes back to the true one and says why", async () => {
  const { page, close } = await opened();
  const field = control(page, "contrast").locator("input[type=number]");
  await field.fill("52");
  await field.press("Enter");
  const note = control(page, "contrast").getByRole("alert");
  await note.waitFor();
  assert.match(await note.innerText(), /5/, "the message names the step");
  assert.equal(await field.inputValue(), "100");
  assert.equal(await value("contrast"), 100);
  await close();
});

test("every kind of control can be used", async () => {
  const { page, close } = await opened();
  await control(page, "mirror").getByRole("checkbox").check();
  await until("mirror", () => value("mirror"));
  await control(page, "pattern").getByRole("combobox").selectOption({ index: 1 });
  await until("the pattern", async () => (await value("pattern")) === 1);
  await control(page, "text").getByRole("textbox").fill("Hello");
  await control(page, "text").getByRole("textbox").press("Enter");
  await until("the text", async () => (await value("text")) === "Hello");
  await control(page, "channels").getByRole("spinbutton").fill("3");
  await control(page, "channels").getByRole("spinbutton").press("Tab");
  await until("the channels", async () => (await value("channels")) === 3);
  const exposure = control(page, "exposure");
  assert.ok(await exposure.getByRole("slider").isDisabled(), "inactive while exposure is automatic");
  assert.match(await exposure.innerText(), /automatic/, "and says why");
  await control(page, "auto_exposure").getByRole("checkbox").uncheck();
  await until("exposure to be active", () => exposure.getByRole("slider").isEnabled());
  await control(page, "reset_counter").getByRole("button", { name: "Reset Counter", exact: true }).click();
  assert.ok(await control(page, "frames_captured").getByRole("spinbutton").isDisabled(), "shown only");
  await page.getByRole("button", { name: "Reset all" }).click();
  await until("all to be reset", async () => (await value("channels")) === 7 && (await value("text")) === "");
  await until("the page to show it", async () => !(await control(page, "mirror").getByRole("checkbox").isChecked()));
  await close();
});

test("one control is reset, and pinned", async () => {
  const { page, close } = await opened();
  await command("set", "test:0", "brightness=30");
  await control(page, "brightness").getByRole("button", { name: "Pin Brightness" }).click();
  await until("it to be pinned", async () => (await json("pin", "test:0"))[0]?.value === 30);
  await page.locator('[data-control="brightness"] button[aria-pressed="true"]').click();
  await until("it to be free", async () => (await json("pin", "test:0")).length === 0);
  await control(page, "brightness").getByRole("button", { name: "Reset Brightness" }).click();
  await until("its default", async () => (await value("brightness")) === 0);
  await close();
});

test("presets are saved, applied, renamed and deleted", async () => {
  const { page, close } = await opened();
  const names = async () => (await json("preset", "list", "test:0")).map(({ name }) => name).join();
  await command("set", "test:0", "brightness=40");
  await page.getByLabel("Name of a new preset").fill("Evening");
  await page.getByRole("button", { name: "Save" }).click();
  await until("the preset", async () => (await names()) === "Evening");
  await command("set", "test:0", "brightness=0");
  await page.getByRole("button", { name: "Apply Evening" }).click();
  await until("it to be applied", async () => (await value("brightness")) === 40);
  await page.getByRole("button", { name: "Rename Evening" }).click();
  await page.getByLabel("New name").fill("Night");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await until("its new name", async () => (await names()) === "Night");
  await page.getByRole("button", { name: "Delete Night" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await until("it to be gone", async () => (await names()) === "");
  await page.getByRole("button", { name: "Apply Night" }).waitFor({ state: "detached" });
  await close();
});

test("another mode is chosen, and the camera is held open and let go", async () => {
  const { page, close } = await opened();
  await watch(page);
  await page.getByLabel("Size of the camera's mode").selectOption("640x480");
  const info = () => json("info", "test:0");
  await until("the mode", async () => (await info()).mode?.width === 640);
  await until("the picture", async () => /640 × 480/.test(await page.locator(".figures").innerText()));
  await until("that nothing but the stream holds it", async () => !(await info()).held_open);
  await page.getByRole("button", { name: "Hold open" }).click();
  await until("it to be held open", async () => (await info()).held_open);
  await page.locator('#hold[aria-pressed="true"]').click();
  await until("it to be let go", async () => !(await info()).held_open);
  await close();
});

test("who watches is shown", async () => {
  const { page, close } = await opened();
  await watch(page);
  await page.getByRole("button", { name: "Who watches" }).click();
  await page.getByText(/^Watches Test camera 0$/).first().waitFor();
  await close();
});
