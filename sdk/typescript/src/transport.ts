import { apiError, ConnectionFailed, type ErrorAnswer } from "./errors.js";

/** A request. */
export interface Call {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** Whether it may be sent again after a broken connection. */
  repeats?: boolean;
}

/** Settings of the transport, all of them given. */
export interface TransportOptions {
  baseUrl: string;
  keyId: string;
  secret: string;
  timeoutMs: number;
  retries: number;
  maxWaitMs: number;
  fetch: typeof fetch;
  sleep: (ms: number) => Promise<void>;
}

/** Statuses after which the same request may succeed. */
const LATER = [429, 503];

/** Sends requests to one server. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #authorization: string;
  readonly #base: string;

  constructor(options: TransportOptions) {
    if (!/^https?:\/\//.test(options.baseUrl)) {
      throw new TypeError(`baseUrl must begin with http:// or https://, and is ${JSON.stringify(options.baseUrl)}`);
    }
    this.#options = options;
    this.#authorization = `Basic ${btoa(`${options.keyId}:${options.secret}`)}`;
    this.#base = options.baseUrl.replace(/\/+$/, "");
  }

  /** Sends a request. Repeats it if the answer has a `Retry-After`, or if the connection broke and `repeats` is set. */
  async send(call: Call): Promise<Response> {
    const { retries, maxWaitMs, sleep } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const isLast = attempt >= retries;
      let response: Response;
      try {
        response = await this.#once(call);
      } catch (error) {
        if (isLast || !call.repeats) {
          throw new ConnectionFailed(`${call.method} ${call.path}: ${String(error)}`, { cause: error });
        }
        await sleep(Math.min(500 * 2 ** attempt, maxWaitMs));
        continue;
      }
      if (response.ok) return response;
      const wait = retryAfter(response);
      if (LATER.includes(response.status) && !isLast && wait !== undefined && wait * 1000 <= maxWaitMs) {
        await response.body?.cancel();
        await sleep(wait * 1000);
        continue;
      }
      throw apiError(response.status, await errorOf(response), wait);
    }
  }

  #once(call: Call): Promise<Response> {
    const { fetch, timeoutMs } = this.#options;
    return fetch(this.#base + call.path, {
      method: call.method,
      headers: { authorization: this.#authorization, ...call.headers },
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
      ...(call.body === undefined ? {} : { body: call.body }),
    });
  }
}

function retryAfter(response: Response): number | undefined {
  const text = response.headers.get("retry-after") ?? "";
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The error in an answer. A proxy between client and server may answer in another form. */
async function errorOf(response: Response): Promise<ErrorAnswer> {
  try {
    const answer: unknown = await response.json();
    if (typeof answer === "object" && answer !== null && typeof (answer as ErrorAnswer).code === "number") {
      return answer as ErrorAnswer;
    }
  } catch {
    // It is no JSON.
  }
  return { message: `HTTP status ${response.status}, without the form of an smsfactory error` };
}
