// The phones of `dev` in a real browser: the wall, and one phone with its messages.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { serious } from "./sound.mjs";
import { World } from "./world.mjs";

const HOSTILE = "<b>pay</b> \u202Elive\u202C \u200B https://evil.example Z\u0351\u0352\u0353\u0354\u0355\u0356\u0357";
const PHONE = "/dev/18005550199";
const OTHER = "/dev/18005550198";
const STACKED = "/dev/18005550197";
// As long a text as a phone writes: one letter with marks above and below.
const MARKS = `Z${"\u0301".repeat(5_000)}${"\u0323".repeat(4_999)}`;

let world;

before(async () => {
  world = await World.start();
  await world.send(HOSTILE);
  await world.send("Are you there?", "+18005550198");
  await world.phone("POST", "phones/18005550197/reply", { to: world.demo.numbers[0], text: MARKS });
  const page = await world.page();
  await page.goto(world.url + OTHER);
  await page.getByText("receipt acknowledged").waitFor();
  await page.context().close();
});

after(async () => await world?.stop());

const open = async (path, options) => {
  const page = await world.page(options);
  await page.goto(world.url + path);
  return page;
};

test("every page is sound, accessible and within its policy, in light and in dark", async () => {
  for (const colorScheme of ["light", "dark"]) {
    for (const path of ["/dev", PHONE, STACKED, "/dev/18005550000", "/dev?number=none"]) {
      const page = await open(path, { colorScheme });
      for (const summary of await page.locator("details > summary").all()) await summary.click();
      assert.deepEqual(await serious(page, colorScheme), [], `${path}, ${colorScheme}`);
      const wrongs = page.wrongs.filter((line) => !/status of 400/.test(line));
      assert.deepEqual(wrongs, [], path);
      await page.context().close();
    }
  }
});

test("a violation of the policy is counted", async () => {
  const page = await open(PHONE);
  const counted = page.waitForEvent("console", (line) => line.text().startsWith("violation of script-src"));
  await page.evaluate(() => document.body.append(Object.assign(document.createElement("script"), { text: "0" })));
  await counted;
  assert.notDeepEqual(page.wrongs, []);
  await page.context().close();
});

test("every page fits 320 pixels, and a wall", async () => {
  for (const width of [320, 2560]) {
    for (const path of ["/dev", PHONE, STACKED]) {
      const page = await open(path, { viewport: { width, height: 700 }, reducedMotion: "reduce" });
      for (const summary of await page.locator("details > summary").all()) await summary.click();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${path} is ${wide} pixels too wide for ${width}`);
      await page.context().close();
    }
  }
});

test("a text that strangers wrote is nothing but text", async () => {
  for (const path of ["/dev", PHONE]) {
    const page = await open(path);
    assert.equal(await page.locator("main b, main a[href*='evil.example']").count(), 0, path);
    assert.ok(!(await page.content()).includes("\u202E"), path);
    await page.getByText("⟨U+202E⟩").first().waitFor();
    await page.context().close();
  }
});

test("marks that are stacked on a letter stay within their bubble", async () => {
  const page = await open(STACKED);
  const around = async () => {
    const pictures = [];
    for (const place of await page.locator("#messages > li > p").all()) pictures.push(await place.screenshot());
    return pictures.map((picture) => picture.toString("hex"));
  };
  const kept = await around();
  await page.evaluate(() => {
    const style = new CSSStyleSheet();
    style.replaceSync(".text, .bubble, .glass { overflow: visible !important; }");
    document.adoptedStyleSheets = [style];
  });
  assert.notDeepEqual(await around(), kept, "the marks of this font need no bubble");
  await page.evaluate(() => (document.adoptedStyleSheets = []));
  await page.locator("#messages bdi.text").evaluate((text) => (text.textContent = "Z"));
  assert.deepEqual(await around(), kept);
  await page.context().close();
});

test("a new message moves, unless a person wants less motion", async () => {
  for (const [reducedMotion, moves] of [["no-preference", true], ["reduce", false]]) {
    const page = await open(PHONE, { reducedMotion });
    const animation = await page.locator("#messages > li").first().evaluate((message) => {
      message.classList.add("new");
      return getComputedStyle(message).animationName;
    });
    assert.equal(animation !== "none", moves, reducedMotion);
    await page.context().close();
  }
});

test("a phone writes back and is switched without scripts", async () => {
  const page = await open(PHONE, { javaScriptEnabled: false });
  await page.getByLabel("Message", { exact: true }).fill("Written without scripts");
  await page.getByLabel("How").selectOption("With an emoji, in UCS-2");
  await page.getByRole("button", { name: "Send" }).click();
  assert.equal(page.url(), world.url + PHONE);
  await page.getByText("Written without scripts 😀", { exact: true }).first().waitFor();
  await page.getByRole("button", { name: "Full" }).click();
  assert.equal(await page.locator("#state").innerText(), "full");
  await page.getByRole("button", { name: "On", exact: true }).click();
  assert.equal(await page.locator("#state").innerText(), "on");
  await page.context().close();
});

test("a page follows its phone and keeps what a person types, opens and looks at", async () => {
  const page = await open(PHONE);
  await page.locator("#live.on").waitFor();
  const summary = page.locator("details > summary").last();
  await summary.focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Message", { exact: true }).fill("Half a sentence");
  await world.send("A message that comes meanwhile");
  const message = page.locator("#messages > li").filter({ hasText: "A message that comes meanwhile" });
  await message.getByText("receipt acknowledged").waitFor();
  assert.equal(await page.getByLabel("Message", { exact: true }).inputValue(), "Half a sentence");
  assert.ok(await page.locator("details[open]").count(), "what was open is open");
  assert.match(await page.locator("#news").innerText(), /New message/);
  await page.keyboard.press("Control+Enter");
  await page.locator(".inbound").getByText("Half a sentence", { exact: true }).first().waitFor();
  assert.equal(await page.getByLabel("Message", { exact: true }).inputValue(), "");
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});

test("what cannot be sent stays in the form, with the reason", async () => {
  const page = await open(PHONE);
  await page.getByLabel("To", { exact: true }).fill("ÄÖÜ");
  await page.getByLabel("Message", { exact: true }).fill("Not lost");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("alert").getByText("numbers").waitFor();
  assert.equal(await page.getByLabel("Message", { exact: true }).inputValue(), "Not lost");
  await page.context().close();
});

test("a browser has one stream of events, however many pages are open", async () => {
  const context = (await world.page()).context();
  let streams = 0;
  context.on("request", (request) => (streams += request.url().endsWith("/dev/phones/events") ? 1 : 0));
  const pages = [];
  for (const path of ["/dev", PHONE, OTHER]) {
    const page = await context.newPage();
    await page.goto(world.url + path);
    await page.locator("#live.on").waitFor();
    pages.push(page);
  }
  assert.equal(streams, 1);
  await pages[0].close();
  await world.send("After the first page was closed");
  await pages[1].getByText("After the first page was closed", { exact: true }).first().waitFor();
  assert.equal(streams, 2, "another page has taken over");
  await context.close();
});

test("the keyboard alone leads from the wall to an answer", async () => {
  const page = await open("/dev");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  for (let presses = 0; presses < 20; presses += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement.closest(".wall") !== null)) break;
  }
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/dev\/1800/);
  for (let presses = 0; presses < 200; presses += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement.id === "text")) break;
  }
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".inbound").getByText("By keyboard", { exact: true }).first().waitFor();
  await page.context().close();
});
