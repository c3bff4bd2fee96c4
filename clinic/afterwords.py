"""What is put before a contact after the answer to what they asked: a question for a guardian, or
the privacy notice, never both in one turn and each once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session

from clinic.consent import NOTICE, mark_notice_given, notice_due
from clinic.database import connection_of
from clinic.guardians import mark_asked
from clinic.models import Contact, Guardian, NoticeGiven
from clinic.models.consent import SUSPECTED
from clinic.outbox import plan


@dataclass(frozen=True)
class Afterwords:
    """The words, as bubbles in the language of the answer, and the notice's version."""

    language: str
    notice_version: str
    notice: Any
    guardian_question: Any


_DUE = select(
    Contact.opted_out_at,
    select(Guardian.state)
    .where(Guardian.contact_id == Contact.id)
    .order_by(Guardian.id.desc())
    .limit(1)
    .scalar_subquery()
    .label("guardian"),
    exists()
    .where(NoticeGiven.contact_id == Contact.id, NoticeGiven.version == bindparam("version"))
    .label("noticed"),
).where(Contact.id == bindparam("contact"))


def add_afterwords(session: Session, contact_id: int, message_id: int, words: Afterwords) -> None:
    """Plan what is due for this contact after the answer to a message.

    Who has said stop is asked nothing of our own accord.
    """
    # asked in every turn, so one question of what is never encrypted
    asked = {"contact": contact_id, "version": words.notice_version}
    due = connection_of(session).execute(_DUE, asked).one()
    if due.opted_out_at is not None:
        return
    if due.guardian == SUSPECTED:
        cause = f"guardian:{message_id}"
        plan(session, contact_id, words.guardian_question, cause, purpose=NOTICE)
        mark_asked(session, contact_id)
    elif (
        not due.noticed
        and notice_due(session, contact_id, words.notice_version)
        and mark_notice_given(session, contact_id, words.notice_version, words.language)
    ):
        cause = f"notice:{contact_id}:{words.notice_version}"
        plan(session, contact_id, words.notice, cause, purpose=NOTICE)
