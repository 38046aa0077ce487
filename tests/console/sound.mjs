// What is asked of every page.

import assert from "node:assert/strict";
import { AxeBuilder } from "@axe-core/playwright";

// The serious findings of axe on a page. In the dark nothing but the colours differs.
export async function serious(page, colorScheme) {
  // A page of one frame needs no second page to put the findings of frames together.
  const axe = new AxeBuilder({ page }).setLegacyMode();
  if (colorScheme === "dark") axe.withRules(["color-contrast", "link-in-text-block"]);
  const { violations } = await axe.analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

// No serious finding of axe, in light and in dark, and nothing against the policy.
export async function isSound(world, base, paths) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await world.page({ colorScheme });
    for (const path of paths) {
      await page.goto(base + path);
      assert.deepEqual(await serious(page, colorScheme), [], `${path}, ${colorScheme}`);
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
