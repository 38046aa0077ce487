/** The base of every error of this package. */
export class SmsfactoryError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * The server could not be reached, or the connection broke. The request may have arrived: a send with the same
 * idempotency key is safe to repeat.
 */
export class ConnectionFailed extends SmsfactoryError {}

/** The fields of an error's answer. */
export interface ErrorAnswer {
  code?: number;
  message?: string;
  moreInfo?: string;
  additionalInfo?: unknown;
}

/** The server answered with an error. */
export class ApiError extends SmsfactoryError {
  /** The number of the error, such as 33003. */
  readonly code: number;
  /** The HTTP status. */
  readonly status: number;
  /** A page that explains the error. */
  readonly moreInfo: string;
  /** Help to fix the request: the field, the place, the character. Its form depends on the code. */
  readonly additionalInfo: unknown;
  /** Seconds to wait before the next request, if the server says so. */
  readonly retryAfter: number | undefined;

  constructor(status: number, answer: ErrorAnswer, retryAfter: number | undefined) {
    const info = answer.additionalInfo === undefined ? "" : ` ${JSON.stringify(answer.additionalInfo)}`;
    super(`${answer.code ?? 0} ${answer.message ?? ""}${info} (${answer.moreInfo ?? ""})`);
    this.code = answer.code ?? 0;
    this.status = status;
    this.moreInfo = answer.moreInfo ?? "";
    this.additionalInfo = answer.additionalInfo;
    this.retryAfter = retryAfter;
  }
}

/** Fix the request before you send it again (400, 405, 413, 415). */
export class InvalidRequest extends ApiError {}

/** The key is missing, wrong, expired or revoked (401). */
export class AuthenticationError extends ApiError {}

/** The sender is not yours, or the recipient is blocked or opted out (403). */
export class PermissionDenied extends ApiError {}

/** The key sees no resource with this id (404). */
export class NotFound extends ApiError {}

/** The idempotency key belongs to another request or to one that is under way, or it is too late to cancel (409). */
export class ConflictError extends ApiError {}

/** Too many requests, or the daily quota is used up (429). `retryAfter` has the seconds to wait. */
export class RateLimited extends ApiError {}

/** The server cannot take the request now (5xx). It may be sent again. */
export class ServerError extends ApiError {}

const BY_STATUS = new Map<number, typeof ApiError>([
  [401, AuthenticationError],
  [403, PermissionDenied],
  [404, NotFound],
  [409, ConflictError],
  [429, RateLimited],
]);

/** The error for an answer. */
export function apiError(status: number, answer: ErrorAnswer, retryAfter: number | undefined): ApiError {
  const kind = BY_STATUS.get(status) ?? (status >= 500 ? ServerError : InvalidRequest);
  return new kind(status, answer, retryAfter);
}
