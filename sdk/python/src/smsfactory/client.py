"""The client."""

from __future__ import annotations

import json
import ssl
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from .transport import Transport

if TYPE_CHECKING:
    from .types import (
        Account,
        AnyMessage,
        Broadcast,
        Delivery,
        Event,
        ImportReport,
        Message,
        Number,
        OptOut,
        OptOutChange,
        TestResult,
        Usage,
        Webhook,
    )

_BASE = "/api/v1/messaging"

#: Makes the server refuse a field that it does not know, which it would otherwise ignore.
_STRICT = "handling=strict"


class Client:
    """A client for one key.

    A client may be shared by threads. Requests that send have an idempotency key, so that a repeat sends nothing twice.

    Args:
        key_id: The id of the key (`uk_…`).
        secret: Its secret (`sk_live_…` or `sk_test_…`).
        base_url: The address of the server.
        timeout: The timeout of an attempt, in seconds.
        retries: The number of retries after 429, 503 or a broken connection.
        max_wait: The longest `Retry-After`, in seconds, that the client waits for by itself.
        sleep: The function that waits. Tests replace it.
        context: Settings of TLS.
    """

    def __init__(
        self,
        key_id: str,
        secret: str,
        *,
        base_url: str = "http://127.0.0.1:8080",
        timeout: float = 30.0,
        retries: int = 3,
        max_wait: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
        context: ssl.SSLContext | None = None,
    ):
        self._transport = Transport(
            base_url, key_id, secret, timeout=timeout, retries=retries, max_wait=max_wait, sleep=sleep, context=context
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections of all threads. No request may be under way."""
        self._transport.close()

    # Messages

    def send_message(
        self,
        *,
        to: str,
        from_: str,
        body: str | None = None,
        media_url: str | None = None,
        message_type: str | None = None,
        reference: str | None = None,
        send_at: datetime | str | None = None,
        validity_seconds: int | None = None,
        idempotency_key: str | None = None,
        wait: int | None = None,
    ) -> Message:
        """Sends a message. When this returns, the message is on disk and will be submitted.

        Args:
            send_at: The time at which the message leaves, with its offset from UTC, at most 35 days ahead.
            validity_seconds: The validity of the message.
            wait: Seconds for which the server delays the answer until the message is not `queued` any more, at most 30.
        """
        fields = {"to": to, "from": from_, **_content(body, media_url, message_type, reference, validity_seconds)}
        if send_at is not None:
            fields["sendAt"] = send_at if isinstance(send_at, str) else _time(send_at)
        return self._create("/message", fields, idempotency_key, wait)

    def get_message(self, message_id: str) -> AnyMessage:
        """A message of either direction."""
        return self._get(f"/message/{_part(message_id)}")

    def cancel_message(self, message_id: str) -> Message:
        """Cancels a scheduled or queued message. Raises `ConflictError` (33109) if it may have left."""
        return self._send("POST", f"/message/{_part(message_id)}/cancel", None, repeats=True)

    def messages(self, **filters: Any) -> Iterator[AnyMessage]:
        """Messages of both directions, newest first, page after page.

        Filters are `status`, `direction`, `to`, `from_`, `reference`, `broadcast_id`, `after`, `before`, and `limit`
        for the size of a page.
        """
        return self._pages("/message", filters)

    def get_media(self, message_id: str, place: int) -> tuple[str, bytes]:
        """The type and the octets of a file of an inbound message; `place` is its index in `media`."""
        answer = self._transport.send(
            "GET", f"{_BASE}/message/{_part(message_id)}/media/{place}", {}, None, repeats=True
        )
        return answer.headers.get("content-type", "application/octet-stream"), answer.body

    # Broadcasts

    def send_broadcast(
        self,
        *,
        recipients: Iterable[str | dict[str, Any]],
        from_: str,
        body: str | None = None,
        media_url: str | None = None,
        message_type: str | None = None,
        reference: str | None = None,
        validity_seconds: int | None = None,
        idempotency_key: str | None = None,
        wait: int | None = None,
    ) -> Broadcast:
        """Sends one text to many recipients. The server accepts it as a whole or not at all.

        Args:
            recipients: Numbers, or `{"to": ..., "variables": {"name": "Ada"}}` with the recipient's values for
                `{{name}}` in the body.
        """
        content = _content(body, media_url, message_type, reference, validity_seconds)
        fields = {"recipients": list(recipients), "from": from_, **content}
        return self._create("/broadcast", fields, idempotency_key, wait)

    def get_broadcast(self, broadcast_id: str) -> Broadcast:
        """A broadcast with its counts."""
        return self._get(f"/broadcast/{_part(broadcast_id)}")

    def broadcasts(self, **filters: Any) -> Iterator[Broadcast]:
        """Broadcasts, newest first. Filters are `status`, `from_`, `reference`, `after`, `before`, `limit`."""
        return self._pages("/broadcast", filters)

    def cancel_broadcast(self, broadcast_id: str) -> Broadcast:
        """Stops the messages that have not left; `stopped` is their number."""
        return self._send("POST", f"/broadcast/{_part(broadcast_id)}/cancel", None, repeats=True)

    # Opt-outs

    def opt_outs(self, **filters: Any) -> Iterator[OptOut]:
        """Opt-outs in force. Filters are `number`, `after`, `before`, `limit`."""
        return self._pages("/optout", filters)

    def opt_out(self, number: str, *, from_: str | None = None, reason: str | None = None) -> OptOut:
        """Opts a recipient out of the messages of all your senders, or of one."""
        fields = _present({"from": from_, "reason": reason})
        return self._send("PUT", f"/optout/{_part(number)}", fields, repeats=True)

    def opt_in(self, number: str, *, from_: str | None = None, reason: str | None = None) -> None:
        """Opts a recipient in again. A reason is required if the recipient opted out by itself."""
        path = f"/optout/{_part(number)}" + _query_of({"from": from_})
        self._send("DELETE", path, _present({"reason": reason}), repeats=True)

    def opt_out_history(self, number: str, **filters: Any) -> Iterator[OptOutChange]:
        """Every opt-out and opt-in of a recipient, oldest first."""
        return self._pages(f"/optout/{_part(number)}/history", filters)

    def import_opt_outs(self, csv: str) -> ImportReport:
        """Opts out the numbers of a CSV file with the columns `number`, `from`, `reason` and `createdAt`."""
        headers = {"Content-Type": "text/csv", "Prefer": _STRICT}
        answer = self._transport.send("POST", f"{_BASE}/optout/import", headers, csv.encode(), repeats=True)
        return answer.json()

    # Webhooks

    def create_webhook(self, url: str, **settings: Any) -> Webhook:
        """Creates an endpoint; the answer has its `secret`.

        Settings are `events`, `ordering`, `broadcast_messages`, `description`, `active`.
        """
        return self._send("POST", "/webhook", {"url": url, **_camel(settings)})

    def webhooks(self) -> Iterator[Webhook]:
        """The endpoints of the account."""
        return self._pages("/webhook", {})

    def get_webhook(self, webhook_id: str) -> Webhook:
        """An endpoint with its backlog."""
        return self._get(f"/webhook/{_part(webhook_id)}")

    def change_webhook(self, webhook_id: str, **settings: Any) -> Webhook:
        """Changes an endpoint; absent settings do not change."""
        return self._send("PATCH", f"/webhook/{_part(webhook_id)}", _camel(settings), repeats=True)

    def remove_webhook(self, webhook_id: str) -> None:
        """Removes an endpoint."""
        self._send("DELETE", f"/webhook/{_part(webhook_id)}", None)

    def webhook_secret(self, webhook_id: str) -> str:
        """The secret that signs the requests to an endpoint."""
        return self._get(f"/webhook/{_part(webhook_id)}/secret")["secret"]

    def rotate_webhook_secret(self, webhook_id: str) -> str:
        """Makes a new secret. For 24 hours requests have two signatures."""
        return self._send("POST", f"/webhook/{_part(webhook_id)}/rotate", None)["secret"]

    def test_webhook(self, webhook_id: str) -> TestResult:
        """Sends a test event now, and returns the outcome."""
        return self._send("POST", f"/webhook/{_part(webhook_id)}/test", None, repeats=True)

    def deliveries(self, webhook_id: str, **filters: Any) -> Iterator[Delivery]:
        """Deliveries to an endpoint, newest event first. Filters are `status`, `type`, `limit`."""
        return self._pages(f"/webhook/{_part(webhook_id)}/delivery", filters)

    def replay(self, webhook_id: str, **which: Any) -> None:
        """Delivers events again: `event_ids`, or those from `since` to `until` whose delivery has a `status`."""
        self._send("POST", f"/webhook/{_part(webhook_id)}/replay", _camel(which), repeats=True)

    def events(self, **filters: Any) -> Iterator[Event]:
        """The events of the account, oldest first. Filters are `type`, `after`, `follow`, `limit`."""
        return self._pages("/event", filters)

    # Account

    def account(self) -> Account:
        """The account's limits, its quota of today, and the rules for its messages."""
        return self._get("/account")

    def numbers(self, **filters: Any) -> Iterator[Number]:
        """The senders of the account: numbers, then short codes, then names. `limit` is the size of a page."""
        return self._pages("/number", filters)

    def usage(self, *, from_: str | None = None, to: str | None = None) -> Usage:
        """The messages and segments of each UTC day by direction, type and status; both days are included.

        Args:
            from_: The first day: a date such as `2026-03-01`, or a time. 29 days before `to` by default.
            to: The last day; today by default.
        """
        return self._get("/usage" + _query_of({"from": from_, "to": to}))

    def usage_csv(self, *, from_: str | None = None, to: str | None = None) -> str:
        """The same as a CSV file."""
        path = _BASE + "/usage" + _query_of({"from": from_, "to": to})
        return self._transport.send("GET", path, {"Accept": "text/csv"}, None, repeats=True).body.decode()

    # Requests

    def _create(self, path: str, fields: dict[str, Any], key: str | None, wait: int | None) -> Any:
        preference = _STRICT if wait is None else f"{_STRICT}, wait={wait}"
        headers = {"Idempotency-Key": key or uuid.uuid4().hex, "Prefer": preference}
        return self._send("POST", path, fields, headers=headers, repeats=True)

    def _get(self, path: str) -> Any:
        return self._send("GET", path, None, repeats=True)

    def _send(
        self,
        method: str,
        path: str,
        fields: dict[str, Any] | None,
        *,
        headers: dict[str, str] | None = None,
        repeats: bool = False,
    ) -> Any:
        headers, body = dict(headers or {}), None
        if fields is not None:
            headers = {"Content-Type": "application/json", "Prefer": _STRICT, **headers}
            body = json.dumps(fields).encode()
        return self._transport.send(method, _BASE + path, headers, body, repeats=repeats).json()

    def _pages(self, path: str, filters: dict[str, Any]) -> Iterator[Any]:
        query = _query(filters)
        while True:
            page = self._get(path + _query_of(query))
            yield from page["data"]
            if page["nextCursor"] is None:
                return
            query["cursor"] = page["nextCursor"]


def _part(text: str) -> str:
    """A part of a path."""
    return quote(text, safe="")


def _query_of(parameters: dict[str, Any]) -> str:
    query = urlencode(_present(parameters))
    return f"?{query}" if query else ""


def _time(time: datetime) -> str:
    """A time as in RFC 3339."""
    if time.tzinfo is None:
        raise ValueError("a time needs its offset from UTC, for example datetime.now(timezone.utc)")
    return time.isoformat()


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _content(
    body: str | None, media_url: str | None, kind: str | None, reference: str | None, validity: int | None
) -> dict[str, Any]:
    content = {"body": body, "mediaUrl": media_url, "messageType": kind, "reference": reference}
    return _present({**content, "validitySeconds": validity})


def _camel(fields: dict[str, Any]) -> dict[str, Any]:
    """Names as the API has them: `broadcast_id` is `broadcastId`, and `from_` is `from`."""
    named = {}
    for name, value in _present(fields).items():
        head, *rest = name.strip("_").split("_")
        named[head + "".join(part.title() for part in rest)] = value
    return named


def _query(filters: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in _camel(filters).items()}
