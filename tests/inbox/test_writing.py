"""Writing to patients and beside them: files, later, templates, ready answers, private notes."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any, Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic.bubbles import Media, Template, bubble_from_json
from clinic.database import Database, now
from clinic.models import CannedReply, Message, Note, StoredFile
from inbox.files import kind_of, safe_name
from inbox.template_book import staff_templates
from tests.inbox.at_the_desk import open_clinic, says
from tests.inbox.conftest import FilesOfTests, press

Make = Callable[..., int]
PDF = b"%PDF-1.4 an invented plan"
JPEG = b"\xff\xd8\xff an invented picture"
HTML = b"<html><script>alert(1)</script>"


def sent(db: Database) -> list[Any]:
    with db.reading() as session:
        rows = session.execute(select(Message).where(Message.direction == "out"))
        return list(rows.scalars())


def test_a_file_goes_with_its_words(
    asha: FlaskClient, db: Database, patient: Make, files: FilesOfTests
) -> None:
    page = f"/conversations/{patient()}"
    file = (io.BytesIO(PDF), "../../plan of Ravi.exe")
    done = press(asha, page, f"{page}/reply", text="Your plan", key="k", file=file)
    assert done.status_code == 302
    (message,) = sent(db)
    bubble = bubble_from_json(message.content)
    assert isinstance(bubble, Media)
    assert (bubble.media, bubble.caption, bubble.filename) == (
        "document",
        "Your plan",
        "plan of Ravi.pdf",
    )
    assert files.there[str(bubble.id)] == PDF


@pytest.mark.parametrize(
    ("content", "name"),
    [(HTML, "photo.jpg"), (b"MZ\x90", "x.pdf"), (b"", "a.png"), (JPEG * 400_000, "large.jpg")],
    ids=["a page", "a program", "empty", "too large"],
)
def test_a_disguised_or_large_file_is_refused_and_the_words_are_kept(
    asha: FlaskClient, db: Database, patient: Make, content: bytes, name: str
) -> None:
    page = f"/conversations/{patient()}"
    file = (io.BytesIO(content), name)
    answer = press(asha, page, f"{page}/reply", text="my words", key="k", file=file)
    assert answer.status_code == 422 and "Not sent" in answer.text and "my words" in answer.text
    assert sent(db) == []


def test_when_whatsapp_takes_no_file_nothing_is_sent_and_it_is_said(
    asha: FlaskClient, db: Database, patient: Make, files: FilesOfTests
) -> None:
    files.away = True
    page = f"/conversations/{patient()}"
    file = (io.BytesIO(JPEG), "a.jpg")
    answer = press(asha, page, f"{page}/reply", text="look", key="k", file=file)
    assert answer.status_code == 503 and "look" in answer.text
    assert sent(db) == []


def test_a_reply_can_wait_and_be_taken_back(asha: FlaskClient, db: Database, patient: Make) -> None:
    contact_id = patient()
    page = f"/conversations/{contact_id}"
    later = (now() + timedelta(hours=2, minutes=30 + 330)).strftime("%H:%M")
    press(asha, page, f"{page}/reply", text="See you soon", key="k", at=later)
    (message,) = sent(db)
    assert timedelta(hours=2) < message.due_at - now() < timedelta(hours=3)
    assert "Goes at" in asha.get(page).text
    press(asha, page, f"{page}/messages/{message.id}/take-back")
    assert sent(db)[0].state == "cancelled"
    assert "Goes at" not in asha.get(page).text
    press(asha, page, f"{page}/messages/{message.id}/take-back")
    assert "already on its way" in asha.get(page).text


def test_a_time_behind_the_window_is_refused(
    asha: FlaskClient, db: Database, patient: Make
) -> None:
    page = f"/conversations/{patient(ago=timedelta(hours=23))}"
    later = (now() + timedelta(hours=5, minutes=330)).strftime("%H:%M")
    answer = press(asha, page, f"{page}/reply", text="words", key="k", at=later)
    assert answer.status_code == 422 and "closed by then" in answer.text
    garbled = press(asha, page, f"{page}/reply", text="words", key="k", at="soon")
    assert garbled.status_code == 422 and sent(db) == []


def test_in_a_closed_window_a_template_is_shown_and_goes(
    asha: FlaskClient, db: Database, patient: Make
) -> None:
    open_clinic(db)
    page = f"/conversations/{patient(name='Ravi', ago=timedelta(hours=30))}"
    html = asha.get(page).text
    assert "Send a template instead" in html and "Hello Ravi" in html
    missing = press(asha, page, f"{page}/template", template="nonsense", key="k")
    assert missing.status_code == 422
    # no next visit: this one has a gap that nothing fills
    gap = press(asha, page, f"{page}/template", template="clinic_next_visit", key="k")
    assert gap.status_code == 422
    done = press(asha, page, f"{page}/template", template="clinic_call_back", key="k")
    assert done.status_code == 302
    (message,) = sent(db)
    bubble = bubble_from_json(message.content)
    assert isinstance(bubble, Template)
    assert bubble.body[0] == "Ravi" and bubble.language == "en" and message.text == bubble.text


def test_the_templates_of_staff_are_in_three_languages_with_the_same_gaps() -> None:
    for one in staff_templates():
        assert set(one.wordings) == {"en", "hi", "hinglish"}
        names = {wording.name for wording in one.wordings.values()}
        assert len(names) == 2, "Hinglish is registered under a name of its own"
        gaps = [set(re.findall(r"\{(\w+)\}", one.body)) for one in one.wordings.values()]
        assert gaps[0] == gaps[1] == gaps[2]
    assert len(staff_templates()) == 3


# --- ready answers


def test_the_suggested_answers_are_filled_for_the_patient(
    asha: FlaskClient, db: Database, patient: Make
) -> None:
    open_clinic(db)
    contact_id = patient(name="Ravi")
    press(asha, "/answers", "/answers/suggested")
    press(asha, "/answers", "/answers/suggested")
    with db.reading() as session:
        rows = {row.title: row.id for row in session.execute(select(CannedReply)).scalars()}
    assert len(rows) == 7, "pressing twice makes nothing twice"
    address = f"/live/conversations/{contact_id}/canned"
    hindi = asha.get(f"{address}/{rows['Thank you']}?language=hi").json
    assert "Ravi जी" in hindi["text"] and hindi["gaps"] == []
    unfilled = asha.get(f"{address}/{rows['Your next visit']}").json
    assert unfilled["gaps"] == ["next_visit"] and "{next_visit}" in unfilled["text"]
    page = f"/conversations/{contact_id}"
    refused = press(asha, page, f"{page}/reply", text=unfilled["text"], key="k")
    assert refused.status_code == 422 and "fill in {next_visit}" in refused.text


def test_a_ready_answer_with_a_file_is_uploaded_once(
    asha: FlaskClient, db: Database, patient: Make, files: FilesOfTests
) -> None:
    press(
        asha,
        "/answers",
        "/answers",
        title="Home plan",
        text_en="Here it is",
        clinical="1",
        file=(io.BytesIO(PDF), "plan.pdf"),
    )
    with db.reading() as session:
        row = session.execute(select(CannedReply)).scalar_one()
        stored = session.execute(select(StoredFile)).scalar_one()
        assert row.clinical and PDF not in bytes(stored.content), "at rest it is a ciphertext"
    page = f"/conversations/{patient()}"
    for number in (1, 2):
        answer = press(
            asha, page, f"{page}/reply", text="Here it is", key=f"k{number}", canned_file=row.id
        )
        assert answer.status_code == 302
    assert len(files.there) == 1 and len(sent(db)) == 2
    with db.transaction() as session:
        # WhatsApp forgets a file after thirty days
        session.get(StoredFile, stored.id).uploaded_at = now() - timedelta(days=26)
    press(asha, page, f"{page}/reply", text="Here it is", key="k3", canned_file=row.id)
    assert len(files.there) == 2


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"title": "", "text_en": "words"}, "title"),
        ({"title": "Empty"}, "one language at least"),
        ({"title": "Gap", "text_en": "Hello {diagnosis}"}, "{diagnosis}"),
        ({"title": "Long", "text_en": "x" * 1025}, "1024"),
    ],
)
def test_a_ready_answer_that_cannot_be_kept_is_given_back(
    asha: FlaskClient, db: Database, fields: dict[str, str], why: str
) -> None:
    answer = press(asha, "/answers", "/answers", **fields)
    assert answer.status_code == 422 and why in answer.text
    assert fields.get("text_en", "") in answer.text
    with db.reading() as session:
        assert session.execute(select(CannedReply)).all() == []


def test_changing_and_removing_a_ready_answer(asha: FlaskClient, db: Database) -> None:
    press(asha, "/answers", "/answers", title="One", text_en="first")
    press(asha, "/answers", "/answers", id="1", title="One", text_en="second")
    assert "second" in asha.get("/answers/1").text
    assert press(asha, "/answers", "/answers/1/remove").status_code == 302
    assert asha.get("/answers/1").status_code == 404


# --- private notes


def test_a_note_stands_where_it_was_written_and_is_sent_to_nobody(
    asha: FlaskClient, db: Database, patient: Make
) -> None:
    contact_id = patient("first words")
    page = f"/conversations/{contact_id}"
    press(asha, page, f"{page}/notes", note="She prefers calls <b>")
    says(db, contact_id, "later words", 1)
    html = asha.get(page).text
    assert html.index("first words") < html.index("She prefers calls") < html.index("later words")
    assert "Private note" in html and "&lt;b&gt;" in html
    assert [message.text for message in sent(db)] == ["later words"]
    with db.reading() as session:
        assert session.execute(select(Note.author)).scalar_one() == "Asha"
    assert press(asha, page, f"{page}/notes", note="   ").status_code == 422


def test_a_note_in_a_long_conversation_is_on_its_own_page_only(
    asha: FlaskClient, db: Database, patient: Make
) -> None:
    contact_id = patient("number 0")
    page = f"/conversations/{contact_id}"
    press(asha, page, f"{page}/notes", note="an early note")
    for number in range(1, 110):
        says(db, contact_id, f"number {number}", number)
    newest = asha.get(page).text
    assert "an early note" not in newest
    before = re.search(r"\?before=(\d+)", newest)
    assert before and "an early note" in asha.get(f"{page}?before={before[1]}").text


# --- files of patients


def media(patient: Make, **part: str) -> int:
    return patient(None, kind="media", content={"media": {"kind": "image", "id": "m1", **part}})


def address_of(db: Database, contact_id: int) -> str:
    with db.reading() as session:
        message_id = session.execute(select(Message.id)).scalars().first()
    return f"/conversations/{contact_id}/messages/{message_id}/file"


@pytest.mark.parametrize(
    ("content", "mime_type"),
    [(JPEG, "image/jpeg"), (PDF, "application/pdf"), (b"OggS..", "audio/ogg")],
)
def test_a_patients_file_is_shown_by_what_it_is(
    asha: FlaskClient,
    db: Database,
    patient: Make,
    files: FilesOfTests,
    content: bytes,
    mime_type: str,
) -> None:
    contact_id = media(patient, filename='a"b<c>.html', mime_type="text/html")
    files.there["m1"] = content
    answer = asha.get(address_of(db, contact_id))
    assert (answer.status_code, answer.mimetype, answer.data) == (200, mime_type, content)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert ".html" not in answer.headers["Content-Disposition"]


def test_files_that_are_no_pictures_gone_or_of_others_are_refused(
    asha: FlaskClient, db: Database, patient: Make, files: FilesOfTests
) -> None:
    contact_id = media(patient)
    address = address_of(db, contact_id)
    assert asha.get(address).status_code == 404, "gone"
    files.there["m1"] = HTML
    refused = asha.get(address)
    assert refused.status_code == 415 and b"<script>alert" not in refused.data
    files.away = True
    assert asha.get(address).status_code == 503
    other = patient("hello")
    assert asha.get(address.replace(f"/{contact_id}/", f"/{other}/", 1)).status_code == 404


def test_kinds_are_read_from_the_first_bytes() -> None:
    for content, kind in (
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"RIFF....WEBPVP8", "image/webp"),
        (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        (b"\x00\x00\x00\x18ftyp3gp5", "video/3gpp"),
        (b"<svg onload=alert(1)>", None),
        (b"", None),
    ):
        assert kind_of(content) == kind
    assert safe_name("C:\\a\\b/..", "image/png") == "file.png"
