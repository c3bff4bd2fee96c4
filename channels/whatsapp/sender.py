"""Sending one letter of the outbox through the Graph API."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Optional, Tuple

from channels.whatsapp.errors import Verdict, retry_delay
from channels.whatsapp.graph import Accepted, GraphClient, Refused, SendResult
from channels.whatsapp.render import Recipient, render
from clinic.bubbles import bubble_from_json
from clinic.database import Database
from clinic.delivery import (
    Letter,
    record_refused,
    record_sent,
    record_unknown,
    record_unreachable,
)
from clinic.logs import logger

log = logger("channel.sender")

ALERT_PAUSE = timedelta(minutes=1)


class GraphSender:
    """Sends letters and records what became of them; raises only where it could not record."""

    def __init__(self, client: GraphClient, database: Database) -> None:
        self._client = client
        self._database = database
        self._random = random.SystemRandom()

    def send(self, letter: Letter) -> None:
        """Send a letter that is marked `sending`, and record the outcome."""
        try:
            body = render(
                bubble_from_json(letter.content),
                Recipient(phone=letter.phone, bsuid=letter.bsuid),
                client_ref=str(letter.message_id),
                reply_to=letter.reply_to,
            )
        except Exception:
            log.exception("letter cannot be rendered", message=letter.message_id)
            self._record(letter, Refused(Verdict.FIX, title="cannot be rendered"))
            return
        self._record(letter, self._client.send(body))

    def _record(self, letter: Letter, result: SendResult) -> None:
        with self._database.transaction() as session:
            if isinstance(result, Accepted):
                record_sent(session, letter.message_id, result.wamid)
            elif isinstance(result, Refused):
                detail, retry_in, unreachable = self._judge(result, letter.attempts)
                if unreachable:
                    record_unreachable(session, letter.message_id, detail)
                else:
                    record_refused(session, letter.message_id, detail, retry_in)
            else:
                record_unknown(session, letter.message_id, result.why)

    def _judge(self, refused: Refused, attempts: int) -> Tuple[str, Optional[timedelta], bool]:
        """Why it was refused, when to try again (None: not), and whether for this contact ever."""
        verdict = refused.verdict
        # Meta's own words may quote ours, and `detail` is stored in the clear
        detail = f"graph {refused.code or refused.http_status or 'no connection'}"
        if verdict is Verdict.ALERT:
            log.error("an operator has to act", code=refused.code, http=refused.http_status)
            return detail, ALERT_PAUSE * attempts, False
        if verdict in (Verdict.RETRY, Verdict.LONG_DELAY, Verdict.MEDIA_RETRY):
            return detail, retry_delay(verdict, refused.code, attempts, self._random), False
        return detail, None, verdict is Verdict.NEVER_AGAIN
