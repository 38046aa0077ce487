"""The client for asyncio."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .client import Client

_END = object()


class AsyncClient:
    """The methods of `Client` as coroutines, and its lists as asynchronous iterators.

    Requests run on threads of the client's own, `concurrency` of them, each over a connection that is kept.

    >>> async with AsyncClient("uk_…", "sk_live_…") as client:
    ...     await client.send_message(to="+18005551234", from_="+18005550100", body="Hello")
    ...     async for message in client.messages(status="sent"):
    ...         print(message["id"])
    """

    _LISTS = frozenset(
        {"messages", "broadcasts", "opt_outs", "opt_out_history", "webhooks", "deliveries", "events", "numbers"}
    )

    def __init__(self, key_id: str, secret: str, *, concurrency: int = 8, **settings: Any):
        self._client = Client(key_id, secret, **settings)
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="smsfactory")

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Waits for requests that are under way, and ends the threads."""
        await asyncio.to_thread(self._threads.shutdown)
        self._client.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        method = getattr(self._client, name)
        return functools.partial(self._iterate if name in self._LISTS else self._call, method)

    async def _call(self, method: Callable[..., Any], *args: Any, **named: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, functools.partial(method, *args, **named))

    async def _iterate(self, method: Callable[..., Iterator[Any]], *args: Any, **named: Any) -> AsyncIterator[Any]:
        items = method(*args, **named)
        while (item := await self._call(next, items, _END)) is not _END:
            yield item
