// The client against a real server, which `scripts/interfaces` starts.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";

import {
  ApiError,
  AuthenticationError,
  Client,
  ConflictError,
  InvalidRequest,
  InvalidSignature,
  NotFound,
  PermissionDenied,
  verifyWebhook,
} from "../dist/index.js";

const { SMSFACTORY_URL: baseUrl, SMSFACTORY_KEY_ID: keyId, SMSFACTORY_KEY_SECRET: secret, SMSFACTORY_FROM: from } =
  process.env;
const client = new Client({ baseUrl, keyId, secret });

async function collected(list) {
  const items = [];
  for await (const item of list) items.push(item);
  return items;
}

/** A server on loopback that answers as told (`null` breaks the connection), and keeps what it was asked. */
async function scripted(context, ...answers) {
  const asked = [];
  const server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    asked.push({ path: request.url, headers: request.headers, body: Buffer.concat(parts) });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === null) return request.socket.destroy();
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => (server.closeAllConnections(), server.close()));
  return { url: `http://127.0.0.1:${server.address().port}`, asked };
}

test("a message is sent and found again", async () => {
  const sent = await client.sendMessage({ to: "+18005550220", from, body: "Hello", reference: "order 7", wait: 20 });
  assert.match(sent.status, /sent|delivered/);
  const found = await client.getMessage(sent.id);
  assert.deepEqual([found.to, found.body, found.reference], ["+18005550220", "Hello", "order 7"]);
});

test("a message that has left is not canceled", async () => {
  const sent = await client.sendMessage({ to: "+18005550223", from, body: "Gone", validitySeconds: 600, wait: 20 });
  await assert.rejects(client.cancelMessage(sent.id), (error) => {
    return error instanceof ConflictError && error.code === 33109 && /sent|delivered/.test(error.additionalInfo.status);
  });
});

test("a scheduled message is canceled", async () => {
  const sendAt = new Date(Date.now() + 3_600_000).toISOString();
  const sent = await client.sendMessage({ to: "+18005550224", from, body: "Later", sendAt });
  assert.deepEqual([sent.status, sent.sendAt], ["scheduled", sendAt]);
  for (let time = 0; time < 2; time++) assert.equal((await client.cancelMessage(sent.id)).status, "canceled");
});

test("a repeat under the same key is the same message", async () => {
  const message = { to: "+18005550221", from, body: "Once", idempotencyKey: "node-once" };
  assert.equal((await client.sendMessage(message)).id, (await client.sendMessage(message)).id);
  await assert.rejects(client.sendMessage({ ...message, body: "Twice" }), (error) => {
    return error instanceof ConflictError && error.code === 33013;
  });
});

test("errors have types and say how to fix the request", async () => {
  await assert.rejects(client.sendMessage({ to: "555", from, body: "Hello" }), (error) => {
    assert.ok(error instanceof InvalidRequest && error.name === "InvalidRequest");
    assert.deepEqual([error.code, error.status, error.additionalInfo], [33003, 400, { field: "to" }]);
    return error.moreInfo.endsWith("/page/errors/33003");
  });
  await assert.rejects(client.getMessage("msg_0000000000000000000000"), NotFound);
  const stranger = new Client({ baseUrl, keyId, secret: "sk_live_wrong" });
  await assert.rejects(stranger.getMessage("msg_0000000000000000000000"), AuthenticationError);
});

test("lists go on over their pages", async () => {
  for (const end of [0, 1, 2]) {
    await client.sendMessage({ to: `+1800555023${end}`, from, body: "Page", reference: "node-pages" });
  }
  const found = await collected(client.messages({ reference: "node-pages", limit: 1 }));
  assert.deepEqual(found.map((message) => message.to), ["+18005550232", "+18005550231", "+18005550230"]);
});

test("a broadcast is sent and counted", async () => {
  const recipients = ["+18005550240", { to: "+18005550241" }];
  const sent = await client.sendBroadcast({ recipients, from, body: "All of you" });
  assert.equal(sent.totalRecipients, 2);
  assert.equal((await client.getBroadcast(sent.id)).counts.total, 2);
  assert.ok("stopped" in (await client.cancelBroadcast(sent.id)));
});

test("an opt-out is set, refuses and ends", async () => {
  const number = "+18005550250";
  assert.equal((await client.optOut(number, { reason: "asked by phone" })).number, number);
  await assert.rejects(client.sendMessage({ to: number, from, body: "Hello" }), PermissionDenied);
  await client.optIn(number, { reason: "signed up again" });
  const changes = await collected(client.optOutHistory(number));
  assert.deepEqual(changes.map((entry) => entry.change), ["opted_out", "opted_in"]);
  const report = await client.importOptOuts("number\n+18005550251\nnonsense\n");
  assert.deepEqual([report.total, report.invalid.length], [2, 1]);
});

test("the account sees its quota, its numbers and its usage", async () => {
  const counted = async () => {
    const sent = await client.sendMessage({ to: "+18005550255", from, body: "Counted", wait: 20 });
    return { sent, quota: (await client.account()).quota };
  };
  let { sent, quota } = await counted();
  // Midnight has passed in between, and nothing of the new day is used yet.
  const dayMs = 86_400_000;
  if (Date.parse(quota.resetsAt) - Date.parse(sent.createdAt) > dayMs) ({ sent, quota } = await counted());
  assert.ok(quota.used > 0 && quota.used + quota.left === quota.limit);
  const numbers = await collected(client.numbers({ limit: 1 }));
  const ours = numbers.find((number) => number.number === from);
  assert.deepEqual(ours.capabilities, { send: true, receive: true });
  const day = sent.createdAt.slice(0, 10);
  const usage = await client.usage({ from: day });
  assert.deepEqual([usage.from, usage.by], [day, "day"]);
  assert.ok(usage.data.some((row) => row.day === day && row.messages > 0));
  const [header, row] = (await client.usageCsv({ from: day })).split("\n");
  assert.equal(header, "day,direction,messageType,status,messages,segments");
  assert.ok(row.startsWith(`${day},outbound,SMS,`), row);
  await assert.rejects(client.usage({ from: "yesterday" }), (error) => {
    return error instanceof InvalidRequest && error.additionalInfo.field === "from";
  });
});

test("a field that the server does not know is an error", async () => {
  const isNamed = (field) => (error) => {
    return error instanceof InvalidRequest && error.code === 33100 && error.additionalInfo.field === field;
  };
  const message = { to: "+18005550256", from, body: "Hello", statusCallback: "https://example.com/status" };
  await assert.rejects(client.sendMessage(message), isNamed("statusCallback"));
  const webhook = { url: "https://example.com/hook", retries: 5 };
  await assert.rejects(client.createWebhook(webhook), isNamed("retries"));
});

test("an event is verified and a changed one is not", async (context) => {
  const receiver = await scripted(context, { status: 204 });
  // Of messages that others send meanwhile it hears nothing.
  const events = ["messaging.incoming.message.received"];
  const webhook = await client.createWebhook({ url: `${receiver.url}/hook`, events });
  context.after(() => client.removeWebhook(webhook.id));
  assert.equal((await client.testWebhook(webhook.id)).httpStatus, 204);
  const [{ headers, body }] = receiver.asked;
  const event = await verifyWebhook(body, headers, webhook.secret);
  assert.deepEqual([event.type, event.data], ["webhook.test", { webhookId: webhook.id }]);
  const other = await client.rotateWebhookSecret(webhook.id);
  for (const [octets, key] of [[`${body} `, webhook.secret], [body, other], [body, "whsec_!"]]) {
    await assert.rejects(verifyWebhook(octets, headers, key), InvalidSignature);
  }
  await assert.rejects(verifyWebhook(body, headers, webhook.secret, { now: 0 }), InvalidSignature);
  await assert.rejects(verifyWebhook(body, {}, webhook.secret), InvalidSignature);
});

test("a client comes back when the server says so, with the same key", async (context) => {
  const later = { status: 503, headers: { "retry-after": "2" }, body: '{"code": 33105}' };
  const server = await scripted(context, later, null, { status: 201, body: '{"id": "msg_1"}' });
  const waits = [];
  const patient = new Client({ baseUrl: server.url, keyId, secret, sleep: async (ms) => void waits.push(ms) });
  await patient.sendMessage({ to: "+18005551234", from, body: "Hello" });
  assert.deepEqual(waits, [2000, 1000]);
  assert.equal(new Set(server.asked.map((request) => request.headers["idempotency-key"])).size, 1);
});

test("a wait until midnight is the caller's", async (context) => {
  const quota = { status: 429, headers: { "retry-after": "40000" }, body: '{"code": 33012}' };
  const server = await scripted(context, quota);
  const patient = new Client({ baseUrl: server.url, keyId, secret });
  await assert.rejects(patient.sendMessage({ to: "+18005551234", from, body: "Hello" }), (error) => {
    return error instanceof ApiError && error.retryAfter === 40000 && server.asked.length === 1;
  });
});
