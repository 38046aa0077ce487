// A live view in Chromium, for `bench/console`: signs in by the link, presses keys while messages come, and prints what
// it saw as one line of JSON.

import { chromium } from "playwright-core";

const [link, seconds] = process.argv.slice(2);
const { origin } = new URL(link);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
await page.goto(link);
await page.getByRole("button", { name: "Sign in" }).click();
await page.waitForURL(`${origin}/console`);
await page.goto(`${origin}/console/live`);
await page.getByText("Live from node").waitFor();

// Event Timing: from the moment of the press to the frame that shows what it did. Events below 16 ms are left out.
await page.evaluate(() => {
  window.pressed = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === "keydown") window.pressed.push(entry.duration);
  }).observe({ type: "event", durationThreshold: 16 });
  const lines = document.querySelector("#live [data-lines]");
  window.drawn = 0;
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) window.drawn += addedNodes.length;
  }).observe(lines, { childList: true, subtree: true });
});
const protocol = await page.context().newCDPSession(page);
await protocol.send("Performance.enable");

const rows = [];
const nodes = [];
const heapMb = [];
const threadSecs = [];
const look = async () => {
  await protocol.send("HeapProfiler.collectGarbage");
  const { metrics } = await protocol.send("Performance.getMetrics");
  const of = (name) => metrics.find((metric) => metric.name === name).value;
  rows.push(await page.locator('[aria-label="Messages as they happen"] tbody tr').count());
  nodes.push(of("Nodes"));
  heapMb.push(of("JSHeapUsedSize") / 1e6);
  threadSecs.push([of("Timestamp"), of("ThreadTime")]);
};
await look();
console.log("ready");

const field = page.getByLabel("Carrier");
await field.focus();
let presses = 0;
const end = Date.now() + Number(seconds) * 1000;
let next = Date.now() + 10_000;
while (Date.now() < end) {
  await page.keyboard.press(presses % 2 ? "Backspace" : "x");
  presses += 1;
  if (Date.now() > next) {
    await look();
    next += 10_000;
  }
  await page.waitForTimeout(100);
}
await look();
const durations = await page.evaluate(() => window.pressed);
const words = await page.locator("#live [data-counts]").innerText();
const leftOut = Number(words.match(/(\d+) lines are left out/)?.[1] ?? 0);
// How much of a core the page's thread takes, from the second look to the last: what the browser does to start is over.
const [from, to] = [threadSecs[1] ?? threadSecs[0], threadSecs.at(-1)];
const share = (to[1] - from[1]) / (to[0] - from[0]);
const keys = { pressed: presses, durations };
const drawn = await page.evaluate(() => window.drawn);
console.log(JSON.stringify({ keys, rows, nodes, heapMb, share, leftOut, drawn }));
await browser.close();
