"""Blue ticks: telling WhatsApp that a message was read, beside the conversation's work.

A tick is a courtesy: one that fails or comes when too many wait is let go.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import Optional

from channels.whatsapp.graph import GraphClient
from channels.whatsapp.render import mark_read
from clinic.logs import logger

log = logger("channel.receipts")

MOST_WAITING = 500


class Receipts:
    """Sends read ticks from one thread of its own."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client
        self._waiting: "queue.Queue[Optional[str]]" = queue.Queue(maxsize=MOST_WAITING)
        self._thread = threading.Thread(target=self._send, name="receipts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(timeout=2)

    def read(self, wamid: str) -> None:
        """The bot has dealt with this message."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(wamid)

    def _send(self) -> None:
        while True:
            wamid = self._waiting.get()
            if wamid is None:
                return
            try:
                self._client.mark_read(mark_read(wamid, typing=False))
            except Exception:
                log.exception("tick not sent")
