import { SmsfactoryError } from "./errors.js";
import type { Schemas } from "./schemas.js";

/** The request is not from the server, was changed on its way, or is too old. Answer it with 400. */
export class InvalidSignature extends SmsfactoryError {}

/** The headers of a request: an object with names in any case, or `Headers`. */
type HeaderSource = Headers | Record<string, string | string[] | undefined>;

/**
 * Checks the signature of a request (Standard Webhooks 1.0), and resolves to its event.
 *
 * @param payload The raw body.
 * @param secret The secret of the endpoint (`whsec_…`).
 * @param options `toleranceSecs`: the largest difference between the time of the request and the clock (300);
 * `now`: Unix seconds, for tests.
 * @throws InvalidSignature: the event must not be believed.
 */
export async function verifyWebhook(
  payload: string | Uint8Array,
  headers: HeaderSource,
  secret: string,
  options: { toleranceSecs?: number; now?: number } = {},
): Promise<Schemas["Event"]> {
  const octets = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const [id, sentAt, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => {
    const value = header(headers, name);
    if (value === undefined) throw new InvalidSignature(`the header ${name} is missing`);
    return value;
  }) as [string, string, string];
  const age = (options.now ?? Date.now() / 1000) - Number(sentAt);
  if (!(Math.abs(age) <= (options.toleranceSecs ?? 300))) {
    throw new InvalidSignature(`the request is ${Math.round(age)} seconds old`);
  }
  const key = await importKey(secret);
  const signed = join(new TextEncoder().encode(`${id}.${sentAt}.`), octets);
  for (const signature of signatures.split(" ")) {
    const [version, encoded] = signature.split(",", 2);
    const given = version === "v1" && encoded !== undefined ? fromBase64(encoded) : undefined;
    if (given !== undefined && (await crypto.subtle.verify("HMAC", key, given, signed))) {
      return JSON.parse(new TextDecoder().decode(octets)) as Schemas["Event"];
    }
  }
  throw new InvalidSignature("no signature fits");
}

function header(headers: HeaderSource, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const found = Object.entries(headers).find(([known]) => known.toLowerCase() === name)?.[1];
  return Array.isArray(found) ? found[0] : found;
}

async function importKey(secret: string): Promise<CryptoKey> {
  const octets = fromBase64(secret.replace(/^whsec_/, ""));
  if (octets === undefined) throw new InvalidSignature("the secret cannot be read");
  return crypto.subtle.importKey("raw", octets, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
