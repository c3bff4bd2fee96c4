"""Sending one letter of the outbox through the Graph API."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Optional

from channels.whatsapp.errors import Verdict, retry_delay
from channels.whatsapp.graph import Accepted, GraphClient, Refused, SendResult
from channels.whatsapp.render import Recipient, render
from clinic.bubbles import bubble_from_json
from clinic.delivery import Report
from clinic.logs import logger
from clinic.sending import Letter

log = logger("channel.sender")

ALERT_PAUSE = timedelta(minutes=1)


class GraphSender:
    """Sends letters and says what became of them."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client
        self._random = random.SystemRandom()

    def send(self, letter: Letter) -> Report:
        """Send a letter that is marked `sending`; never raises for the network."""
        try:
            body = render(
                bubble_from_json(letter.content),
                Recipient(phone=letter.phone, bsuid=letter.bsuid),
                client_ref=str(letter.message_id),
                reply_to=letter.reply_to,
            )
        except Exception:
            log.exception("letter cannot be rendered", message=letter.message_id)
            return self._report(letter, Refused(Verdict.FIX, title="cannot be rendered"))
        return self._report(letter, self._client.send(body))

    def _report(self, letter: Letter, result: SendResult) -> Report:
        if isinstance(result, Accepted):
            return Report(letter.message_id, wamid=result.wamid)
        if not isinstance(result, Refused):
            return Report(letter.message_id, detail=result.why, unknown=True)
        # Meta's own words may quote ours, and `detail` is stored in the clear
        detail = f"graph {result.code or result.http_status or 'no connection'}"
        return Report(
            letter.message_id,
            detail=detail,
            retry_in=self._retry_in(result, letter.attempts),
            unreachable=result.verdict is Verdict.NEVER_AGAIN,
        )

    def _retry_in(self, refused: Refused, attempts: int) -> Optional[timedelta]:
        """When to try again; None: not."""
        verdict = refused.verdict
        if verdict is Verdict.ALERT:
            log.error("an operator has to act", code=refused.code, http=refused.http_status)
            return ALERT_PAUSE * attempts
        if verdict in (Verdict.RETRY, Verdict.LONG_DELAY, Verdict.MEDIA_RETRY):
            return retry_delay(verdict, refused.code, attempts, self._random)
        return None
