"""Keeping Chatwoot told: a conversation for each handoff, opened, with what the patient writes.

Each step is recorded when it was taken. Before a step that an earlier try may have taken already
(a crash, a lost answer) Chatwoot is asked what it has; so nothing is there twice. The same look
finds agents' replies and closings whose webhook never reached us.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Dict, List, Set

from clinic import chatwoot
from clinic.chatwoot import OWNER, Says
from clinic.database import Database, now
from clinic.logs import logger
from clinic.models import ChatwootLink, Contact, Handoff, Message
from worker.chatwoot_client import ChatwootClient, ChatwootError

log = logger("worker.chatwoot")

LOOK_EVERY = timedelta(seconds=15)
TRY_TAKES = timedelta(seconds=60)
SYSTEM = {
    "handed_back": "This conversation was handed back; what you wrote was not sent.",
    "attachment": "Files do not travel to WhatsApp from here. Send them from Sandhi's inbox.",
    "window_closed": "Not sent: the 24-hour window is closed until the patient writes again.",
    "taken": "Not sent: somebody has claimed this conversation in Sandhi's inbox.",
    "too_long": "Not sent: WhatsApp carries at most 4096 characters.",
    "empty": "Not sent: there was no text in it.",
}


class Connector:
    """One step at a time over all links that are due."""

    def __init__(self, client: ChatwootClient, texts: Says) -> None:
        self._client = client
        self._texts = texts

    def step(self, database: Database) -> int:
        """Do what is due; how many links were worked on."""
        with database.transaction() as session:
            chatwoot.link_new(session)
            due = chatwoot.due(session)
            for handoff_id in due:
                link = session.get(ChatwootLink, handoff_id)
                # another worker leaves it alone meanwhile; a crash makes it due again
                if link is not None:
                    link.due_at = now() + TRY_TAKES
        for handoff_id in due:
            self._work(database, handoff_id)
        return len(due)

    def _work(self, database: Database, handoff_id: int) -> None:
        try:
            if self._open(database, handoff_id):
                self._tell(database, handoff_id)
                self._look(database, handoff_id)
        except ChatwootError as error:
            log.warning("chatwoot did not answer as hoped", handoff=handoff_id, answer=str(error))
            with database.transaction() as session:
                link = _link(session, handoff_id)
                link.attempts += 1
                link.due_at = now() + chatwoot.pause_after(int(link.attempts))
            return
        with database.transaction() as session:
            link = _link(session, handoff_id)
            link.attempts = 0
            link.due_at = now() + LOOK_EVERY

    def _open(self, database: Database, handoff_id: int) -> bool:
        """The contact, the conversation, the note, and `open`: what is missing of these.

        False where the handoff was resolved here before Chatwoot heard of it.
        """
        with database.reading() as session:
            link = _link(session, handoff_id)
            if link.opened:
                return True
            over = chatwoot.standing(session, link) is None and link.conversation_id is None
            handoff = session.get(Handoff, handoff_id)
            contact = session.get(Contact, handoff.contact_id)
            note = _note(handoff, contact, chatwoot.context(session, link))
            name = contact.profile_name or contact.phone or f"Contact {contact.id}"
            identifier, phone = f"sandhi-{contact.id}", contact.phone
        if over:
            _keep(database, handoff_id, closed=True)
            return False
        if link.conversation_id is None:
            theirs, source_id = self._client.contact(identifier, name, phone)
            number = self._client.conversation(theirs, source_id, handoff_id)
            _keep(
                database,
                handoff_id,
                their_contact_id=theirs,
                source_id=source_id,
                conversation_id=number,
            )
            link.conversation_id = number
        number = int(link.conversation_id)
        if not link.note_written:
            self._write_once(number, note, f"sandhi:note:{handoff_id}", "outgoing", private=True)
            _keep(database, handoff_id, note_written=True)
        self._client.set_status(number, "open")
        _keep(database, handoff_id, opened=True)
        return True

    def _tell(self, database: Database, handoff_id: int) -> None:
        """What the patient wrote since, and why an agent's words could not go."""
        with database.reading() as session:
            link = _link(session, handoff_id)
            number = int(link.conversation_id)
            waiting = [(int(m.id), _said(m)) for m in chatwoot.untold(session, link)]
            refusals = chatwoot.refusals_to_tell(link)
        for message_id, text in waiting:
            self._write_once(number, text, f"sandhi:{message_id}", "incoming", private=False)
            _keep(database, handoff_id, told_message_id=message_id)
        for their_id, code in refusals:
            ours = f"sandhi:refused:{their_id}:{code}"
            self._write_once(number, SYSTEM.get(code, code), ours, "outgoing", private=True)
        if refusals:
            with database.transaction() as session:
                _link(session, handoff_id).refusals_to_tell -= len(refusals)

    def _look(self, database: Database, handoff_id: int) -> None:
        """What happened on either side that the other was not told by a webhook."""
        with database.reading() as session:
            link = _link(session, handoff_id)
            number, closed = int(link.conversation_id), bool(link.closed)
            resolved_here = chatwoot.standing(session, link) is None
        if closed:
            return
        if resolved_here:
            self._client.set_status(number, "resolved")
            _keep(database, handoff_id, closed=True)
            return
        written = [message for message in self._client.messages(number) if is_reply(message)]
        status = self._client.status(number)
        with database.transaction() as session:
            link = _link(session, handoff_id)
            for message in written:
                text, files = str(message.get("content") or ""), bool(message.get("attachments"))
                chatwoot.take_reply(session, link, int(message["id"]), text, files)
            if status in chatwoot.GIVEN_BACK:
                chatwoot.hand_back(session, link, self._texts)

    def _write_once(self, number: int, text: str, ours: str, kind: str, private: bool) -> None:
        known: Set[str] = {str(m.get("source_id")) for m in self._client.messages(number)}
        if ours not in known:
            self._client.write(number, text, ours, kind, private)


def is_reply(message: Dict[str, Any]) -> bool:
    """Whether an agent wrote this to the patient (neither we nor Chatwoot itself did)."""
    kind = message.get("message_type")
    ours = str(message.get("source_id") or "").startswith("sandhi:")
    # numbers in the API's lists, names in its webhooks
    return kind in (1, "outgoing") and not message.get("private") and not ours


def _link(session: Any, handoff_id: int) -> ChatwootLink:
    link = session.get(ChatwootLink, handoff_id)
    assert link is not None  # noqa: S101 - links are never deleted
    return link  # type: ignore[no-any-return]


def _keep(database: Database, handoff_id: int, **values: Any) -> None:
    with database.transaction() as session:
        link = _link(session, handoff_id)
        for name, value in values.items():
            setattr(link, name, value)


def _note(handoff: Handoff, contact: Contact, before: List[Message]) -> str:
    """The private note: why it is here, how urgent, and what was said before."""
    lines = [f"Handed over by the assistant: {handoff.reason.replace('_', ' ')}."]
    if handoff.red_flag:
        lines.append(f"RED FLAG: {handoff.red_flag.replace('_', ' ')}.")
    lines.append(f"Priority: {handoff.priority}. Writes: {contact.language}.")
    lines.append("Resolve it, or set it to pending, to give the patient back to the assistant.")
    if before:
        lines.append("")
    for message in before:
        who = "Patient" if message.direction == "in" else "Assistant"
        if message.author.startswith("staff:"):
            who = message.author.removeprefix("staff:") or OWNER
        lines.append(f"{who}: {_said(message)}")
    return "\n".join(lines)


def _said(message: Message) -> str:
    return str(message.text) if message.text else f"[{message.kind}]"
