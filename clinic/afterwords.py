"""What is put before a contact after the answer to what they asked: a question for a guardian, or
the privacy notice, never both in one turn and each once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from clinic.consent import NOTICE, mark_notice_given, notice_due
from clinic.guardians import mark_asked, must_ask
from clinic.models import Contact
from clinic.outbox import plan


@dataclass(frozen=True)
class Afterwords:
    """The words, as bubbles in the language of the answer, and the notice's version."""

    language: str
    notice_version: str
    notice: Any
    guardian_question: Any


def add_afterwords(session: Session, contact_id: int, message_id: int, words: Afterwords) -> None:
    """Plan what is due for this contact after the answer to a message.

    Who has said stop is asked nothing of our own accord.
    """
    contact = session.get(Contact, contact_id)
    if contact is None or contact.opted_out_at is not None:
        return
    if must_ask(session, contact_id):
        cause = f"guardian:{message_id}"
        plan(session, contact_id, words.guardian_question, cause, purpose=NOTICE)
        mark_asked(session, contact_id)
    elif notice_due(session, contact_id, words.notice_version) and mark_notice_given(
        session, contact_id, words.notice_version, words.language
    ):
        cause = f"notice:{contact_id}:{words.notice_version}"
        plan(session, contact_id, words.notice, cause, purpose=NOTICE)
