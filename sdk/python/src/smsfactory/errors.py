"""The errors, one for each next step of the caller."""

from __future__ import annotations

from typing import Any


class SmsfactoryError(Exception):
    """The base of every error of this package."""


class ConnectionFailed(SmsfactoryError):
    """The server could not be reached, or the connection broke. The request may have arrived.

    A send with the same idempotency key is safe to repeat.
    """


class ApiError(SmsfactoryError):
    """The server answered with an error."""

    def __init__(self, status: int, answer: dict[str, Any], retry_after: int | None = None):
        #: The number of the error, such as 33003.
        self.code: int = answer.get("code", 0)
        #: The sentence of the error catalogue.
        self.message: str = answer.get("message", "")
        #: The HTTP status.
        self.status: int = status
        #: A page that explains the error.
        self.more_info: str = answer.get("moreInfo", "")
        #: Help to fix the request: the field, the place, the character. Its form depends on the code.
        self.additional_info: Any = answer.get("additionalInfo")
        #: Seconds to wait before the next request, if the server says so.
        self.retry_after: int | None = retry_after
        detail = f" {self.additional_info}" if self.additional_info is not None else ""
        super().__init__(f"{self.code} {self.message}{detail} ({self.more_info})")


class InvalidRequest(ApiError):
    """Fix the request before you send it again (400, 405, 413, 415)."""


class AuthenticationError(ApiError):
    """The key is missing, wrong, expired or revoked (401)."""


class PermissionDenied(ApiError):
    """The sender is not yours, or the recipient is blocked or opted out (403)."""


class NotFound(ApiError):
    """The key sees no resource with this id (404)."""


class ConflictError(ApiError):
    """The idempotency key belongs to another request or to one that is under way, or it is too late to cancel (409)."""


class RateLimited(ApiError):
    """Too many requests, or the daily quota is used up (429). `retry_after` has the seconds to wait."""


class ServerError(ApiError):
    """The server cannot take the request now (5xx). It may be sent again."""


_BY_STATUS: dict[int, type[ApiError]] = {
    401: AuthenticationError,
    403: PermissionDenied,
    404: NotFound,
    409: ConflictError,
    429: RateLimited,
}


def api_error(status: int, answer: dict[str, Any], retry_after: int | None) -> ApiError:
    """The error for an answer."""
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else InvalidRequest)
    return kind(status, answer, retry_after)
