// The web console in a real browser, in front of a real platform.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { World } from "./world.mjs";

const HOSTILE = "<b>pay</b> \u202Elive\u202C \u200B https://evil.example Z\u0351\u0352\u0353\u0354\u0355\u0356\u0357";

let world;
let account;
let hostile;

before(async () => {
  world = await World.start();
  hostile = await world.send(HOSTILE);
  account = (await world.operate("POST", "/accounts", { name: HOSTILE })).id;
  await world.operate("PUT", "/blocks/+18005550111", { kind: "recipient", accountId: account, reason: HOSTILE });
  await world.send("Buy cannabis gummies and THC vapes now at https://best-weed.example");
  (await world.signIn()).context().close();
});

after(async () => await world?.stop());

const paths = () => [
  "/console",
  "/console/messages",
  `/console/messages/${hostile.id}`,
  "/console/broadcasts",
  "/console/accounts",
  "/console/accounts/new",
  `/console/accounts/${account}`,
  "/console/carriers",
  "/console/screening",
  "/console/inbound",
  "/console/inbound/unrouted",
];

test("every page is sound, accessible and within its policy, in light and in dark", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await world.page({ colorScheme });
    for (const path of paths()) {
      await page.goto(world.url + path);
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      const found = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
      assert.deepEqual(found, [], `${path}, ${colorScheme}`);
      assert.deepEqual(page.wrongs, [], path);
    }
    await page.context().close();
  }
});

test("every page fits 320 pixels, and a wall", async () => {
  for (const width of [320, 2560]) {
    const page = await world.page({ viewport: { width, height: 700 }, reducedMotion: "reduce" });
    for (const path of paths()) {
      await page.goto(world.url + path);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${path} is ${wide} pixels too wide for ${width}`);
    }
    await page.context().close();
  }
});

test("a text that strangers wrote is nothing but text", async () => {
  const page = await world.page();
  for (const path of paths()) {
    await page.goto(world.url + path);
    assert.equal(await page.locator("main b, main a[href*='evil.example']").count(), 0, path);
    assert.ok(!(await page.title()).includes("pay"), path);
    assert.ok(!(await page.content()).includes("\u202E"), path);
  }
  await page.goto(`${world.url}/console/messages/${hostile.id}`);
  assert.match(await page.locator(".bubble").innerText(), /⟨U\+202E⟩live⟨U\+202C⟩ ⟨U\+200B⟩/);
  await page.context().close();
});

test("a message is found and its life is shown, without scripts too", async () => {
  const page = await world.page({ javaScriptEnabled: false });
  await page.goto(`${world.url}/console/messages`);
  await page.getByLabel("To", { exact: true }).fill("+18005550199");
  await page.getByLabel("Status").selectOption("delivered");
  await page.getByRole("button", { name: "Filter" }).click();
  assert.match(page.url(), /to=%2B18005550199.*status=delivered/);
  await page.locator("tbody a").first().click();
  assert.ok(await page.locator(".timeline li").count());
  await page.context().close();
});

test("a key is created, shown once and revoked, in a dialog", async () => {
  const page = await world.page();
  const own = `${world.url}/console/accounts/${account}`;
  await page.goto(own);
  await page.getByRole("link", { name: "New key" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "New key" }).click();
  const secret = await page.locator("#secret").innerText();
  assert.ok(secret.length > 20);
  await page.getByRole("link", { name: "I have copied it" }).click();
  assert.ok(!(await page.content()).includes(secret));
  await page.getByRole("link", { name: "Revoke" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("This cannot be undone").waitFor();
  await dialog.getByRole("link", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("link", { name: "Revoke" }).click();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await page.getByText("The key is revoked.").waitFor();
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});

test("limits, blocks and opt-outs of an account are changed without scripts", async () => {
  const page = await world.page({ javaScriptEnabled: false });
  const own = `${world.url}/console/accounts/${account}`;
  await page.goto(own);
  await page.getByRole("link", { name: "Change limits and state" }).click();
  await page.getByLabel("Messages a minute").fill("77");
  await page.getByRole("button", { name: "Change limits and state" }).click();
  await page.getByText("The account is changed.").waitFor();
  assert.equal((await world.operate("GET", `/accounts/${account}`)).messagePerMinute, 77);
  await page.getByRole("link", { name: "New opt-out" }).click();
  await page.getByLabel("Handset").fill("nonsense");
  await page.getByRole("button", { name: "New opt-out" }).click();
  await page.getByRole("alert").getByText("number").waitFor();
  await page.goBack();
  await page.getByLabel("Handset").fill("+18005550123");
  await page.getByRole("button", { name: "New opt-out" }).click();
  await page.getByText("The handset is opted out.").waitFor();
  await page.getByRole("link", { name: "Lift" }).click();
  await page.getByRole("button", { name: "Lift" }).click();
  await page.getByText("The block is lifted.").waitFor();
  await page.context().close();
});

test("keys of the keyboard lead through the console, and not while somebody types", async () => {
  const page = await world.page();
  await page.goto(`${world.url}/console`);
  await page.keyboard.press("g");
  await page.keyboard.press("m");
  await page.waitForURL(`${world.url}/console/messages`);
  await page.keyboard.press("/");
  await page.keyboard.type("g?b");
  assert.equal(await page.getByLabel("Message id").inputValue(), "g?b");
  assert.equal(await page.getByRole("dialog").count(), 0);
  await page.locator("h1").click();
  await page.keyboard.press("?");
  await page.getByRole("dialog").getByText("Keyboard shortcuts").waitFor();
  await page.keyboard.press("Escape");
  await page.goto(`${world.url}/console`);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.context().close();
});

test("a link works once, and signing out ends the session", async () => {
  const context = await world.browser.newContext();
  const page = await context.newPage();
  await page.goto(world.link);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("This link was used already").waitFor();
  await page.goto(`${world.url}/console/messages`);
  assert.equal(page.url(), `${world.url}/console/sign-in`);
  await context.close();
});
