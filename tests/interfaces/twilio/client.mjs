// Twilio's package for Node.js, unmodified, against the server.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { test } from "node:test";

const twilio = createRequire(process.env.TWILIO_PACKAGES)("twilio");
const { SMSFACTORY_URL, SMSFACTORY_KEY_ID, SMSFACTORY_FROM, TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN } = process.env;

function connect(...credentials) {
  const client = twilio(...credentials);
  client.api.baseUrl = SMSFACTORY_URL;
  return client;
}

const client = connect(TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN);
const send = (more) =>
  client.messages.create({ to: "+18005550181", from: SMSFACTORY_FROM, body: "Your code is 482910", ...more });

async function eventually(look) {
  for (let left = 3000; left > 0; left--) {
    const found = await look();
    if (found) return found;
    await new Promise((resume) => setTimeout(resume, 20));
  }
  throw new Error("this did not happen within a minute");
}

test("a message is sent and read until it is delivered", async () => {
  const sent = await send({ body: "Grüße & 😀", validityPeriod: 600 });
  assert.match(sent.sid, /^SM[0-9a-f]{32}$/);
  assert.deepEqual([sent.accountSid, sent.status, sent.numSegments], [TWILIO_ACCOUNT_SID, "queued", "1"]);
  assert.ok(Math.abs(sent.dateCreated - Date.now()) < 60_000);
  const read = await eventually(async () => {
    const read = await client.messages(sent.sid).fetch();
    return read.status === "delivered" && read;
  });
  assert.deepEqual([read.body, read.errorCode], ["Grüße & 😀", null]);
  assert.ok(read.dateSent >= read.dateCreated);
});

test("lists are walked by pages", async () => {
  const to = "+18005550182";
  const sent = [];
  for (let number = 0; number < 5; number++) sent.unshift((await send({ to, body: `Number ${number}` })).sid);
  const listed = await client.messages.list({ to, pageSize: 2 });
  assert.deepEqual(listed.map((message) => message.sid), sent);
  const limited = await client.messages.list({ to, pageSize: 2, limit: 3 });
  assert.deepEqual(limited.map((message) => message.sid), sent.slice(0, 3));
});

test("errors have the codes that programs know", async () => {
  await assert.rejects(send({ to: "5551234" }), { status: 400, code: 21211, message: /To/ });
  await assert.rejects(send({ messagingServiceSid: "MG0" }), { status: 400, code: 20001, message: /MessagingServiceSid/ });
  const stranger = connect(TWILIO_ACCOUNT_SID, "wrong");
  await assert.rejects(stranger.messages("SM1").fetch(), { status: 401, code: 20003 });
  const moreInfo = await send({ to: "1" }).catch((error) => error.moreInfo);
  const page = await fetch(moreInfo);
  assert.deepEqual([page.status, new URL(moreInfo).pathname], [200, "/page/errors/33003"]);
});

test("a key may be an API key", async () => {
  const { sid } = await send();
  const other = connect(SMSFACTORY_KEY_ID, TWILIO_AUTH_TOKEN, { accountSid: TWILIO_ACCOUNT_SID });
  assert.equal((await other.messages(sid).fetch()).sid, sid);
});

test("status callbacks validate", async () => {
  const received = [];
  const server = createServer(async (request, response) => {
    const form = Object.fromEntries(new URLSearchParams(Buffer.concat(await request.toArray()).toString()));
    received.push([`http://${request.headers.host}${request.url}`, form, request.headers["x-twilio-signature"]]);
    response.writeHead(204).end();
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  try {
    const url = `http://127.0.0.1:${server.address().port}/status`;
    const made = await fetch(`${SMSFACTORY_URL}/api/v1/messaging/webhook`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Basic ${btoa(`${SMSFACTORY_KEY_ID}:${TWILIO_AUTH_TOKEN}`)}` },
      body: JSON.stringify({ url, format: "twilio", events: ["messaging.outgoing.message.*"] }),
    });
    const { secret } = await made.json();
    const { sid } = await send({ statusCallback: `${url}?order=7` });
    const mine = () => received.filter(([, form]) => form.MessageSid === sid);
    await eventually(() => mine().length >= 2);
    assert.deepEqual(mine().map(([, form]) => form.MessageStatus), ["sent", "delivered"]);
    for (const [target, form, signature] of mine()) {
      assert.equal(target, `${url}?order=7`);
      assert.ok(twilio.validateRequest(secret, signature, target, form));
      assert.ok(!twilio.validateRequest(TWILIO_AUTH_TOKEN, signature, target, form));
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
