/** A client of the smsfactory messaging API. It needs nothing but `fetch` and Web Crypto. */

export { Client } from "./client.js";
export type { ClientOptions, Days, Filters, NewBroadcast, NewMessage, WebhookSettings } from "./client.js";
export {
  ApiError,
  AuthenticationError,
  ConflictError,
  ConnectionFailed,
  InvalidRequest,
  NotFound,
  PermissionDenied,
  RateLimited,
  ServerError,
  SmsfactoryError,
} from "./errors.js";
export { InvalidSignature, verifyWebhook } from "./webhooks.js";
export type { Schemas } from "./schemas.js";
