import type { Schemas } from "./schemas.js";
import { type Call, Transport } from "./transport.js";

/** Settings of a client. */
export interface ClientOptions {
  /** The id of the key (`uk_…`). */
  keyId: string;
  /** Its secret (`sk_live_…` or `sk_test_…`). */
  secret: string;
  /** The address of the server; `http://127.0.0.1:8080` by default. */
  baseUrl?: string;
  /** The timeout of an attempt, in milliseconds; 30,000 by default. */
  timeoutMs?: number;
  /** The number of retries after 429, 503 or a broken connection; 3 by default. */
  retries?: number;
  /** The longest `Retry-After`, in milliseconds, that the client waits for by itself; 60,000 by default. */
  maxWaitMs?: number;
  /** The `fetch` to use. */
  fetch?: typeof fetch;
  /** Waits between attempts. Tests replace it. */
  sleep?: (ms: number) => Promise<void>;
}

/** Options of a request that sends a message or a broadcast, beside its fields. */
interface Sending {
  /** Seconds for which the server delays the answer until something has left, at most 30. */
  wait?: number;
}

/** A message to send. Without an `idempotencyKey` the client makes one. */
export type NewMessage = Schemas["NewMessage"] & Sending;

/** A broadcast to send. Without an `idempotencyKey` the client makes one. */
export type NewBroadcast = Schemas["NewBroadcast"] & Sending;

/** Settings of an endpoint. */
export type WebhookSettings = Schemas["WebhookChange"];

/** The filters of a list, and the `limit` of its pages. */
export type Filters = Record<string, string | number | boolean | undefined>;

/** Days of a report: dates such as `2026-03-01`, or times. */
export interface Days {
  /** The first day; 29 days before the last by default. */
  from?: string;
  /** The last day; today by default. */
  to?: string;
}

interface Page<T> {
  data: T[];
  nextCursor: string | null;
}

const BASE = "/api/v1/messaging";

/** Makes the server refuse a field that it does not know, which it would otherwise ignore. */
const STRICT = "handling=strict";

/**
 * A client for one key. Requests that send have an idempotency key, so that a repeat sends nothing twice. Lists are
 * asynchronous iterators over all pages.
 */
export class Client {
  readonly #transport: Transport;

  constructor(options: ClientOptions) {
    this.#transport = new Transport({
      baseUrl: options.baseUrl ?? "http://127.0.0.1:8080",
      keyId: options.keyId,
      secret: options.secret,
      timeoutMs: options.timeoutMs ?? 30_000,
      retries: options.retries ?? 3,
      maxWaitMs: options.maxWaitMs ?? 60_000,
      fetch: options.fetch ?? ((...request) => fetch(...request)),
      sleep: options.sleep ?? ((ms) => new Promise((done) => setTimeout(done, ms))),
    });
  }

  /** Sends a message. When this resolves, the message is on disk and will be submitted. */
  sendMessage(message: NewMessage): Promise<Schemas["Message"]> {
    return this.#create("/message", message);
  }

  /** A message of either direction. */
  getMessage(id: string): Promise<Schemas["AnyMessage"]> {
    return this.#get(`/message/${part(id)}`);
  }

  /** Cancels a scheduled or queued message. Rejects with a `ConflictError` (33109) if it may have left. */
  cancelMessage(id: string): Promise<Schemas["Message"]> {
    return this.#json({ method: "POST", path: `/message/${part(id)}/cancel`, repeats: true });
  }

  /** Messages of both directions, newest first. */
  messages(filters: Filters = {}): AsyncGenerator<Schemas["AnyMessage"]> {
    return this.#pages("/message", filters);
  }

  /** A file of an inbound message; `place` is its index in `media`. */
  async getMedia(id: string, place: number): Promise<Blob> {
    const path = `${BASE}/message/${part(id)}/media/${place}`;
    return (await this.#transport.send({ method: "GET", path, repeats: true })).blob();
  }

  /** Sends one text to many recipients. The server accepts it as a whole or not at all. */
  sendBroadcast(broadcast: NewBroadcast): Promise<Schemas["Broadcast"]> {
    return this.#create("/broadcast", broadcast);
  }

  /** A broadcast with its counts. */
  getBroadcast(id: string): Promise<Schemas["Broadcast"]> {
    return this.#get(`/broadcast/${part(id)}`);
  }

  /** Broadcasts, newest first. */
  broadcasts(filters: Filters = {}): AsyncGenerator<Schemas["Broadcast"]> {
    return this.#pages("/broadcast", filters);
  }

  /** Stops the messages that have not left; `stopped` is their number. */
  cancelBroadcast(id: string): Promise<Schemas["Broadcast"]> {
    return this.#json({ method: "POST", path: `/broadcast/${part(id)}/cancel`, repeats: true });
  }

  /** Opt-outs in force. */
  optOuts(filters: Filters = {}): AsyncGenerator<Schemas["OptOut"]> {
    return this.#pages("/optout", filters);
  }

  /** Opts a recipient out of the messages of all your senders, or of one. */
  optOut(number: string, fields: Schemas["NewOptOut"] = {}): Promise<Schemas["OptOut"]> {
    return this.#json({ method: "PUT", path: `/optout/${part(number)}`, repeats: true }, fields);
  }

  /** Opts a recipient in again. A reason is required if the recipient opted out by itself. */
  async optIn(number: string, { from, reason }: { from?: string; reason?: string } = {}): Promise<void> {
    const path = `/optout/${part(number)}${queryOf({ from })}`;
    await this.#json({ method: "DELETE", path, repeats: true }, { reason });
  }

  /** Every opt-out and opt-in of a recipient, oldest first. */
  optOutHistory(number: string, filters: Filters = {}): AsyncGenerator<Schemas["OptOutChange"]> {
    return this.#pages(`/optout/${part(number)}/history`, filters);
  }

  /** Opts out the numbers of a CSV file with the columns `number`, `from`, `reason` and `createdAt`. */
  async importOptOuts(csv: string): Promise<Schemas["ImportReport"]> {
    const headers = { "content-type": "text/csv", prefer: STRICT };
    const call = { method: "POST", path: `${BASE}/optout/import`, headers, body: csv, repeats: true };
    return (await this.#transport.send(call)).json() as Promise<Schemas["ImportReport"]>;
  }

  /** Creates an endpoint; the answer has its `secret`. */
  createWebhook(settings: Schemas["NewWebhook"]): Promise<Schemas["Webhook"]> {
    return this.#json({ method: "POST", path: "/webhook" }, settings);
  }

  /** The endpoints of the account. */
  webhooks(): AsyncGenerator<Schemas["Webhook"]> {
    return this.#pages("/webhook", {});
  }

  /** An endpoint with its backlog. */
  getWebhook(id: string): Promise<Schemas["Webhook"]> {
    return this.#get(`/webhook/${part(id)}`);
  }

  /** Changes an endpoint; absent settings do not change. */
  changeWebhook(id: string, settings: WebhookSettings): Promise<Schemas["Webhook"]> {
    return this.#json({ method: "PATCH", path: `/webhook/${part(id)}`, repeats: true }, settings);
  }

  /** Removes an endpoint. */
  async removeWebhook(id: string): Promise<void> {
    await this.#json({ method: "DELETE", path: `/webhook/${part(id)}` });
  }

  /** The secret that signs the requests to an endpoint. */
  async webhookSecret(id: string): Promise<string> {
    return (await this.#get<Schemas["Secret"]>(`/webhook/${part(id)}/secret`)).secret;
  }

  /** Makes a new secret. For 24 hours requests have two signatures. */
  async rotateWebhookSecret(id: string): Promise<string> {
    const call = { method: "POST", path: `/webhook/${part(id)}/rotate` };
    return (await this.#json<Schemas["Secret"]>(call)).secret;
  }

  /** Sends a test event now, and resolves to the outcome. */
  testWebhook(id: string): Promise<Schemas["TestResult"]> {
    return this.#json({ method: "POST", path: `/webhook/${part(id)}/test`, repeats: true });
  }

  /** Deliveries to an endpoint, newest event first. */
  deliveries(id: string, filters: Filters = {}): AsyncGenerator<Schemas["Delivery"]> {
    return this.#pages(`/webhook/${part(id)}/delivery`, filters);
  }

  /** Delivers events again. */
  async replay(id: string, which: Schemas["Replay"]): Promise<void> {
    await this.#json({ method: "POST", path: `/webhook/${part(id)}/replay`, repeats: true }, which);
  }

  /** The events of the account, oldest first. */
  events(filters: Filters = {}): AsyncGenerator<Schemas["Event"]> {
    return this.#pages("/event", filters);
  }

  /** The account's limits, its quota of today, and the rules for its messages. */
  account(): Promise<Schemas["Account"]> {
    return this.#get("/account");
  }

  /** The senders of the account: numbers, then short codes, then names. */
  numbers(filters: Filters = {}): AsyncGenerator<Schemas["Number"]> {
    return this.#pages("/number", filters);
  }

  /** The messages and segments of each UTC day by direction, type and status; both days are included. */
  usage(days: Days = {}): Promise<Schemas["Usage"]> {
    return this.#get(`/usage${queryOf({ ...days })}`);
  }

  /** The same as a CSV file. */
  async usageCsv(days: Days = {}): Promise<string> {
    const path = `${BASE}/usage${queryOf({ ...days })}`;
    return (await this.#transport.send({ method: "GET", path, headers: { accept: "text/csv" }, repeats: true })).text();
  }

  #create<T>(path: string, { wait, idempotencyKey, ...fields }: Sending & { idempotencyKey?: string | null }): Promise<T> {
    const key = idempotencyKey ?? crypto.randomUUID();
    const prefer = wait === undefined ? STRICT : `${STRICT}, wait=${wait}`;
    const headers = { "idempotency-key": key, prefer };
    return this.#json({ method: "POST", path, headers, repeats: true }, fields);
  }

  #get<T>(path: string): Promise<T> {
    return this.#json({ method: "GET", path, repeats: true });
  }

  async #json<T>(call: Call, fields?: object): Promise<T> {
    const headers = fields === undefined ? call.headers : { "content-type": "application/json", prefer: STRICT, ...call.headers };
    const response = await this.#transport.send({
      ...call,
      path: BASE + call.path,
      ...(headers === undefined ? {} : { headers }),
      ...(fields === undefined ? {} : { body: JSON.stringify(fields) }),
    });
    const text = await response.text();
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  async *#pages<T>(path: string, filters: Filters): AsyncGenerator<T> {
    let cursor: string | undefined;
    do {
      const page: Page<T> = await this.#get(path + queryOf({ ...filters, cursor: cursor ?? filters["cursor"] }));
      yield* page.data;
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }
}

/** A part of a path. */
function part(text: string): string {
  return encodeURIComponent(text);
}

function queryOf(filters: Filters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? "" : `?${query}`;
}
