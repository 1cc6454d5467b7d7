"""MiniStack's ASGI application with ours around it: it counts what changes, names its run, and saves before it ends."""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from infra.local.emulator.news import SAVED, STOPPING, Teller
from infra.local.emulator.saver import Saver

RUN_HEADER = b"x-emulator-run"
"""On every answer, another one after each start: by it, who follows a stream sees that its place means nothing now."""
READING = re.compile(rb"\.(?:BatchGet|Describe|Get|List|Query|Receive|Scan|TransactGet|Decrypt|Encrypt|Generate)[^.]*$")
"""Operations that change nothing worth keeping. Receiving hides a message for a while; lost, it is received again."""
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class Watched:
    """The application to serve. Without a saver nothing is kept."""

    def __init__(self, inner: App, teller: Teller, saver: Saver | None) -> None:
        self._inner = inner
        self._teller = teller
        self._saver = saver
        self._run = uuid.uuid4().hex.encode()
        self._saving: asyncio.Task[Any] | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One connection's request, or the server's own life."""
        if scope["type"] == "lifespan":
            await self._inner(scope, self._until_the_end(receive), send)
        elif scope["type"] == "http":
            await self._inner(scope, receive, self._watching(send, target_of(scope), scope["method"]))
        else:
            await self._inner(scope, receive, send)

    def _until_the_end(self, receive: Receive) -> Receive:
        async def next_message() -> Message:
            message = await receive()
            if message["type"] == "lifespan.startup" and self._saver:
                self._saving = asyncio.create_task(self._saver.save_regularly())
            if message["type"] == "lifespan.shutdown":
                self._teller.tell(STOPPING)
                if self._saver and await self._saver.save_last():
                    self._teller.tell(SAVED)
            return message

        return next_message

    def _watching(self, send: Send, target: bytes, method: str) -> Send:
        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (RUN_HEADER, self._run)]
                if self._saver and changes(target, method):
                    # Before anybody is told that it is done. S3 has no targets; what has one leaves buckets alone.
                    self._saver.changed(objects=not target)
            await send(message)

        return watched


def target_of(scope: MutableMapping[str, Any]) -> bytes:
    """The operation that a request names in its header; empty for services that name it elsewhere."""
    found: bytes = next((value for name, value in scope["headers"] if name.lower() == b"x-amz-target"), b"")
    return found


def changes(target: bytes, method: str) -> bool:
    """Whether a request may change what is kept."""
    return READING.search(target) is None if target else method not in ("GET", "HEAD", "OPTIONS")
