// The web console in a real browser, in front of a real platform.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fits, isSound, reads } from "./sound.mjs";
import { World } from "./world.mjs";

const MARKS = "\u0351\u0352\u0353\u0354\u0355\u0356\u0357";
const HOSTILE = `<b>pay</b> \u202Elive\u202C \u200B https://evil.example Z${MARKS}`;
// As many marks on one letter as a message takes.
const STACKED = `Z${MARKS.repeat(220)}`;
const SCRIPT = "<script>document.title='pay'</script>";
// As long a text as a phone writes: one letter with marks above and below.
const TOWER = `Z${"\u0301".repeat(5_000)}${"\u0323".repeat(4_999)}`;
const WEED = "Buy cannabis gummies and THC vapes now at https://best-weed.example";

let world;
let account;
let demo;
let hostile;
let carrier;
let hook;
let decision;
let tower;

before(async () => {
  world = await World.start();
  await world.send(STACKED);
  await world.send(SCRIPT);
  carrier = (await world.operate("GET", "/carriers")).data.find(({ sessions }) => sessions.of > 0).name;
  hook = await world.hook(HOSTILE);
  hostile = await world.send(HOSTILE);
  demo = await world.accountOf(hostile.id);
  await world.operate("PATCH", `/accounts/${demo}`, { messagePerMinute: 1000 });
  await fillWithHostileTexts();
  (await world.signIn()).context().close();
  await eventually("an event was refused", async () => (await deliveries()).some(({ attempts }) => attempts.length > 0));
});

// Texts of strangers in every place that shows a text.
async function fillWithHostileTexts() {
  const [number] = world.demo.numbers;
  account = (await world.operate("POST", "/accounts", { name: `${SCRIPT} ${HOSTILE}` })).id;
  await world.operate("POST", `/accounts/${account}/keys`, { name: SCRIPT, mode: "test" });
  await world.operate("POST", "/numbers", { number: "+18005550888", accountId: account });
  await world.operate("PUT", "/blocks/+18005550111", { kind: "recipient", accountId: account, reason: HOSTILE });
  await world.operate("PUT", "/optouts/+18005550112", { accountId: account, reason: HOSTILE });
  await world.operate("PUT", `/accounts/${account}/screening/templates`, { text: `Hello {name} ${SCRIPT}`, note: HOSTILE });
  await world.operate("PUT", `/accounts/${account}/screening`, { allowedPhrases: [HOSTILE, SCRIPT] });
  await world.operate("PUT", `/accounts/${account}/keywords`, { support: SCRIPT, stopWords: ["b pay"] });
  await world.operate("PUT", "/numbers/+18005550888/keywords", { support: SCRIPT, helpText: `{account} ${SCRIPT}` });
  await world.send("Hello", "+18005550113", { reference: HOSTILE });
  await world.ask("POST", "/broadcast", { recipients: ["+18005550114"], from: number, body: HOSTILE, reference: SCRIPT });
  for (const text of [HOSTILE, SCRIPT, TOWER]) {
    await world.phone("POST", "phones/18005550199/reply", { to: number, text });
    await world.phone("POST", "phones/18005550199/reply", { to: "+18005550777", text });
  }
  await world.send(`${WEED} ${HOSTILE}`);
  [decision] = (await world.operate("GET", "/screening")).data;
  await world.operate("POST", `/screening/${decision.id}/review`, { correct: true, note: HOSTILE });
  await world.send(WEED);
  [decision] = (await world.operate("GET", "/screening?reviewed=false")).data;
  await eventually("the phone's texts arrive", async () => {
    const { data } = await world.operate("GET", "/inbound");
    tower = data.find(({ body }) => body === TOWER);
    return tower && (await world.operate("GET", "/inbound/unrouted")).data.length >= 3;
  });
}

const deliveries = async () => (await world.operate("GET", `/webhooks/${hook.id}/deliveries`)).data;

const eventually = async (what, look) => {
  const deadline = Date.now() + 60_000;
  while (!(await look())) {
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

after(async () => await world?.stop());

const paths = () => [
  "/console",
  "/console/messages",
  `/console/messages/${hostile.id}`,
  "/console/broadcasts",
  "/console/accounts",
  "/console/accounts/new",
  `/console/accounts/${account}`,
  `/console/accounts/${account}/blocks`,
  `/console/accounts/${account}/keys`,
  `/console/accounts/${account}/numbers`,
  `/console/accounts/${account}/optouts`,
  `/console/accounts/${account}/templates`,
  `/console/accounts/${account}/keywords`,
  `/console/accounts/${account}/policy`,
  `/console/accounts/${account}/retention`,
  "/console/numbers/+18005550888",
  "/console/numbers/+18005550888/keywords",
  `/console/accounts/${account}/usage`,
  `/console/accounts/${demo}/usage`,
  `/console/accounts/${demo}/webhooks`,
  `/console/webhooks/${hook.id}`,
  `/console/webhooks/${hook.id}/replay`,
  "/console/carriers",
  "/console/screening",
  "/console/screening/groups",
  `/console/screening/${decision.id}`,
  `/console/screening/${decision.id}/phrase`,
  `/console/screening/${decision.id}/domain`,
  "/console/inbound",
  "/console/inbound/unrouted",
  "/console/inbound/keywords",
  `/console/messages/${tower.id}`,
  "/console/live",
  "/console/messages/new",
  `/console/carriers/${carrier}`,
  `/console/carriers/${carrier}/stop`,
  `/console/carriers/${carrier}/message`,
  `/console/accounts/${account}/optouts?number=%2B18005550999`,
  "/console/operators",
  "/console/operators/new",
  "/console/audit",
];

test("every page is sound, accessible and within its policy, in light and in dark", async () => {
  await isSound(world, world.url, paths());
});

test("every page fits 320 pixels, and a wall", async () => await fits(world, world.url, paths(), [320, 2560]));

test("every page can be read without scripts", async () => await reads(world, world.url, paths()));

test("a page that moves stands still where a person wants less motion", async () => {
  for (const [reducedMotion, moves] of [["no-preference", true], ["reduce", false]]) {
    const page = await world.page({ reducedMotion });
    await page.goto(`${world.url}/console`);
    const moving = await page.evaluate(() =>
      [...document.querySelectorAll("*")].some((element) => {
        const { transitionDuration, animationName } = getComputedStyle(element);
        return transitionDuration.split(", ").some((time) => time !== "0s") || animationName !== "none";
      }),
    );
    assert.equal(moving, moves, reducedMotion);
    await page.context().close();
  }
});

test("ten thousand marks on one letter stay within their text", async () => {
  const page = await world.page();
  for (const path of [`/console/messages/${tower.id}`, "/console/inbound", "/console/inbound/unrouted"]) {
    await page.goto(world.url + path);
    const text = page.locator("main .text").filter({ hasText: /^Z/ }).first();
    await text.scrollIntoViewIfNeeded();
    const around = async () => (await page.screenshot({ mask: [text] })).toString("hex");
    const kept = await around();
    await text.evaluate((shown) => (shown.textContent = "Z"));
    assert.equal(await around(), kept, path);
  }
  await page.context().close();
});

test("a text that strangers wrote is nothing but text", async () => {
  const page = await world.page();
  for (const path of paths()) {
    await page.goto(world.url + path);
    assert.equal(await page.locator("main b, main script, main a[href*='evil.example']").count(), 0, path);
    assert.ok(!(await page.title()).includes("pay"), path);
    // A form holds a text as it was typed.
    const shown = await page.evaluate(() => document.querySelector("main").innerText);
    assert.ok(!shown.includes("\u202E"), path);
    assert.deepEqual(page.wrongs, [], path);
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
  const page = await world.page({ permissions: ["clipboard-read", "clipboard-write"] });
  const own = `${world.url}/console/accounts/${account}`;
  await page.goto(own);
  await page.getByRole("link", { name: "New key" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill(HOSTILE);
  await page.getByRole("dialog").getByRole("button", { name: "New key" }).click();
  const secret = await page.locator("#secret").innerText();
  assert.ok(secret.length > 20);
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  await page.getByRole("link", { name: "Back" }).click();
  assert.ok(!(await page.content()).includes(secret));
  const key = page.getByRole("table", { name: "Keys" }).locator("tbody tr").filter({ hasText: "live" });
  assert.match(await key.innerText(), /pay.*⟨U\+202E⟩live/);
  assert.match(await key.innerText(), /never/);
  await key.getByRole("link", { name: "Revoke" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("This cannot be undone").waitFor();
  await dialog.getByRole("link", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "detached" });
  await key.getByRole("link", { name: "Revoke" }).click();
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
  await page.getByRole("link", { name: "Change the retention of texts" }).click();
  await page.getByText("This cannot be undone").waitFor();
  await page.getByLabel("Days for which texts are kept").fill("14");
  await page.getByRole("button", { name: "Change the retention of texts" }).click();
  await page.getByText("The retention of texts is changed.").waitFor();
  await page.getByText("14 days").waitFor();
  await page.getByRole("link", { name: "New opt-out" }).click();
  await page.getByLabel("Handset").fill("nonsense");
  await page.getByRole("button", { name: "New opt-out" }).click();
  await page.getByRole("alert").getByText("number", { exact: true }).waitFor();
  assert.equal(await page.getByLabel("Handset").inputValue(), "nonsense", "what was typed is kept");
  await page.getByLabel("Handset").fill("+18005550123");
  await page.getByRole("button", { name: "New opt-out" }).click();
  await page.getByText("The handset is opted out.").waitFor();
  await page.getByRole("link", { name: "Lift" }).click();
  await page.getByRole("button", { name: "Lift" }).click();
  await page.getByText("The block is lifted.").waitFor();
  await page.context().close();
});

test("keywords of an account and of a number are added, changed and removed", async () => {
  const page = await world.page();
  for (const [path, settings] of [
    [`/console/accounts/${demo}`, `/accounts/${demo}/keywords`],
    [`/console/numbers/${world.demo.numbers[0]}`, `/numbers/${world.demo.numbers[0]}/keywords`],
  ]) {
    const change = async (fill) => {
      await page.goto(world.url + path);
      await page.getByRole("link", { name: "Change the keywords" }).click();
      const dialog = page.getByRole("dialog");
      await fill(dialog);
      await dialog.getByRole("button", { name: "Change the keywords" }).click();
      await page.getByText("The keywords are changed.").waitFor();
    };
    const words = (dialog) => dialog.getByLabel("Further words that stop messages");
    await change(async (dialog) => {
      await words(dialog).fill("halt\nenough");
      await dialog.getByLabel("fr", { exact: true }).check();
      await dialog.getByLabel("Answer to HELP").fill("{account}: call us");
    });
    await page.locator("#keywords").getByText("enough, halt").waitFor();
    await change(async (dialog) => {
      assert.equal(await words(dialog).inputValue(), "enough\nhalt");
      assert.ok(await dialog.getByLabel("fr", { exact: true }).isChecked());
      await words(dialog).fill("basta");
    });
    const { stopWords, languages, helpText } = await world.operate("GET", settings);
    assert.deepEqual([stopWords, languages, helpText], [["basta"], ["fr"], "{account}: call us"]);
    await change(async (dialog) => {
      await words(dialog).fill("");
      await dialog.getByLabel("fr", { exact: true }).uncheck();
      await dialog.getByLabel("Answer to HELP").fill("");
    });
    const [{ before, after }] = (await world.operate("GET", `/audit?path=${settings.slice(0, 9)}`)).data;
    assert.deepEqual([before.stopWords, after.stopWords, after.helpText], [["basta"], [], null]);
  }
  await page.goto(`${world.url}/console/inbound/keywords`);
  await page.getByRole("link", { name: "Change the keywords" }).first().click();
  await page.getByRole("dialog").getByLabel("Further words that stop messages").fill("HELP");
  await page.getByRole("dialog").getByRole("button", { name: "Change the keywords" }).click();
  await page.getByRole("alert").getByText("stopWords").waitFor();
  assert.equal(await page.getByLabel("Further words that stop messages").inputValue(), "HELP");
  assert.deepEqual(page.wrongs.filter((wrong) => !wrong.includes("400")), []);
  await page.context().close();
});

test("a phrase and a domain are allowed out of the decision about their text", async () => {
  const page = await world.page();
  const open = async (name) => {
    await page.goto(`${world.url}/console/screening?reviewed=false`);
    const shown = page.locator("article").filter({ hasText: "best-weed.example" }).first();
    await shown.getByRole("link", { name, exact: true }).click();
    assert.ok(!page.url().includes("weed"), "a text stands in no address");
    return page.getByRole("dialog");
  };
  const allowed = await open("Allow a domain");
  assert.equal(await allowed.getByLabel("Domain").inputValue(), "best-weed.example");
  await allowed.getByRole("button", { name: "Allow a domain" }).click();
  await page.getByText("The domain is allowed.").waitFor();
  await page.getByText("The screen still finds something in the text").waitFor();
  await world.send(WEED);
  const dialog = await open("Allow a phrase");
  assert.match(await dialog.getByLabel("Phrase").inputValue(), /cannabis|THC|gummies|vapes/i);
  await dialog.getByLabel("Phrase").fill(WEED.split(" now")[0]);
  await dialog.getByRole("button", { name: "Allow a phrase" }).click();
  await page.getByText("The phrase is allowed.").waitFor();
  await page.getByText("The text passes now.").waitFor();
  assert.equal((await world.send(WEED)).status, "queued");
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});

test("a message shows where its text splits, and the characters that made its segments short", async () => {
  const sent = await world.send(`${"Stay ".repeat(13)}don’t go 😀 far`);
  const page = await world.page();
  await page.goto(`${world.url}/console/messages/${sent.id}`);
  assert.equal(await page.locator(".segment").count(), 2);
  assert.deepEqual([...new Set(await page.locator(".segment mark").allInnerTexts())], ["’", "😀"]);
  await page.getByText("SMS in UCS-2, 2 segments of 67 and").waitFor();
  const marker = (segment) => getComputedStyle(segment, "::before").content;
  assert.equal(await page.locator(".segment").last().evaluate(marker), '"2"');
  await page.getByText("Because of these characters the text is in UCS-2").waitFor();
  await page.context().close();
});

test("an inbound message shows the characters that made it UCS-2, on its page and where it belongs to nobody", async () => {
  const [number] = world.demo.numbers;
  const text = "Where’s my order? 😀";
  for (const to of [number, "+18005550777"]) await world.phone("POST", "phones/18005550198/reply", { to, text });
  const find = async (path) => (await world.operate("GET", path)).data.find(({ body }) => body === text);
  await eventually("both arrive", async () => (await find("/inbound")) && (await find("/inbound/unrouted")));
  const page = await world.page();
  await page.goto(`${world.url}/console/messages/${(await find("/inbound")).id}`);
  await page.getByText("SMS in UCS-2, 1 segment.").waitFor();
  assert.deepEqual(await page.locator(".bubble mark").allInnerTexts(), ["’", "😀"]);
  await page.getByText("Because of these characters the text is in UCS-2; they are marked: ’ at 6, 😀 at 19").waitFor();
  assert.equal(await page.getByRole("heading", { name: "Timeline" }).count(), 0);
  await page.goto(`${world.url}/console/inbound/unrouted`);
  const row = page.getByRole("row").filter({ hasText: "my order" });
  await row.locator("summary").click();
  await row.getByText("Because of these characters").waitFor();
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});

test("an act leads back to the list as it was narrowed", async () => {
  await world.send(WEED.replace("gummies", "vapes"));
  await world.send(WEED.replace("gummies", "oils"));
  const page = await world.page();
  const narrowed = `${world.url}/console/screening?reviewed=false&mode=live`;
  await page.goto(narrowed);
  await page.getByRole("link", { name: "The screen was right" }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "The screen was right" }).click();
  await page.getByText("The decision is confirmed.").waitFor();
  assert.equal(page.url(), narrowed);
  await page.context().close();
});

test("the live view begins with the latest messages that its filter lets pass", async () => {
  const sent = await world.send("filtered");
  const page = await world.page({ javaScriptEnabled: false });
  const shown = () => page.locator(`tbody a[href$="${sent.id}"]`).count();
  for (const [query, count] of [[`accountId=${demo}`, 1], [`accountId=${account}`, 0], ["carrier=none", 0]]) {
    await page.goto(`${world.url}/console/live?${query}`);
    assert.equal(await shown(), count, query);
  }
  await page.context().close();
});

test("accounts are searched by a part of their name", async () => {
  const { id } = await world.operate("POST", "/accounts", { name: "Bäckerei Nord" });
  const page = await world.page({ javaScriptEnabled: false });
  await page.goto(`${world.url}/console/accounts`);
  assert.ok((await page.locator("tbody tr").count()) > 1);
  await page.getByLabel("Name", { exact: true }).fill("bäcker");
  await page.getByRole("button", { name: "Filter" }).click();
  assert.equal(await page.locator("tbody tr").count(), 1);
  await page.locator(`tbody a[href$="${id}"]`).first().click();
  await page.getByText("Bäckerei Nord").waitFor();
  await page.goto(`${world.url}/console/accounts?name=nobody`);
  await page.getByText("No account has such a name.").waitFor();
  await page.context().close();
});

test("opt-outs of an account are searched by handset", async () => {
  const page = await world.page({ javaScriptEnabled: false });
  await page.goto(`${world.url}/console/accounts/${account}/optouts`);
  await page.getByLabel("Handset").fill("+18005550112");
  await page.getByRole("button", { name: "Filter" }).click();
  assert.equal(await page.getByRole("table", { name: "Opt-outs" }).locator("tbody tr").count(), 1);
  await page.getByLabel("Handset").fill("+18005550999");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByText("None of these is like that. Widen the filter.").waitFor();
  await page.context().close();
});

test("a page that follows what happens keeps open what a person has opened", async () => {
  const page = await world.page();
  await page.clock.install();
  await page.goto(`${world.url}/console/webhooks/${hook.id}`);
  let reads = 0;
  page.on("request", (request) => (reads += request.resourceType() === "fetch" ? 1 : 0));
  const summary = page.locator("#deliveries summary").last();
  await summary.click();
  await page.locator("h1").click();
  await page.clock.runFor(6_000);
  assert.ok(await page.locator("#deliveries details[open]").count());
  const before = reads;
  await summary.click();
  await page.locator("h1").click();
  const fetched = page.waitForRequest((request) => request.resourceType() === "fetch");
  await page.clock.runFor(6_000);
  await fetched;
  assert.ok(reads > before);
  await page.context().close();
});

test("the usage of an account is shown by day, as it is counted", async () => {
  const page = await world.page({ javaScriptEnabled: false });
  await page.goto(`${world.url}/console/accounts/${demo}`);
  await page.getByRole("link", { name: "Other days, and test messages" }).click();
  const { data } = await world.operate("GET", `/accounts/${demo}/usage`);
  const sent = data.filter(({ direction, messageType }) => direction === "outbound" && messageType === "SMS");
  // Midnight may pass while these tests run.
  const last = sent.map(({ day }) => day).sort().at(-1);
  const sum = (name) => sent.reduce((total, counted) => total + (counted.day === last ? counted[name] : 0), 0);
  const rows = page.getByRole("table", { name: "Messages by day" }).getByRole("row");
  const row = rows.filter({ hasText: last }).filter({ hasText: "SMS" });
  await row.getByText(`${sum("messages")} / ${sum("segments")}`).first().waitFor();
  assert.ok(await page.getByRole("img", { name: /Outbound messages: .*Delivered \d+/ }).isVisible());
  await page.getByLabel("From", { exact: true }).fill("2020-01-01");
  await page.getByLabel("To", { exact: true }).fill("2020-01-31");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByText("No messages in these days. Choose others, or another mode.").waitFor();
  await page.getByLabel("From", { exact: true }).fill("yesterday");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("alert").getByText("from", { exact: true }).waitFor();
  await page.context().close();
});

test("the deliveries of a webhook are shown, and an operator replays events", async () => {
  const page = await world.page();
  await page.goto(`${world.url}/console/accounts/${demo}`);
  await page.getByRole("table", { name: "Webhooks" }).getByRole("link").click();
  await page.waitForURL(`${world.url}/console/webhooks/${hook.id}`);
  const table = page.getByRole("table", { name: "Deliveries" });
  const failed = table.locator("tbody tr").filter({ hasText: "HTTP 500" });
  await failed.locator("summary").last().click();
  assert.match(await failed.locator(".detail").last().innerText(), /⟨U\+202E⟩live⟨U\+202C⟩/);
  const [{ eventId }] = (await deliveries()).filter(({ attempts }) => attempts[0]?.httpStatus === 500);
  const before = hook.came.filter((id) => id === eventId).length;
  await table.locator("tbody tr").filter({ hasText: eventId }).getByRole("link", { name: "Replay" }).click();
  const dialog = page.getByRole("dialog");
  assert.equal(await dialog.getByLabel("Events").inputValue(), eventId);
  await dialog.getByRole("button", { name: "Replay" }).click();
  await page.getByText("The events are on their way again.").waitFor();
  await eventually("the event comes again", () => hook.came.filter((id) => id === eventId).length > before);
  const { data } = await world.operate("GET", "/audit?path=/webhooks");
  assert.deepEqual([data[0].path, data[0].request], [`/webhooks/${hook.id}/replay`, { eventIds: [eventId] }]);

  const again = hook.came.length;
  await page.getByRole("link", { name: "Replay a time" }).click();
  await dialog.getByLabel("Since").fill("yesterday");
  await dialog.getByRole("button", { name: "Replay a time" }).click();
  await page.getByRole("alert").getByText("since", { exact: true }).waitFor();
  await page.goto(`${world.url}/console/webhooks/${hook.id}/replay`);
  await page.getByLabel("Since").fill("2026-01-01T00:00:00Z");
  await page.getByLabel("Deliveries that are").selectOption("any");
  await page.getByRole("button", { name: "Replay a time" }).click();
  await page.getByText("The events are on their way again.").waitFor();
  await eventually("all events come again", () => new Set(hook.came.slice(again)).size > 1);
  await page.getByLabel("Status").selectOption("succeeded");
  await page.getByRole("button", { name: "Filter" }).click();
  assert.equal(await table.locator("tbody .chip").filter({ hasNotText: "succeeded" }).count(), 0);
  await page.getByLabel("Type of event").fill("messaging.outgoing.message.canceled");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByText("No delivery is like that.").waitFor();
  assert.deepEqual(page.wrongs.filter((wrong) => !wrong.includes("400")), []);
  await page.context().close();
});

test("a long list of an account has pages of its own", async () => {
  const numbers = Array.from({ length: 60 }, (_, index) => `+180055520${String(index).padStart(2, "0")}`);
  const { id } = await world.operate("POST", "/accounts", { name: "Many blocks" });
  for (const number of numbers) await world.operate("PUT", `/blocks/${number}`, { kind: "recipient", accountId: id });
  const page = await world.page({ javaScriptEnabled: false });
  await page.goto(`${world.url}/console/accounts/${id}`);
  assert.equal(await page.getByRole("table", { name: "Blocks" }).locator("tbody tr").count(), 25);
  await page.getByRole("link", { name: "All of these: Blocks" }).click();
  const seen = await page.locator("tbody tr td:first-child").allInnerTexts();
  await page.getByRole("link", { name: "Next page" }).click();
  seen.push(...(await page.locator("tbody tr td:first-child").allInnerTexts()));
  assert.deepEqual(seen.map((text) => text.trim()).sort(), numbers);
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

test("the keyboard alone leads to a change", async () => {
  const page = await world.page();
  await page.goto(`${world.url}/console/accounts/${account}`);
  const tab = async (isThere) => {
    for (let presses = 0; presses < 200; presses += 1) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(isThere)) return;
    }
    assert.fail(`Tab does not lead to ${isThere}`);
  };
  await tab(() => document.activeElement.textContent === "New block");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await tab(() => document.activeElement.name === "number");
  await page.keyboard.type("+18005550155");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  await page.keyboard.type("By keyboard");
  await page.keyboard.press("Enter");
  await page.getByText("The number is blocked.").waitFor();
  const { data } = await world.operate("GET", "/blocks/+18005550155");
  assert.deepEqual(data.map(({ kind, reason }) => [kind, reason]), [["sender", "By keyboard"]]);
  await page.context().close();
});

test("the console of dev leads to the phones", async () => {
  const page = await world.page();
  await page.goto(`${world.url}/console`);
  await page.getByRole("navigation", { name: "Parts of the console" }).getByRole("link", { name: "Phones" }).click();
  await page.getByRole("heading", { name: "Phones", exact: true }).waitFor();
  assert.equal(page.url(), `${world.url}/dev`);
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});

test("a link works once, and signing out ends the session", async () => {
  const context = await world.browser.newContext();
  const page = await context.newPage();
  await page.goto(world.link);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("This link was used already").waitFor();
  await page.goto(`${world.url}/console/messages`);
  assert.equal(new URL(page.url()).pathname, "/console/sign-in");
  await context.close();
});

test("a shared link leads to its page, through the sign-in", async () => {
  const password = "a password of some length";
  await world.operate("POST", "/operators", { name: "petra", role: "viewer", password });
  const page = await (await world.browser.newContext()).newPage();
  const shared = `${world.url}/console/messages?to=%2B18005550199&status=delivered`;
  await page.goto(shared);
  await page.getByLabel("Name").fill("petra");
  await page.getByLabel("Password").fill("not hers");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("The name or the password is wrong.").waitFor();
  await page.getByLabel("Name").fill("petra");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(shared);
  await page.context().close();
});

test("a role shows its own pages and acts, and masks what a viewer reads", async () => {
  await world.operate("POST", "/operators", { name: "vera", role: "viewer" });
  await world.operate("POST", "/operators", { name: "otto", role: "operator" });
  const viewer = await world.signInAs("vera");
  await viewer.goto(`${world.url}/console/messages/${hostile.id}`);
  assert.match(await viewer.locator(".bubble").first().innerText(), /Masked, \d+ characters/);
  assert.match(await viewer.locator("main").innerText(), /\+1\*{8}99/);
  assert.equal(await viewer.getByRole("link", { name: "Send again" }).count(), 0);
  await viewer.goto(`${world.url}/console/webhooks/${hook.id}`);
  assert.equal(await viewer.getByRole("link", { name: /Replay/ }).count(), 0);
  await viewer.locator("summary").last().click();
  assert.match(await viewer.locator(".detail").last().innerText(), /Masked, \d+ characters/);
  const forged = await viewer.goto(`${world.url}/console/webhooks/${hook.id}/replay`);
  assert.equal(forged.status(), 403);
  await viewer.goto(`${world.url}/console/messages/${hostile.id}`);
  const parts = viewer.getByRole("navigation", { name: "Parts of the console" });
  assert.equal(await parts.getByText(/Operators|Audit log/).count(), 0);
  await viewer.getByRole("link", { name: "Reveal" }).click();
  await viewer.getByRole("dialog").getByRole("button", { name: "Reveal" }).click();
  await viewer.getByText("https://evil.example").waitFor();
  const seen = await world.operate("GET", "/audit?actor=vera&path=/messages");
  assert.equal(seen.data[0].path, `/messages/${hostile.id}/reveal`);
  // Live lines have masked numbers: a filter by number shows the latest messages, and says so.
  await viewer.goto(`${world.url}/console/live`);
  await viewer.getByText("Live from node").waitFor();
  await viewer.getByLabel("Number").fill("+18005550113");
  await viewer.getByRole("button", { name: "Filter" }).click();
  await viewer.getByText("does not follow new ones").waitFor();
  await viewer.getByText("These are the latest messages.").waitFor();
  assert.ok(await viewer.locator("#live tbody tr").count());
  assert.equal(await viewer.getByRole("button", { name: "Pause" }).count(), 0);
  await viewer.goto(`${world.url}/console/operators`);
  await viewer.getByRole("heading", { name: "Your role may not do this" }).waitFor();
  await viewer.context().close();
  const operator = await world.signInAs("otto");
  await operator.goto(`${world.url}/console/audit`);
  await operator.getByRole("heading", { name: "Audit log" }).waitFor();
  await operator.goto(`${world.url}/console/accounts/${account}`);
  assert.equal(await operator.getByRole("link", { name: "New key" }).count(), 0);
  await operator.context().close();
});

test("an operator is added, gets a link, and is disabled", async () => {
  const page = await world.page();
  await page.goto(`${world.url}/console/operators`);
  await page.getByRole("link", { name: "New operator" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("grace");
  await dialog.getByLabel("Role").selectOption("operator");
  await dialog.getByRole("button", { name: "New operator" }).click();
  await page.getByText("The operator is added.").waitFor();
  const row = page.getByRole("row").filter({ hasText: "grace" });
  await row.getByRole("link", { name: "Make a sign-in link" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Make a sign-in link" }).click();
  const link = await page.locator("#secret").innerText();
  const other = await (await world.browser.newContext()).newPage();
  await other.goto(world.url + link);
  await other.getByRole("button", { name: "Sign in" }).click();
  await other.waitForURL(`${world.url}/console`);
  await page.getByRole("link", { name: "Back" }).click();
  await row.getByRole("link", { name: "Disable" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
  await page.getByText("The operator is disabled.").waitFor();
  await other.goto(`${world.url}/console/messages`);
  assert.equal(new URL(other.url()).pathname, "/console/sign-in");
  await page.goto(`${world.url}/console/audit?path=/operators/grace`);
  assert.ok((await page.locator("tbody tr").count()) >= 2);
  assert.deepEqual(page.wrongs, []);
  await other.context().close();
  await page.context().close();
});

test("a message is sent and sent again", async () => {
  const page = await world.page();
  await page.goto(`${world.url}/console/messages`);
  await page.getByRole("link", { name: "Send a message" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Account").fill(await world.accountOf(hostile.id));
  await dialog.getByLabel("Mode").selectOption("live");
  await dialog.getByLabel("From").fill(world.demo.numbers[0]);
  await dialog.getByLabel("To").fill("+18005550177");
  await dialog.getByLabel("Text").fill("From the console");
  await dialog.getByRole("button", { name: "Send a message" }).click();
  await page.getByText("The message is accepted.").waitFor();
  const first = page.url();
  await page.getByRole("link", { name: "Send again" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Send again" }).click();
  await page.getByText("The message is sent again, as this one.").waitFor();
  assert.notEqual(page.url(), first);
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});

// Clicks once more while the answer to the first click is on its way. So many forms are sent by that; returns the
// answers of the server.
async function clickTwice(page, button, forms) {
  const answers = [];
  let goOn;
  const clicked = new Promise((resolve) => (goOn = resolve));
  await page.route("**", async (route) => {
    const request = route.request();
    if (request.method() !== "POST") return route.continue();
    // The server gets a form although the browser gives it up for the next one, as over a network.
    const headers = { ...(await request.allHeaders()), origin: world.url };
    const answer = await route.fetch({ headers, maxRedirects: 0 });
    answers.push(answer);
    if (answers.length === 1) await clicked;
    await route.fulfill({ response: answer }).catch(() => {});
  });
  await button.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await button.boundingBox();
  // `button.click` would wait for the next page.
  const click = () => page.mouse.click(x + width / 2, y + height / 2);
  await click();
  await eventually("the first form arrives", () => answers.length === 1);
  await click();
  await eventually("the second form arrives", () => answers.length >= forms);
  goOn();
  return answers;
}

test("a double click sends one message, without scripts too", async () => {
  for (const [javaScriptEnabled, forms, to] of [[true, 1, "+18005550178"], [false, 2, "+18005550179"]]) {
    const page = await world.page({ javaScriptEnabled });
    await page.goto(`${world.url}/console/messages/new`);
    await page.getByLabel("Account").fill(demo);
    await page.getByLabel("From").fill(world.demo.numbers[0]);
    await page.getByLabel("To").fill(to);
    await page.getByLabel("Text").fill("Once");
    const answers = await clickTwice(page, page.getByRole("button", { name: "Send a message" }), forms);
    await page.getByText("The message is accepted.").waitFor();
    assert.equal(answers.length, forms);
    const { data } = await world.operate("GET", `/messages?mode=test&to=${encodeURIComponent(to)}`);
    assert.deepEqual(data.map(({ id }) => `/console/messages/${id}`), [...new Set(answers.map((one) => one.headers().location))]);
    await page.context().close();
  }
});

test("a double click opens one dialog, and makes one key", async () => {
  const page = await world.page();
  await page.goto(`${world.url}/console/accounts/${demo}/keys`);
  await page.getByRole("link", { name: "New key" }).dblclick();
  await page.waitForLoadState("networkidle");
  assert.equal(await page.locator("dialog").count(), 1);
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Made once");
  const answers = await clickTwice(page, dialog.getByRole("button", { name: "New key" }), 1);
  await page.locator("#secret").waitFor();
  assert.equal(answers.length, 1);
  const { data } = await world.operate("GET", `/accounts/${demo}/keys`);
  assert.equal(data.filter(({ name }) => name === "Made once").length, 1);
  await page.unrouteAll();
  // A form that was refused can be sent again.
  await page.goto(`${world.url}/console/accounts/${demo}/keys/new`);
  await page.getByLabel("Expires").fill("tomorrow");
  await page.getByRole("button", { name: "New key" }).click();
  await page.getByRole("alert").getByText("expiresAt").waitFor();
  await page.getByLabel("Expires").fill("");
  await page.getByRole("button", { name: "New key" }).click();
  await page.locator("#secret").waitFor();
  assert.deepEqual(page.wrongs.filter((wrong) => !wrong.includes("400")), []);
  await page.context().close();
});

test("a carrier is tested, traced, stopped and started", async () => {
  const page = await world.page();
  await page.goto(`${world.url}/console/carriers/${carrier}`);
  const act = async (name, done) => {
    await page.getByRole("link", { name, exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name, exact: true }).click();
    await page.getByText(done).first().waitFor();
  };
  await act("Test the connection", "The test is over.");
  await page.getByText("The carrier can be reached.").waitFor();
  await page.getByRole("link", { name: "Back" }).click();
  await act("Trace PDUs", "The trace has begun.");
  const sent = await world.send("traced");
  await page.goto(`${world.url}/console/messages/${sent.id}`);
  await page.locator("code", { hasText: "submit_sm" }).first().waitFor();
  await page.goto(`${world.url}/console/carriers/${carrier}`);
  await act("Stop", "The carrier is stopped.");
  const waiting = await world.send("waits");
  await page.goto(`${world.url}/console/messages/${waiting.id}`);
  await page.getByText("Still queued:").waitFor();
  await page.goto(`${world.url}/console/carriers/${carrier}`);
  await act("Start", "The carrier is started.");
  assert.deepEqual(page.wrongs, []);
  await page.context().close();
});

test("live messages come over one connection, however many tabs are open", async () => {
  const context = await world.browser.newContext();
  await context.addCookies(world.state);
  let connections = 0;
  context.on("request", (request) => (connections += request.url().endsWith("/console/live/events") ? 1 : 0));
  const pages = [];
  for (let count = 0; count < 10; count += 1) {
    const page = await context.newPage();
    await page.goto(`${world.url}/console/live${count === 9 ? "?status=failed" : ""}`);
    pages.push(page);
  }
  await pages[0].getByText("Live from node").waitFor();
  const sent = await world.send("live");
  for (const page of pages.slice(0, 9)) {
    await page.locator(`[aria-label="Messages as they happen"] a[href$="${sent.id}"]`).first().waitFor();
  }
  assert.equal(await pages[9].locator('[aria-label="Messages as they happen"] tbody tr').count(), 0);
  assert.equal(connections, 1);
  await pages[1].getByRole("button", { name: "Pause" }).click();
  const count = await pages[1].locator('[aria-label="Messages as they happen"] tbody tr').count();
  const next = await world.send("more");
  await pages[2].locator(`[aria-label="Messages as they happen"] a[href$="${next.id}"]`).first().waitFor();
  assert.equal(await pages[1].locator('[aria-label="Messages as they happen"] tbody tr').count(), count);
  await pages[1].getByText(/Lines that passed in pauses: [1-9]/).waitFor();
  // Another tab takes over when the one with the connection is closed.
  const taken = context.waitForEvent("response", (response) => response.url().endsWith("/console/live/events"));
  await pages[0].close();
  await taken;
  const last = await world.send("last");
  await pages[2].locator(`[aria-label="Messages as they happen"] a[href$="${last.id}"]`).first().waitFor();
  await context.close();
});

test("a live view that the server refused comes back by itself", async () => {
  const page = await world.page();
  let refusals = 0;
  await page.route("**/console/live/events", (route) => {
    refusals += 1;
    return refusals === 1 ? route.fulfill({ status: 503, body: "" }) : route.continue();
  });
  await page.goto(`${world.url}/console/live`);
  await page.getByText("The connection is gone; it comes back by itself.").waitFor();
  await page.getByText("Live from node").waitFor();
  assert.equal(refusals, 2);
  await page.context().close();
});
