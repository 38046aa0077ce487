// The pictures of the documentation: node screenshots.mjs DIRECTORY

import { join } from "node:path";
import { World } from "./world.mjs";

const DIRECTORY = process.argv[2];
const OPTIONS = { locale: "en-GB", timezoneId: "UTC", reducedMotion: "reduce" };
const SHOP = "+18005550100";

// The phones that the pictures show, each with its state and its conversation: a text of the platform, or an answer.
const PHONES = [
  { number: "+18005550118", state: { state: "off" }, talk: ["Your parcel arrives today between 14:00 and 16:00."] },
  { number: "+18005550127", state: { state: "full" }, talk: ["Your invoice 2026-118 is ready in your account."] },
  {
    number: "+18005550163",
    talk: ["Zum Termin am Mittwoch um 9 Uhr bitte nüchtern kommen. 🩺", { answer: "Danke! 👍" }],
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
      "Your code is 482910. It is valid for 10 minutes.",
      { answer: "Thanks. Is the shop open on Sunday?" },
      "Yes, from 10:00 to 16:00. This month we celebrate our tenth birthday: bring this message, and coffee and cake " +
        "are on us, for you and for everybody you bring along. See you soon!",
      { answer: "See you there", picture: "sample" },
    ],
  },
];

// Waits until a phone has its last message, and the platform has acknowledged what there is to acknowledge.
async function settled(number) {
  for (let looks = 0; looks < 200; looks += 1) {
    const { data, waiting } = await world.phone("GET", `phones/${number}`);
    if (waiting > 0 || data.every(({ receipt }) => receipt === "acknowledged")) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the messages of ${number} do not come to rest`);
}

async function talk() {
  for (const { number, state, talk } of PHONES) {
    if (state) await world.phone("PUT", `phones/${number}`, state);
    for (const turn of talk) {
      if (typeof turn === "string") await world.send(turn, number);
      else await world.phone("POST", `phones/${number}/reply`, { to: SHOP, text: turn.answer, picture: turn.picture });
      await settled(number);
    }
  }
}

// Takes a picture of what a page shows.
async function shoot(page, name) {
  await page.evaluate(() => document.fonts.ready);
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(DIRECTORY, `${name}.png`), animations: "disabled", caret: "hide" });
  if (page.wrongs.length) throw new Error(`${name}: ${page.wrongs.join("\n")}`);
}

async function phones() {
  for (const colorScheme of ["light", "dark"]) {
    const page = await world.page({ ...OPTIONS, colorScheme });
    await page.goto(`${world.url}/dev`);
    await page.locator("#live.on").waitFor();
    await shoot(page, colorScheme === "dark" ? "phones-dark" : "phones");
    if (colorScheme === "light") {
      await page.goto(`${world.url}/dev/18005550199`);
      await page.locator("#live.on").waitFor();
      await page.locator("#glass img").last().evaluate((image) => image.decode());
      await shoot(page, "phone");
    }
    await page.context().close();
  }
}

// Messages that are under way while the console is looked at.
async function traffic() {
  for (let round = 0; round < 4; round += 1) {
    const recipients = Array.from({ length: 60 + 30 * round }, (_, at) => `+1800556${round}${String(at).padStart(3, "0")}`);
    await world.request("broadcast", { recipients, from: SHOP, body: "We are open again. See you soon!" });
    await new Promise((resolve) => setTimeout(resolve, 5000));
  }
}

async function console_() {
  const page = await world.page(OPTIONS);
  await page.goto(`${world.url}/console/live`);
  await page.getByText("Live from node").waitFor();
  const under = traffic();
  await page.locator('[aria-label="Messages as they happen"] tbody tr').nth(12).waitFor();
  await shoot(page, "live");
  await under;
  const [message] = (await world.operate("GET", `/messages?to=${encodeURIComponent("+18005550199")}`)).data;
  for (const [path, name] of [
    ["", "overview"],
    [`/messages/${message.id}`, "message"],
    ["/carriers/simulator", "carrier"],
  ]) {
    await page.goto(`${world.url}/console${path}`);
    await shoot(page, name);
  }
  await page.context().close();
}

const world = await World.start({ port: 8081 });
try {
  const { accountId } = world.demo;
  await world.operate("PATCH", `/accounts/${accountId}`, { messagePerMinute: 600 });
  await world.operate("POST", "/carriers/simulator/trace", { seconds: 600, texts: true });
  await talk();
  await phones();
  (await world.signIn()).context().close();
  await console_();
} finally {
  await world.stop();
}
