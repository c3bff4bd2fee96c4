"""What a worker would do at some time, without doing it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional

from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.bubbles import Template, bubble_from_json
from clinic.claiming import claim
from clinic.database import Database
from clinic.decision import Writer
from clinic.delivery import Report, record
from clinic.models import Message
from clinic.recovery import recover
from clinic.scheduling.booking import expire_holds
from clinic.sending import Letter, begin_sending
from worker.planning import plan_within

OWNER = "dry run"
AT_ONCE = 100


@dataclass(frozen=True)
class Foreseen:
    """What would become of one due message; ids and codes only.

    `by` is `text` (or another kind of bubble) or `template NAME (LANGUAGE)` where it would go;
    otherwise `outcome` and `reason` say what it would end as, or that it would wait.
    """

    message_id: int
    contact_id: int
    cause: str
    due_at: datetime
    outcome: str
    by: str = ""
    reason: str = ""


class _Undo(Exception):
    """Everything was looked at; nothing of it stays."""


def foresee(
    database: Database, moment: datetime, writer: Optional[Writer], limit: int = 1000
) -> List[Foreseen]:
    """Up to `limit` due messages, in the order in which they would be decided.

    The worker's own functions decide, in a transaction that is then undone: other writers wait
    for it meanwhile (SQLite), which takes a second or two for a thousand messages.
    """
    found: List[Foreseen] = []
    try:
        with database.transaction() as session:
            recover(session)
            expire_holds(session, moment)
            plan_within(session, moment)
            while len(found) < limit:
                ids = claim(session, OWNER, min(AT_ONCE, limit - len(found)), moment)
                if not ids:
                    break
                due = _rows(session, ids)
                letters = begin_sending(session, ids, OWNER, writer=writer, moment=moment)
                found += _told(session, due, letters)
                # as if it had gone, so that what waits behind it has its turn
                sent = [
                    Report(one.message_id, wamid=f"dry-run.{one.message_id}") for one in letters
                ]
                record(session, sent)
            raise _Undo
    except _Undo:
        return found


def _rows(session: Session, ids: List[int]) -> Dict[int, Any]:
    rows = session.execute(
        select(
            Message.id,
            Message.contact_id,
            Message.cause,
            Message.due_at,
            Message.state,
            Message.detail,
        ).where(Message.id.in_(ids))
    )
    return {int(row.id): row for row in rows}


def _told(session: Session, due: Dict[int, Any], letters: List[Letter]) -> List[Foreseen]:
    going = {letter.message_id: letter for letter in letters}
    ended = _rows(session, [message_id for message_id in due if message_id not in going])
    told = []
    for message_id, row in due.items():
        about = (message_id, int(row.contact_id), str(row.cause), row.due_at)
        if message_id in going:
            told.append(Foreseen(*about, "sent", by=_by(going[message_id])))
            continue
        after = ended[message_id]
        waits = after.state == "planned"
        told.append(
            Foreseen(*about, "waits" if waits else str(after.state), reason=str(after.detail))
        )
    return told


def _by(letter: Letter) -> str:
    bubble = bubble_from_json(letter.content)
    if isinstance(bubble, Template):
        return f"template {bubble.name} ({bubble.language})"
    return "text" if bubble.kind == "choices" else str(bubble.kind)
