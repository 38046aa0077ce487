// The console in front of two carriers, of which the routes choose one.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { World } from "./world.mjs";

let world;
const smscs = {};

// A simulated SMSC. Its last line, when it ends, says what it was sent.
async function smsc(name) {
  const child = spawn(process.env.SMSFACTORY_BINARY, ["simulate", "smsc", "--listen", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = await once(lines, "line");
  smscs[name] = { child, lines };
  return `
[[carrier]]
name = "${name}"
host = "127.0.0.1"
port = ${JSON.parse(line).address.split(":")[1]}
system_id = "console"
`;
}

async function ended({ child, lines }) {
  const said = once(lines, "line");
  child.kill("SIGTERM");
  return JSON.parse((await said)[0]);
}

before(async () => {
  const carriers = [await smsc("main"), await smsc("second")];
  world = await World.serve(`${carriers.join("")}
[[route]]
carriers = ["main"]
`);
});

after(async () => {
  await world?.stop();
  for (const { child } of Object.values(smscs)) child.kill("SIGKILL");
});

const arrives = async (page, id) => {
  await page.goto(`${world.url}/console/messages/${id}`);
  await page.locator("#message dd .chip").getByText("delivered").waitFor();
  return (await world.operate("GET", `/messages/${id}`)).carrier;
};

test("a test message goes through the carrier on whose page it is sent, whatever the routes say", async () => {
  (await world.signIn()).context().close();
  const account = (await world.operate("POST", "/accounts", { name: "Acme" })).id;
  const [from, to] = ["+18005550100", "+18005550199"];
  await world.operate("POST", "/numbers", { number: from, accountId: account });
  const routed = await world.operate("POST", "/messages", { accountId: account, from, to, body: "As the routes say" });
  const page = await world.page();
  assert.equal(await arrives(page, routed.id), "main");

  await page.goto(`${world.url}/console/carriers/second`);
  await page.getByRole("link", { name: "Send a test message" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Account").fill(account);
  await dialog.getByLabel("From").fill(from);
  await dialog.getByLabel("To").fill(to);
  await dialog.getByLabel("Text").fill("Through the second one");
  await dialog.getByRole("button", { name: "Send a test message" }).click();
  await page.getByText("The message is accepted.").waitFor();
  assert.equal(await arrives(page, new URL(page.url()).pathname.split("/").at(-1)), "second");
  assert.ok(await page.locator(".timeline li").filter({ hasText: "second" }).count(), "the timeline names the carrier");
  assert.equal(await page.locator(".timeline li").filter({ hasText: "main" }).count(), 0);

  // What is wrong is said in the form, which keeps the rest.
  await page.goto(`${world.url}/console/carriers/second/message`);
  await page.getByLabel("Account").fill(account);
  await page.getByLabel("Text").fill("To nobody");
  await page.getByRole("button", { name: "Send a test message" }).click();
  await page.getByRole("alert").getByText("to", { exact: true }).waitFor();
  assert.equal(await page.getByLabel("Text").inputValue(), "To nobody");
  assert.equal(await page.locator("input[name=carrier]").inputValue(), "second");
  assert.deepEqual(page.wrongs.filter((wrong) => !wrong.includes("400")), []);
  await page.context().close();

  const [main, second] = [await ended(smscs.main), await ended(smscs.second)];
  assert.deepEqual([main.submitted, second.submitted], [1, 1], "each SMSC was sent its message");
});
