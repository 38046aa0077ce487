"""Signatures of webhooks, as in Standard Webhooks 1.0."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .errors import SmsfactoryError

if TYPE_CHECKING:
    from .types import Event


class InvalidSignature(SmsfactoryError):
    """The request is not from the server, was changed on its way, or is too old. Answer it with 400."""


def verify_webhook(
    payload: bytes | str, headers: Mapping[str, str], secret: str, *, tolerance: int = 300, now: float | None = None
) -> Event:
    """Checks the signature of a request, and returns its event.

    Args:
        payload: The raw body.
        headers: The headers; their names may be in any case.
        secret: The secret of the endpoint (`whsec_…`).
        tolerance: The largest difference between the time of the request and the clock, in seconds.
        now: The time in Unix seconds, for tests.

    Raises:
        InvalidSignature: The event must not be believed.
    """
    octets = payload.encode() if isinstance(payload, str) else payload
    known = {name.lower(): value for name, value in headers.items()}
    try:
        name, sent_at, signatures = (known[f"webhook-{part}"] for part in ("id", "timestamp", "signature"))
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        age = (time.time() if now is None else now) - int(sent_at)
    except KeyError as missing:
        raise InvalidSignature(f"the header {missing} is missing") from None
    except (ValueError, binascii.Error):
        raise InvalidSignature("the secret or the time of the request cannot be read") from None
    if abs(age) > tolerance:
        raise InvalidSignature(f"the request is {age:.0f} seconds old")
    digest = hmac.new(key, f"{name}.{sent_at}.".encode() + octets, hashlib.sha256).digest()
    expected = base64.b64encode(digest).decode()
    for signature in signatures.split():
        version, _, given = signature.partition(",")
        if version == "v1" and hmac.compare_digest(given.encode(), expected.encode()):
            return json.loads(octets)
    raise InvalidSignature("no signature fits")
