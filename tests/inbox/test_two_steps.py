"""Two-step sign-in: set up, used once each, refused, taken off."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic import two_steps
from clinic.database import Database, now
from clinic.models import Staff
from tests.inbox.conftest import PASSWORD, press, sign_in, token_in


def set_up(client: FlaskClient) -> pyotp.TOTP:
    """Turn two-step sign-in on, as a person with an app would; the app."""
    assert press(client, "/account", "/account/two-step", password=PASSWORD).status_code == 302
    key = re.search(r'id="totp-key">([A-Z2-7 ]+)<', client.get("/account").text)
    assert key
    app = pyotp.TOTP(key[1].replace(" ", ""))
    code = app.at(now())
    assert press(client, "/account", "/account/two-step/confirm", code=code).status_code == 302
    return app


def second_step(client: FlaskClient, code: str) -> int:
    csrf = token_in(client.get("/sign-in/code").text)
    answer = client.post("/sign-in/code", data={"csrf_token": csrf, "code": code})
    return int(answer.status_code)


def test_the_key_is_shown_as_a_picture_without_inline_style(asha: FlaskClient) -> None:
    press(asha, "/account", "/account/two-step", password=PASSWORD)
    html = asha.get("/account").text
    assert "<svg" in html and "style=" not in html


def test_setting_up_needs_the_password_and_a_right_code(asha: FlaskClient, db: Database) -> None:
    assert press(asha, "/account", "/account/two-step", password="guess").status_code == 422
    press(asha, "/account", "/account/two-step", password=PASSWORD)
    wrong = press(asha, "/account", "/account/two-step/confirm", code="000000")
    assert wrong.status_code == 422
    with db.reading() as session:
        assert session.execute(select(Staff)).scalar_one().totp_secret is None


def test_signing_in_takes_both_steps(app: Flask, asha: FlaskClient) -> None:
    authenticator = set_up(asha)
    client = app.test_client()
    first = sign_in(client)
    assert first.location.startswith("/sign-in/code")
    assert client.get("/").status_code == 302, "the password alone lets nobody in"
    assert second_step(client, "123") == 401
    assert second_step(client, authenticator.at(now())) == 302
    assert client.get("/").status_code == 200


def test_a_code_is_good_once(app: Flask, asha: FlaskClient) -> None:
    authenticator = set_up(asha)
    code = authenticator.at(now())
    for expected in (302, 401):
        client = app.test_client()
        sign_in(client)
        assert second_step(client, code) == expected


def test_the_first_step_is_forgotten_after_five_minutes(app: Flask, asha: FlaskClient) -> None:
    authenticator = set_up(asha)
    client = app.test_client()
    sign_in(client)
    with time_machine.travel(now() + timedelta(minutes=6)):
        answer = client.get("/sign-in/code")
        assert answer.location.startswith("/sign-in")
        assert client.post("/sign-in/code", data={"code": authenticator.now()}).status_code == 400


def test_wrong_codes_lock_the_account(app: Flask, asha: FlaskClient, db: Database) -> None:
    authenticator = set_up(asha)
    with db.transaction() as session:
        person = session.execute(select(Staff)).scalar_one()
        for _try in range(8):
            assert not two_steps.check_code(session, person, "000000")
        assert not two_steps.check_code(session, person, authenticator.at(now()))


def test_taking_it_off_needs_the_password(app: Flask, asha: FlaskClient) -> None:
    set_up(asha)
    assert press(asha, "/account", "/account/two-step/remove", password="no").status_code == 422
    press(asha, "/account", "/account/two-step/remove", password=PASSWORD)
    client = app.test_client()
    assert sign_in(client).location == "/"
