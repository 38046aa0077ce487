// What is asked of every page.

import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";

// No serious finding of axe, in light and in dark, and nothing against the policy.
export async function isSound(world, base, paths) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await world.page({ colorScheme });
    for (const path of paths) {
      await page.goto(base + path);
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      const found = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
      assert.deepEqual(found, [], `${path}, ${colorScheme}`);
      assert.deepEqual(page.wrongs, [], path);
    }
    await page.context().close();
  }
}

// No page is wider than the screen.
export async function fits(world, base, paths, widths) {
  for (const width of widths) {
    const page = await world.page({ viewport: { width, height: 700 }, reducedMotion: "reduce" });
    for (const path of paths) {
      await page.goto(base + path);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${path} is ${wide} pixels too wide for ${width}`);
    }
    await page.context().close();
  }
}

// Without scripts a page has a heading and something to read, and no promise that it does not keep.
export async function reads(world, base, paths) {
  const page = await world.page({ javaScriptEnabled: false });
  for (const path of paths) {
    await page.goto(base + path);
    assert.ok(await page.locator("h1").first().isVisible(), path);
    assert.ok((await page.locator("main").innerText()).length > 20, path);
    assert.equal(await page.locator("[hidden]:visible").count(), 0, `${path} shows what needs scripts`);
  }
  await page.context().close();
}
