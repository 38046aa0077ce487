// The public pages in a real browser: the errors, each with its request, and the reference of the API.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fits, isSound, reads } from "./sound.mjs";
import { World } from "./world.mjs";

let world;
let paths;

before(async () => {
  world = await World.start();
  const page = await world.page();
  await page.goto(`${world.public}/page/errors`);
  const links = await page.locator("tbody a").all();
  paths = ["/page/errors", "/docs", ...(await Promise.all(links.map((link) => link.getAttribute("href"))))];
  await page.context().close();
});

after(async () => await world?.stop());

test("every page is sound, accessible and within its policy, in light and in dark", async () => {
  assert.ok(paths.includes("/page/errors/33019") && paths.length > 25, `${paths.length} pages`);
  await isSound(world, world.public, paths);
});

test("every page fits a phone, and a wall", async () => await fits(world, world.public, paths, [320, 390, 2560]));

test("every page can be read without scripts", async () => await reads(world, world.public, paths));

test("a page leads from an error to its cause and back, by keyboard alone", async () => {
  const page = await world.page({ viewport: { width: 390, height: 844 } });
  await page.goto(`${world.public}/page/errors`);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  while (!(await page.evaluate(() => document.activeElement.textContent === "33019"))) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${world.public}/page/errors/33019`);
  for (const heading of ["How to fix it", "Categories", "A request that causes it", "The answer"]) {
    await page.getByRole("heading", { name: heading, exact: true }).waitFor();
  }
  await page.getByRole("link", { name: "All errors" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(`${world.public}/page/errors`);
  await page.context().close();
});
