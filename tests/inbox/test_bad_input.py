"""What is handed in wrongly or too late: nothing is lost, and a clear message says what to do."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any, Callable

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic.database import Database, now
from clinic.handoffs import resolve_handoff
from clinic.models import Handoff, Message, Note
from inbox.files import LARGEST_UPLOAD
from tests.inbox.at_the_desk import MONDAY, at, open_clinic, visit
from tests.inbox.conftest import PASSWORD, FilesOfTests, press, sign_in, token_in

Make = Callable[..., int]
EVIL = "<img src=x onerror=alert(1)>\"'{{7777*7}}"
PDF = b"%PDF-1.4 an invented plan"


def sent(db: Database) -> list[Any]:
    with db.reading() as session:
        rows = session.execute(select(Message).where(Message.direction == "out"))
        return list(rows.scalars())


def hand_back(db: Database, handoff_id: int) -> None:
    with db.transaction() as session:
        resolve_handoff(session, handoff_id, "Sunil", "answered", hand_back=True)


class TestFiles:
    @pytest.mark.parametrize("brand", [b"heic", b"mif1", b"avif", b"qt  "])
    def test_what_only_looks_like_mp4_is_refused_before_whatsapp_does(
        self, asha: FlaskClient, db: Database, patient: Make, files: FilesOfTests, brand: bytes
    ) -> None:
        page = f"/conversations/{patient()}"
        file = (io.BytesIO(b"\0\0\0\x18ftyp" + brand + b"\0" * 40), "IMG_1.mp4")
        answer = press(asha, page, f"{page}/reply", text="my words", key="k", file=file)
        assert answer.status_code == 422
        assert "JPEG and PNG pictures" in answer.text and "my words" in answer.text
        assert (sent(db), files.there) == ([], {})

    def test_a_body_beyond_every_file_is_refused_unread(
        self, asha: FlaskClient, db: Database, patient: Make
    ) -> None:
        page = f"/conversations/{patient()}"
        file = (io.BytesIO(PDF + b"x" * (LARGEST_UPLOAD + 2**17)), "plan.pdf")
        answer = press(asha, page, f"{page}/reply", text="my words", key="k", file=file)
        assert answer.status_code == 413 and "too large" in answer.text
        assert sent(db) == []

    def test_a_refusal_says_that_the_file_has_to_be_chosen_again(
        self, asha: FlaskClient, patient: Make
    ) -> None:
        page = f"/conversations/{patient()}"
        form = {"text": "Dear {name}", "key": "k", "file": (io.BytesIO(PDF), "plan.pdf")}
        answer = press(asha, page, f"{page}/reply", **form)
        assert answer.status_code == 422 and "Choose the file again" in answer.text
        without = press(asha, page, f"{page}/reply", text="Dear {name}", key="k2")
        assert "Choose the file again" not in without.text


def test_html_in_a_name_is_text_on_every_page(
    app: Flask, db: Database, patient: Make, handoff: Make
) -> None:
    open_clinic(db)
    with time_machine.travel(at(9)):
        contact = patient(EVIL, EVIL, ago=timedelta())
        number = visit(db, contact, at(11), name=EVIL)
        handoff("request", contact_id=contact)
        client = app.test_client()
        sign_in(client, "Manager Mira", "manager")
        page = f"/conversations/{contact}"
        press(client, page, f"{page}/notes", note=EVIL)
        press(client, page, f"{page}/reply", text=EVIL.replace("{{7777*7}}", ""), key="k")
        day = f"/day?date={MONDAY.isoformat()}"
        for path in ("/?view=all", page, day, f"/visits/{number}", "/audit"):
            seen = client.get(path)
            assert seen.status_code == 200, path
            assert "<img src=x" not in seen.text and "54439" not in seen.text, path
        assert "&lt;img src=x" in client.get(page).text
        assert "<img src=x" not in press(client, "/search", "/search", q="onerror").text


class TestStaleForms:
    def test_of_another_session_sends_nothing(
        self, asha: FlaskClient, db: Database, patient: Make
    ) -> None:
        page = f"/conversations/{patient()}"
        answer = asha.post(f"{page}/reply", data={"text": "my words", "csrf_token": "stale"})
        assert answer.status_code == 400 and "open too long" in answer.text
        assert sent(db) == []

    def test_used_for_another_answer_says_so_and_keeps_the_words(
        self, asha: FlaskClient, db: Database, patient: Make
    ) -> None:
        page = f"/conversations/{patient()}"
        press(asha, page, f"{page}/reply", text="first", key="k")
        answer = press(asha, page, f"{page}/reply", text="second", key="k")
        assert answer.status_code == 409
        assert "another answer has gone already" in answer.text and "second" in answer.text
        key = re.search(r'name="key" value="(\w+)"', answer.text)
        assert key is not None
        again = press(asha, page, f"{page}/reply", text="second", key=key[1])
        assert again.status_code == 302
        assert [message.text for message in sent(db)] == ["first", "second"]

    def test_a_time_to_send_at_is_kept_with_the_words(
        self, asha: FlaskClient, db: Database, patient: Make
    ) -> None:
        """Sent again without looking, it must not go at once."""
        page = f"/conversations/{patient()}"
        answer = press(asha, page, f"{page}/reply", text="Dear {name}", key="k", at="17:30")
        assert answer.status_code == 422
        assert 'name="at" step="60" value="17:30"' in answer.text
        assert sent(db) == []


class TestResolvedMeanwhile:
    def test_a_reply_goes_and_it_is_said_who_answers_next(
        self, asha: FlaskClient, db: Database, patient: Make, handoff: Make
    ) -> None:
        contact = patient()
        number = handoff("request", contact_id=contact)
        page = f"/conversations/{contact}"
        shown = asha.get(page).text
        assert f'name="handoff" value="{number}"' in shown
        hand_back(db, number)
        form = {"csrf_token": token_in(shown), "text": "See you", "key": "k", "handoff": number}
        answer = asha.post(f"{page}/reply", data=form, follow_redirects=True)
        assert answer.status_code == 200 and "handed back meanwhile" in answer.text
        assert "See you" in [message.text for message in sent(db)]

    def test_a_reply_to_an_open_one_says_nothing_of_the_kind(
        self, asha: FlaskClient, patient: Make, handoff: Make
    ) -> None:
        contact = patient()
        number = handoff("request", contact_id=contact)
        page = f"/conversations/{contact}"
        answer = press(asha, page, f"{page}/reply", text="x", handoff=number, follow_redirects=True)
        assert "handed back meanwhile" not in answer.text

    @pytest.mark.parametrize("act", ["claim", "hand-back", "snooze", "assign"])
    def test_other_acts_are_refused_with_the_reason(
        self, asha: FlaskClient, db: Database, patient: Make, handoff: Make, act: str
    ) -> None:
        contact = patient()
        number = handoff("request", contact_id=contact)
        page = f"/conversations/{contact}"
        shown = asha.get(page).text
        hand_back(db, number)
        form = {"handoff": number, "outcome": "answered", "until": "reply", "then": "bot"}
        form |= {"to": "physiotherapists", "csrf_token": token_in(shown)}
        answer = asha.post(f"{page}/{act}", data=form)
        assert answer.status_code == 409 and "already been resolved" in answer.text
        with db.reading() as session:
            row = session.get(Handoff, number)
            assert (row.status, row.resolved_by, row.outcome) == ("resolved", "Sunil", "answered")


class TestExpiredSession:
    def test_a_reply_leads_back_to_its_page_over_the_sign_in(
        self, app: Flask, asha: FlaskClient, db: Database, patient: Make
    ) -> None:
        """The words are in the tab (`test_pages_browser`); the way back to them is here."""
        page = f"/conversations/{patient()}"
        token = token_in(asha.get(page).text)
        referrer = {"Referer": f"http://localhost{page}"}
        with time_machine.travel(now() + timedelta(hours=3)):
            form = {"csrf_token": token, "text": "my words", "key": "k"}
            answer = asha.post(f"{page}/reply", data=form, headers=referrer)
            assert answer.status_code == 302
            there = answer.headers["Location"]
            html = asha.get(there).text
            assert "an unsent draft is kept in this tab" in html
            login = {"login": "asha@clinic.example", "password": PASSWORD}
            back = asha.post(there, data={**login, "csrf_token": token_in(html)})
        assert back.status_code == 302 and back.headers["Location"] == page
        assert sent(db) == []

    def test_a_form_of_elsewhere_leads_nowhere(self, app: Flask, patient: Make) -> None:
        client = app.test_client()
        token = token_in(client.get("/sign-in").text)
        referrer = {"Referer": "http://elsewhere.example/conversations/1"}
        form = {"csrf_token": token, "text": "x"}
        answer = client.post(f"/conversations/{patient()}/reply", data=form, headers=referrer)
        assert answer.status_code == 302 and "next" not in answer.headers["Location"]

    def test_a_note_is_let_go_of_only_once_it_is_kept(
        self, asha: FlaskClient, db: Database, patient: Make
    ) -> None:
        page = f"/conversations/{patient()}"
        kept = 'id="note-form" data-just-sent'
        assert kept not in asha.get(page).text
        refused = asha.post(f"{page}/notes", data={"note": "my words", "csrf_token": "stale"})
        assert refused.status_code == 400 and kept not in asha.get(page).text
        press(asha, page, f"{page}/notes", note="my words")
        assert kept in asha.get(page).text and kept not in asha.get(page).text
        with db.reading() as session:
            assert [note.text for note in session.execute(select(Note)).scalars()] == ["my words"]
