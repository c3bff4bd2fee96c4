"""Writing in a conversation: replies with files, at once or later; templates; private notes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Optional

from flask import Blueprint, Response, flash, jsonify, redirect, request, session, url_for

from clinic.audit import record
from clinic.canned import fill, open_gaps, values_for, words_in
from clinic.database import now
from clinic.delivery import window_open
from clinic.models import CannedReply, Handoff, StoredFile
from clinic.notes import LONGEST_NOTE, add_note
from clinic.setup import NoProfile
from clinic.staff_replies import LONGEST_CAPTION, LONGEST_TEXT, cancel_scheduled
from inbox import desk
from inbox.access.viewer import allowed, needs
from inbox.api.base import ID, LARGEST_ID
from inbox.attachments import CANNED_FIELD, FIELD, attachment_of
from inbox.errors import Refusal
from inbox.house import house
from inbox.language import t
from inbox.pages.conversation import ADDRESS, JUST_NOTED, JUST_SENT, conversation, show
from inbox.staff import me
from inbox.template_choices import template_choices

pages = Blueprint("replies", __name__)

CANNED_LANGUAGES = ("en", "hi", "hinglish")
# refusals that say themselves what is to be done with the file
ABOUT_THE_FILE = frozenset({"file", "file_away"})


@pages.post(f"{ADDRESS}/reply")
@needs("reply")
def reply(contact_id: int) -> Any:
    """Answer; what could not go comes back in the box with the reason."""
    text, key = _clean(request.form.get("text", "")), request.form.get("key", "")
    try:
        _refuse_gaps(text)
        due_at = _due_at(request.form.get("at", ""))
        _refuse_early(contact_id, text)
        attachment = attachment_of()
        desk.answer_patient(contact_id, text, me(), key[:64] or None, attachment, due_at)
    except Refusal as refusal:
        flash(_in_words(refusal), "bad")
        if refusal.code not in ABOUT_THE_FILE and _has_file():
            # a browser does not let a page fill in a file again
            flash(t("Choose the file again before you send."), "bad")
        return show(contact_id, draft=text, at=request.form.get("at", "")), refusal.status
    session[JUST_SENT] = contact_id
    if _handed_back_meanwhile():
        flash(
            t("Sent. It was handed back meanwhile: the assistant answers what comes next."), "good"
        )
    return redirect(url_for("conversation.page", contact_id=contact_id))


@pages.post(f"{ADDRESS}/messages/{ID.format('message_id')}/take-back")
@needs("reply")
def take_back(contact_id: int, message_id: int) -> Any:
    """Cancel a reply that waits for its time."""
    with house().database.transaction() as db:
        contact = conversation(db, contact_id)
        done = cancel_scheduled(db, int(contact.id), message_id)
        if done:
            record(db, me(), "take_back", f"message:{message_id}")
    if not done:
        flash(t("Too late: it is already on its way."), "bad")
    return redirect(url_for("conversation.page", contact_id=contact_id))


@pages.post(f"{ADDRESS}/template")
@needs("reply")
def template(contact_id: int) -> Any:
    """Send an approved template, which goes through a closed window."""
    wanted = request.form.get("template", "")
    with house().database.reading() as db:
        choices = template_choices(db, conversation(db, contact_id))
    bubble = next((one.bubble for one in choices if one.name == wanted), None)
    try:
        if bubble is None:
            raise Refusal(422, "template", t("Choose a template first."))
        desk.answer_with_template(contact_id, bubble, me(), request.form.get("key", "")[:64])
    except Refusal as refusal:
        flash(_in_words(refusal), "bad")
        return show(contact_id), refusal.status
    return redirect(url_for("conversation.page", contact_id=contact_id))


@pages.post(f"{ADDRESS}/notes")
@needs("reply")
def note(contact_id: int) -> Any:
    """Keep a private note; it is never sent."""
    text = _clean(request.form.get("note", ""))
    try:
        with house().database.transaction() as db:
            contact = conversation(db, contact_id)
            made = add_note(db, int(contact.id), me(), text)
            record(db, me(), "note", f"contact:{contact.id}", {"note": int(made.id)})
    except ValueError as error:
        empty = error.args == ("empty",)
        longest = t("A note has at most {n} characters.", n=LONGEST_NOTE)
        flash(t("The note is empty.") if empty else longest, "bad")
        return show(contact_id, note_draft=text), 422
    session[JUST_NOTED] = contact_id
    return redirect(url_for("conversation.page", contact_id=contact_id))


@pages.get(f"/live{ADDRESS}/canned/{ID.format('canned_id')}")
@needs("reply")
def canned(contact_id: int, canned_id: int) -> Response:
    """A ready answer filled for this patient: its words, the open gaps, and its file's name."""
    asked = request.args.get("language", "")
    with house().database.reading() as db:
        contact = conversation(db, contact_id)
        row = db.get(CannedReply, canned_id)
        if row is None or (row.clinical and not allowed("use_clinical_replies")):
            raise Refusal(404, "not_found", t("There is no such ready answer."))
        language = asked if asked in CANNED_LANGUAGES else str(contact.language)
        try:
            values = values_for(db, contact, language, me(), now())
        except NoProfile:
            values = {"me": me()}
        text = fill(words_in(row, language), values)
        file = db.get(StoredFile, row.file_id) if row.file_id is not None else None
        shown = {"id": row.id, "name": file.filename} if file is not None else None
    return jsonify(text=text, gaps=open_gaps(text), file=shown)


def _has_file() -> bool:
    given = request.files.get(FIELD)
    return bool(given and given.filename) or bool(request.form.get(CANNED_FIELD))


def _handed_back_meanwhile() -> bool:
    """Whether the handoff that the page showed is over."""
    shown = request.form.get("handoff", type=int)
    if shown is None or not 0 <= shown <= LARGEST_ID:
        return False
    with house().database.reading() as db:
        handoff = db.get(Handoff, shown)
    return handoff is not None and handoff.status == "resolved"


def _refuse_gaps(text: str) -> None:
    gaps = open_gaps(text)
    if gaps:
        raise Refusal(422, "gap", t("Not sent: fill in {gap} first.", gap="{" + gaps[0] + "}"))


def _refuse_early(contact_id: int, text: str) -> None:
    """Refuse what cannot go before a file is put at WhatsApp for nothing."""
    if len(text) > LONGEST_TEXT:
        raise Refusal(422, "too_long", "")
    if not _has_file():
        return
    with house().database.reading() as db:
        if not window_open(conversation(db, contact_id)):
            raise Refusal(409, "window_closed", "")


def _due_at(given: str) -> Optional[datetime]:
    """A local time of day `HH:MM` as the next such moment; None where none was given."""
    if not given:
        return None
    try:
        wanted = datetime.strptime(given, "%H:%M").time()
    except ValueError:
        raise Refusal(422, "past", "") from None
    zone = house().zone()
    local = now().astimezone(zone)
    due = datetime.combine(local.date(), wanted, zone)
    if due <= local:
        due = datetime.combine(local.date() + timedelta(days=1), wanted, zone)
    return due.astimezone(timezone.utc)


def _clean(text: str) -> str:
    """Without control characters, which no keyboard writes and WhatsApp refuses.

    A browser sends line ends as CR LF; a patient should get what was seen.
    """
    text = text.replace("\r\n", "\n")
    return "".join(sign for sign in text if sign in "\n\t" or ord(sign) >= 32)


def _in_words(refusal: Refusal) -> str:
    words = {
        "empty": t("There is nothing to send yet."),
        "too_long": t(
            "WhatsApp carries at most {n} characters. Shorten it, or send two.", n=LONGEST_TEXT
        ),
        "caption_too_long": t(
            "With a file WhatsApp carries at most {n} characters. Send the words apart.",
            n=LONGEST_CAPTION,
        ),
        "window_closed": t("Not sent: the 24-hour window is closed. Your words are kept below."),
        "taken": t("Not sent: somebody else has claimed this. Your words are kept below."),
        "key_reused": t(
            "Not sent: from this page another answer has gone already. Your words are kept below."
        ),
        "past": t("Not sent: give the time as hours and minutes, such as 17:30."),
        "after_window": t("Not sent: the 24-hour window will be closed by then."),
        "opted_out": t("Not sent: this person has stopped messages."),
    }
    return words.get(refusal.code) or t(refusal.message)
