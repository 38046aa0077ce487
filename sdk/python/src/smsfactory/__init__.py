"""A client of the smsfactory messaging API. It needs nothing but the standard library.

>>> from smsfactory import Client
>>> client = Client("uk_…", "sk_live_…", base_url="https://sms.example.com")
>>> client.send_message(to="+18005551234", from_="+18005550100", body="Your table is ready")["status"]
'queued'
"""

from .aio import AsyncClient
from .client import Client
from .errors import (
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
)
from .webhooks import InvalidSignature, verify_webhook

__all__ = [
    "ApiError",
    "AsyncClient",
    "AuthenticationError",
    "Client",
    "ConflictError",
    "ConnectionFailed",
    "InvalidRequest",
    "InvalidSignature",
    "NotFound",
    "PermissionDenied",
    "RateLimited",
    "ServerError",
    "SmsfactoryError",
    "verify_webhook",
]
