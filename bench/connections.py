"""Keep-alive HTTP connections for the load: one request each at a time, more when all are busy."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Deque, Optional
from urllib.parse import urlsplit

BROKEN = 0


class Connection(asyncio.Protocol):
    """One connection; the answer's status is 0 where the connection broke first."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: Optional["asyncio.Future[int]"] = None
        self.open = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.open = True

    def connection_lost(self, _error: Optional[Exception]) -> None:
        self.open = False
        self._settle(BROKEN)

    def ask(self, request: bytes) -> "asyncio.Future[int]":
        """Send a whole request; the future gives the status once the whole answer is here."""
        self._buffer = b""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        """Close it."""
        if self.open:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(body) >= length:
            self._settle(int(head[9:12]))

    def _settle(self, status: int) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(status)


class Pool:
    """Connections to one server; a request never waits for another one's answer."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._idle: Deque[Connection] = deque()
        self.opened = 0

    async def warm(self, count: int) -> None:
        """Open connections ahead of use."""
        self._idle.extend([await self._connect() for _ in range(count)])

    async def ask(self, request: bytes) -> int:
        """Send a request on a free connection, or a new one; the status, 0 where it broke."""
        connection = await self._free()
        status = await connection.ask(request)
        if connection.open:
            self._idle.append(connection)
        return status

    async def _free(self) -> Connection:
        # the longest idle first, so that none is idle until the server closes it
        while self._idle:
            connection = self._idle.popleft()
            if connection.open:
                return connection
        return await self._connect()

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        connection = Connection()
        await loop.create_connection(lambda: connection, self._host, self._port)
        self.opened += 1
        return connection

    def close(self) -> None:
        """Close what is idle."""
        for connection in self._idle:
            connection.close()
