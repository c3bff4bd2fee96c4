"""The pages as somebody meets them who should not, and when something breaks."""

from __future__ import annotations

import logging
import re
from typing import Any, Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic.database import Database
from clinic.models import Handoff, Message
from tests.inbox.conftest import PASSWORD, TOKEN, press

Make = Callable[..., int]
WORDS = "a very private complaint"

# --- getting in


@pytest.mark.parametrize(
    "path",
    ["/", "/?view=all", "/conversations/1", "/conversations/99", "/account", "/audit", "/staff"],
)
def test_signed_out_every_page_leads_to_the_form(app: Flask, patient: Make, path: str) -> None:
    patient(WORDS)
    answer = app.test_client().get(path)
    assert answer.status_code == 302
    assert answer.location.startswith("/sign-in")
    assert WORDS not in answer.text


@pytest.mark.parametrize("path", ["/live/queue", "/live/conversations/1"])
def test_signed_out_the_live_part_says_so(app: Flask, patient: Make, path: str) -> None:
    patient(WORDS)
    answer = app.test_client().get(path)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "signed_out")


# --- forged, stale and broken requests


@pytest.mark.parametrize("action", ["reply", "claim", "hand-back"])
def test_without_the_forms_token_nothing_happens(
    asha: FlaskClient, db: Database, patient: Make, handoff: Make, action: str
) -> None:
    contact_id = patient()
    made = handoff(contact_id=contact_id)
    fields = {"text": "forged", "handoff": made, "outcome": "called"}
    for csrf in ({}, {"csrf_token": "forged"}):
        answer = asha.post(f"/conversations/{contact_id}/{action}", data={**fields, **csrf})
        assert answer.status_code == 400 and "Go back, reload" in answer.text
    with db.reading() as session:
        assert session.get(Handoff, made).status == "open"
        assert session.execute(select(Message).where(Message.direction == "out")).all() == []


def test_the_sign_in_form_is_protected_too(app: Flask) -> None:
    answer = app.test_client().post("/sign-in", data={"login": "asha", "password": PASSWORD})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "fields", [{}, {"handoff": "x"}, {"handoff": str(2**70)}, {"handoff": "-1"}]
)
def test_a_garbled_form_is_not_an_accident(
    asha: FlaskClient, patient: Make, fields: dict[str, str]
) -> None:
    page = f"/conversations/{patient()}"
    for action in ("claim", "hand-back"):
        answer = press(asha, page, f"{page}/{action}", outcome="called", **fields)
        assert answer.status_code == 404


def test_a_huge_form_is_refused(asha: FlaskClient, patient: Make) -> None:
    page = f"/conversations/{patient()}"
    assert press(asha, page, f"{page}/reply", text="x" * 70_000).status_code == 413


@pytest.mark.parametrize("path", ["/sign-in", "/", "/conversations/1", "/api/v1/handoffs", "/no"])
def test_every_answer_is_hardened(asha: FlaskClient, patient: Make, path: str) -> None:
    patient()
    headers = asha.get(path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_no_page_has_inline_script_style_or_anything_from_elsewhere(
    asha: FlaskClient, patient: Make, handoff: Make
) -> None:
    handoff(contact_id=patient())
    for path in ("/", "/conversations/1", "/sign-in", "/account"):
        html = asha.get(path, follow_redirects=True).text
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?://", html)


@pytest.mark.parametrize("path", ["/", "/api/v1/handoffs", "/live/queue"])
def test_an_accident_is_said_without_details_and_logged_without_words(
    app: Flask,
    asha: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    path: str,
) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError(WORDS)

    monkeypatch.setattr("inbox.board.queue_state", fail)
    monkeypatch.setattr("inbox.api.handoffs.list_handoffs", fail)
    with caplog.at_level(logging.DEBUG):
        answer = asha.get(path, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 500
    assert WORDS not in answer.text and "Traceback" not in answer.text
    assert all(WORDS not in record.getMessage() for record in caplog.records)


def test_a_database_that_is_away_is_503(app: Flask, asha: FlaskClient, tmp_path: Any) -> None:
    away = Database(f"sqlite:///{tmp_path / 'gone' / 'clinic.db'}")
    (tmp_path / "gone").rmdir()
    object.__setattr__(app.extensions["sandhi"], "database", away)
    page = asha.get("/")
    api = asha.get("/api/v1/handoffs", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (page.status_code, api.status_code) == (503, 503)
    assert api.json["error"]["code"] == "unavailable"
