"""Getting in, staying in and getting out: passwords, locks, sessions, proxies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic import staff
from clinic.database import Database, now
from clinic.models import AuditEntry, Staff
from clinic.settings import settings
from clinic.staff import LOCK, TRIES_BEFORE_LOCK
from inbox.app import create_app
from inbox.limits import limiter
from tests.inbox.conftest import PASSWORD, account, press, sign_in, token_in


def post(client: FlaskClient, login: str, password: str, **more: Any) -> Any:
    csrf = token_in(client.get("/sign-in", **more).text)
    data = {"csrf_token": csrf, "login": login, "password": password}
    return client.post("/sign-in", data=data, **more)


def acts(db: Database) -> list[str]:
    with db.reading() as session:
        return list(session.execute(select(AuditEntry.what).order_by(AuditEntry.id)).scalars())


def test_an_account_opens_the_queue_and_the_log_says_so(app: Flask, db: Database) -> None:
    client = app.test_client()
    answer = sign_in(client)
    assert (answer.status_code, answer.location) == (302, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert "Asha" in client.get("/").text
    assert acts(db) == ["staff_added", "signed_in"]


def test_over_https_the_cookie_is_secure(app: Flask) -> None:
    login, base = account(app), "https://inbox.example"
    client = app.test_client()
    answer = post(client, login, PASSWORD, base_url=base, headers={"Referer": f"{base}/sign-in"})
    assert answer.status_code == 302
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "max-age" in answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize(
    ("login", "password", "status"),
    [("asha@clinic.example", "wrong", 401), ("asha@clinic.example", "", 400),
     ("", PASSWORD, 400), ("nobody", PASSWORD, 401), ("asha@clinic.example", "जादू", 401),
     ("asha@clinic.example", "x" * 201, 400), ("a\x07b", PASSWORD, 401)],
)  # fmt: skip
def test_the_form_lets_nobody_else_in(app: Flask, login: str, password: str, status: int) -> None:
    account(app)
    client = app.test_client()
    assert post(client, login, password).status_code == status
    assert client.get("/").status_code == 302


def test_a_wrong_password_and_an_unknown_login_are_answered_alike(app: Flask) -> None:
    login = account(app)
    wrong, unknown = (post(app.test_client(), name, "guess") for name in (login, "nobody.here"))
    assert wrong.status_code == unknown.status_code == 401
    assert "do not fit" in wrong.text and "do not fit" in unknown.text


def test_guessing_is_slowed_down_by_address_and_signing_in_often_is_not(app: Flask) -> None:
    for _time in range(8):
        assert sign_in(app.test_client()).status_code == 302
    guesser = app.test_client()
    tries = [sign_in(guesser, password="guess").status_code for _ in range(6)]
    assert tries == [401] * 5 + [429]
    assert sign_in(guesser).status_code == 429


@pytest.mark.parametrize("login", ["asha@clinic.example", "nobody.here"])
def test_guessing_from_many_addresses_is_slowed_down_by_login(app: Flask, login: str) -> None:
    account(app)
    tries = []
    for number in range(10):
        client = app.test_client()
        client.environ_base["REMOTE_ADDR"] = f"203.0.113.{number + 1}"
        tries.append(post(client, login, "guess").status_code)
    # of a login that does not exist a guesser must not learn so
    assert tries == [401] * 8 + [429] * 2


def test_an_account_locks_for_a_while_whatever_the_process_remembers(
    app: Flask, db: Database
) -> None:
    login = account(app)
    for _try in range(TRIES_BEFORE_LOCK):
        assert staff.check_sign_in(db, login, "guess") is None
    assert staff.check_sign_in(db, login, PASSWORD) is None
    limiter.reset()
    assert post(app.test_client(), login, PASSWORD).status_code == 401
    with time_machine.travel(now() + LOCK + timedelta(seconds=1)):
        assert post(app.test_client(), login, PASSWORD).status_code == 302
    assert acts(db).count("sign_in_failed") == TRIES_BEFORE_LOCK + 2


def test_a_shut_account_is_out_at_once_and_stays_out(app: Flask, db: Database) -> None:
    client = app.test_client()
    sign_in(client)
    with db.transaction() as session:
        person = session.execute(select(Staff)).scalar_one()
        staff.set_active(session, person, False, "cli")
    assert client.get("/").status_code == 302
    assert client.get("/live/queue").status_code == 401
    assert post(app.test_client(), "asha@clinic.example", PASSWORD).status_code == 401


# --- how long a session lasts


def test_a_session_ends_when_nobody_uses_it(app: Flask, asha: FlaskClient) -> None:
    idle = timedelta(minutes=settings().inbox_idle_minutes)
    start = now()
    with time_machine.travel(start + idle - timedelta(minutes=1)):
        assert asha.get("/").status_code == 200
    with time_machine.travel(start + idle * 2 - timedelta(minutes=3)):
        assert asha.get("/").status_code == 200
    with time_machine.travel(start + idle * 3):
        assert asha.get("/").status_code == 302


def test_a_page_that_refreshes_by_itself_does_not_keep_a_session_alive(asha: FlaskClient) -> None:
    idle = timedelta(minutes=settings().inbox_idle_minutes)
    start = now()
    for part in (0.5, 0.9):
        with time_machine.travel(start + idle * part):
            assert asha.get("/live/queue").status_code == 200
    with time_machine.travel(start + idle * 1.1):
        assert asha.get("/live/queue").status_code == 401


def test_a_session_ends_after_a_shift_however_busy(asha: FlaskClient) -> None:
    start, hours = now(), settings().inbox_session_hours
    for hour in range(1, hours):
        with time_machine.travel(start + timedelta(hours=hour)):
            assert asha.get("/").status_code == 200
    with time_machine.travel(start + timedelta(hours=hours, seconds=5)):
        assert asha.get("/").status_code == 302


def test_signing_out(asha: FlaskClient, db: Database) -> None:
    assert press(asha, "/", "/sign-out").status_code == 302
    assert asha.get("/").status_code == 302
    assert acts(db)[-1] == "signed_out"


def test_signing_out_everywhere_ends_the_other_browser_too(app: Flask, asha: FlaskClient) -> None:
    other = app.test_client()
    sign_in(other)
    assert press(asha, "/account", "/account/sign-out-everywhere").status_code == 302
    assert asha.get("/").status_code == 302 and other.get("/").status_code == 302


def test_a_cookie_of_a_session_that_was_ended_is_worth_nothing(
    app: Flask, asha: FlaskClient
) -> None:
    kept = asha.get_cookie("sandhi_inbox")
    assert kept is not None
    press(asha, "/account", "/account/sign-out-everywhere")
    thief = app.test_client()
    thief.set_cookie("sandhi_inbox", kept.value)
    assert thief.get("/").status_code == 302


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("/conversations/1", "/conversations/1"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
    ],
)
def test_after_signing_in_one_lands_only_here(app: Flask, wanted: str, location: str) -> None:
    login, client = account(app), app.test_client()
    csrf = token_in(client.get("/sign-in").text)
    data = {"csrf_token": csrf, "login": login, "password": PASSWORD}
    assert client.post("/sign-in", query_string={"next": wanted}, data=data).location == location


# --- one's own password


def test_a_new_password_needs_the_old_one_and_ends_other_sessions(
    app: Flask, asha: FlaskClient
) -> None:
    other = app.test_client()
    sign_in(other)
    new = "four other made-up words"
    wrong = {"password": "guess", "new": new, "again": new}
    assert press(asha, "/account", "/account/password", **wrong).status_code == 422
    uneven = {"password": PASSWORD, "new": new, "again": "something else"}
    assert press(asha, "/account", "/account/password", **uneven).status_code == 422
    right = {"password": PASSWORD, "new": new, "again": new}
    assert press(asha, "/account", "/account/password", **right).status_code == 302
    assert asha.get("/").status_code == 200
    assert other.get("/").status_code == 302
    assert sign_in(app.test_client(), password=PASSWORD).status_code == 401
    assert sign_in(app.test_client(), password=new).status_code == 302


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaa", "password12345", "asha1234567", "1234567890", "x" * 201]
)
def test_what_is_guessed_first_is_no_password(asha: FlaskClient, password: str) -> None:
    fields = {"password": PASSWORD, "new": password, "again": password}
    answer = press(asha, "/account", "/account/password", **fields)
    assert answer.status_code == 422


def test_who_was_given_a_password_chooses_another_first(app: Flask, db: Database) -> None:
    given = "given by a colleague"
    with db.transaction() as session:
        staff.add(session, "new", "Newcomer Nita", "front_desk", given, must_change=True)
    client = app.test_client()
    assert post(client, "new", given).status_code == 302
    assert client.get("/").location == "/account"
    assert client.get("/live/queue").status_code == 403
    new = "chosen by herself alone"
    fields = {"password": given, "new": new, "again": new}
    assert press(client, "/account", "/account/password", **fields).status_code == 302
    assert client.get("/").status_code == 200


# --- behind a proxy


def behind(app_of: Any, peer: str) -> FlaskClient:
    client: FlaskClient = app_of.test_client()
    client.environ_base["REMOTE_ADDR"] = peer
    return client


@pytest.mark.parametrize(("peer", "believed"), [("10.1.2.3", True), ("198.51.100.7", False)])
def test_only_our_own_proxy_is_believed_about_the_callers_address(
    db: Database, texts: Any, monkeypatch: pytest.MonkeyPatch, peer: str, believed: bool
) -> None:
    monkeypatch.setenv("INBOX_TRUSTED_PROXIES", "10.0.0.0/8")
    settings.cache_clear()
    app = create_app(db, texts)
    limiter.reset()
    account(app)
    answers = []
    for number in range(7):
        client = behind(app, peer)
        headers = {"X-Forwarded-For": f"203.0.113.{number + 1}"}
        answers.append(post(client, "asha@clinic.example", "guess", headers=headers).status_code)
    assert (429 in answers) is not believed
    limiter.reset()
