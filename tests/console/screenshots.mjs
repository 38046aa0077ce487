// The pictures of the documentation: node screenshots.mjs DIRECTORY whole|short [WORDS]
//
// The data are fixed, and so is the clock: it stands still until this script sets it. Two runs take pictures that say
// the same. With WORDS, what each of them says is written into that directory.

import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { World } from "./world.mjs";

const [DIRECTORY, LENGTH, WORDS] = process.argv.slice(2);
const IS_SHORT = LENGTH === "short";
// A step of the charts; how many there are before the traffic, and with it.
const STEP_MS = 5_000;
const STEPS_OF_QUIET = 12;
const STEPS_OF_TRAFFIC = IS_SHORT ? 2 : 48;
// When the server starts, and when the charts begin.
const START = Date.parse("2026-03-15T13:00:00Z");
const BEGIN = Date.parse("2026-03-15T14:00:00Z");
const OPTIONS = { locale: "en-GB", timezoneId: "UTC", reducedMotion: "reduce" };
const SHOP = "+18005550100";

// The phones on the pictures, each with its conversation: a text of the platform, an answer, or a state of the phone.
const PHONES = [
  {
    number: "+18005550118",
    talk: [
      "Your parcel arrives today between 14:00 and 16:00.",
      { answer: "Please leave it with the neighbours" },
      { state: "off" },
      "Your parcel is with your neighbours at number 12.",
    ],
  },
  {
    number: "+18005550127",
    talk: [
      "Zum Termin am Mittwoch um 9 Uhr bitte nüchtern kommen ☺",
      { answer: "Danke!" },
      { state: "full" },
      "Your invoice 2026-118 is in your account.",
    ],
  },
  {
    number: "+18005550142",
    talk: [
      "Your table for two is booked: Friday, 19:30. Reply C to cancel.",
      { answer: "C" },
      "Your table is canceled. Book again at any time.",
    ],
  },
  {
    number: "+18005550199",
    talk: [
      { answer: "Look what we found", picture: "sample" },
      "Your code is 482910. It is valid for 10 minutes.",
      { answer: "Thanks. Is the shop open on Sunday?" },
      "Yes, from 10:00 to 16:00. This month we celebrate our tenth birthday: bring this message, and coffee and cake " +
        "are on us, for you and for everybody you bring along. See you soon!",
    ],
  },
];

// The messages of a phone, which may not have any yet.
async function messages(number) {
  const { data } = await world.phone("GET", "phones");
  return data.some((phone) => phone.number === number) ? world.phone("GET", `phones/${number}`) : { data: [] };
}

// Waits until a phone has so many messages, and the platform has acknowledged what there is to acknowledge.
async function settled(number, count) {
  for (let looks = 0; looks < 400; looks += 1) {
    const { data, waiting } = await messages(number);
    const isAtRest = waiting > 0 || data.every(({ receipt }) => receipt === "acknowledged");
    if (data.length >= count && isAtRest) return;
    await pause(50);
  }
  throw new Error(`the messages of ${number} do not come to rest`);
}

async function talk() {
  let last;
  let minute = 0;
  for (const { number, talk } of PHONES) {
    let count = (await messages(number)).data.length;
    for (const turn of talk) {
      world.setClock(new Date(START + (minute += 3) * 60_000));
      if (turn.state) {
        await world.phone("PUT", `phones/${number}`, { state: turn.state });
        continue;
      }
      if (turn.answer) {
        const { answer: text, picture } = turn;
        await world.phone("POST", `phones/${number}/reply`, { to: SHOP, text, picture });
      } else last = await world.send(turn, number);
      await settled(number, (count += 1));
      // A phone that waits may still have a receipt under way, which belongs to this minute.
      await pause(500);
    }
  }
  return last;
}

// What every run and every machine make anew is put into the terms of the picture: ids and ports in the order in which
// they appear, the name of the machine, and times that it took.
function steady(machine) {
  const known = new Map();
  const place = (own) => {
    if (!known.has(own)) known.set(own, String(known.size + 1));
    return known.get(own);
  };
  const id = (whole, kind, own) => `${kind}_${place(own).padStart(own.length, "0123456789ABCDEFGHIJKL")}`;
  const port = (whole, own) => `127.0.0.1:${place(own).padStart(5, "40000")}`;
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const { data } = words.currentNode;
    const fresh = data
      .replace(/\b([a-z]{2,4})_([0-9A-Za-z]{12,})\b/g, id)
      .replace(/127\.0\.0\.1:(\d{5})\b/g, port)
      .replace(/arrived in \d+ ms/, "arrived in 14 ms")
      .replace(/^(\s*in )\d+ ms/, "$1" + "212 ms")
      .replace(new RegExp(`(^|node )${machine}\\b`), "$1node-1");
    if (fresh !== data) words.currentNode.data = fresh;
  }
}

// Takes a picture of what a page shows.
async function shoot(page, name) {
  await page.evaluate(() => document.fonts.ready);
  await page.evaluate(steady, hostname());
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(DIRECTORY, `${name}.png`), animations: "disabled", caret: "hide" });
  if (WORDS) {
    const said = await page.evaluate(() => {
      const drawn = [...document.querySelectorAll("svg[aria-label]")].map((chart) => chart.ariaLabel);
      return [document.body.innerText, ...drawn].join("\n");
    });
    writeFileSync(join(WORDS, `${name}.txt`), said);
  }
  if (page.wrongs.length) throw new Error(`${name}: ${page.wrongs.join("\n")}`);
}

async function phones() {
  const open = async (path, colorScheme = "light") => {
    const page = await world.page({ ...OPTIONS, colorScheme });
    await page.goto(world.url + path);
    await page.locator("#live.on").waitFor();
    return page;
  };
  await shoot(await open("/dev"), "phones");
  await shoot(await open("/dev/18005550199"), "phone");
  const page = await open("/dev/18005550199", "dark");
  const message = page.locator("#messages > li").filter({ hasText: "482910" });
  await message.locator("summary").click();
  await message.evaluate((whole) => {
    const glass = document.getElementById("glass");
    glass.scrollBy(0, whole.getBoundingClientRect().top - glass.getBoundingClientRect().top - 12);
  });
  await shoot(page, "phone-dark");
}

// A page that shows messages as they happen, some of which do not arrive.
async function live() {
  const page = await world.page({ ...OPTIONS, viewport: { width: 1280, height: 600 } });
  await page.goto(`${world.url}/console/live`);
  await page.getByText("Live from node").waitFor();
  const rows = page.locator('[aria-label="Messages as they happen"] tbody tr');
  let count = 0;
  // A message that waits for its phone has two lines, any other three.
  for (const [number, lines] of [["+18005550127", 3], ["+18005550118", 2], ["+18005550142", 3]]) {
    await world.send("We are open again", number);
    count += lines;
    await rows.nth(count - 1).waitFor();
  }
  await shoot(page, "live");
  await page.context().close();
}

// How many steps the charts have.
async function steps() {
  const { hour } = await world.operate("GET", "/overview?rates=hour");
  return hour.accepted.length;
}

// Waits until a step begins, and sets the clock to its time.
async function step(number) {
  while ((await steps()) < number) await pause(100);
  world.setClock(new Date(BEGIN + number * STEP_MS));
}

// A broadcast in each step, so that the charts have something to show. It is over before the next step begins.
async function traffic() {
  const before = await steps();
  if (!IS_SHORT && before > STEPS_OF_QUIET) throw new Error("the phones have taken too long");
  const begin = IS_SHORT ? before + 1 : STEPS_OF_QUIET;
  const end = begin + STEPS_OF_TRAFFIC;
  for (let number = begin; number < end; number += 1) {
    await step(number);
    const round = number - begin;
    const length = Math.round(90 + 60 * Math.sin(round / 4));
    const recipients = Array.from({ length }, (_, at) => `+1800556${String(200 * round + at).padStart(4, "0")}`);
    await world.ask("POST", "/broadcast", { recipients, from: SHOP, body: "We are open again. See you soon!" });
  }
  await step(end);
}

async function operate(message) {
  world.setClock(new Date(BEGIN));
  await live();
  for (const text of ["Is anybody there?", "Hello?"]) {
    await world.phone("POST", "phones/18005550142/reply", { to: "+18005550777", text });
  }
  await traffic();
  const page = await world.page(OPTIONS);
  for (const [path, name] of [
    ["", "overview"],
    [`/messages/${message.id}`, "message"],
    ["/carriers/simulator", "carrier"],
  ]) {
    await page.goto(`${world.url}/console${path}`);
    await shoot(page, name);
  }
}

if (WORDS) mkdirSync(WORDS, { recursive: true });
const world = await World.start({ port: 8081, clock: new Date(START) });
try {
  // `dev` has sent its own first messages when it says where the API is.
  while (!world.said.includes("Public API")) await pause(50);
  for (const { number } of (await world.phone("GET", "phones")).data) await settled(number, 1);
  const { accountId } = world.demo;
  await world.operate("PATCH", `/accounts/${accountId}`, { messagePerMinute: 600, broadcastPerMinute: 60 });
  await world.operate("POST", "/carriers/simulator/trace", { seconds: 3600, texts: true });
  // The link is valid for ten minutes of the server's clock.
  (await world.signIn()).context().close();
  const message = await talk();
  // PDUs of many messages at once have no order that comes again.
  await world.operate("DELETE", "/carriers/simulator/trace");
  await phones();
  await operate(message);
} finally {
  await world.stop();
}
