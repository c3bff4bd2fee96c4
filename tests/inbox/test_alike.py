"""What is found once for several viewers: never for the wrong one, never too old."""

from __future__ import annotations

import threading
from typing import Any, Callable, List

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from clinic.database import Database
from clinic.models import AuditEntry
from clinic.pulse import Pulse
from clinic.staff_replies import reply
from inbox.access import alike
from tests.inbox.conftest import press, sign_in, token_in

Make = Callable[..., int]
SECRET = "my knee hurts since the operation"


def somebody(app: Flask, name: str, role: str = "physiotherapist") -> FlaskClient:
    client = app.test_client()
    assert sign_in(client, name, role).status_code == 302
    return client


@pytest.fixture
def slow_looks(app: Flask) -> None:
    """One look at the database serves everybody for a minute, unless it is asked for."""
    app.extensions["sandhi"].pulse.keep_seconds = 60.0


@pytest.fixture
def clinical(patient: Make, handoff: Make) -> int:
    """A contact whose words are for the clinicians."""
    contact = patient(SECRET)
    handoff("clinical", contact_id=contact)
    return contact


def live(client: FlaskClient, address: str) -> Any:
    answer = client.get(f"/live{address}")
    assert answer.status_code == 200
    return answer.json


class TestSight:
    @pytest.mark.parametrize("first", ["asha", "front"])
    def test_the_front_desk_never_gets_a_physiotherapists_part(
        self, app: Flask, asha: FlaskClient, front: FlaskClient, clinical: int, first: str
    ) -> None:
        app.extensions["sandhi"].pulse.keep_seconds = 60.0
        talk = f"/conversations/{clinical}"
        both = {"asha": asha, "front": front}
        order = [both[first], both["front" if first == "asha" else "asha"]]
        shown = {id(client): live(client, talk)["transcript"] for client in order}
        queues = {id(client): live(client, "/queue?view=all")["html"] for client in order}
        pages = {id(client): client.get(talk).text for client in order}
        for found in (shown, queues, pages):
            assert SECRET in found[id(asha)]
            assert SECRET not in found[id(front)]

    def test_two_of_the_front_desk_read_each_their_own_words_only(
        self, app: Flask, db: Database, front: FlaskClient, clinical: int, slow_looks: None
    ) -> None:
        other = somebody(app, "Gita", "front_desk")
        words = "I have told the physiotherapist of it"
        with db.transaction() as session:
            reply(session, clinical, words, "Frontdesk Farah", "k1")
        talk = f"/conversations/{clinical}"
        assert words in front.get(talk).text
        assert words not in live(other, talk)["transcript"]
        assert words in live(front, talk)["transcript"]

    def test_everybody_who_was_shown_it_is_noted(
        self, app: Flask, db: Database, asha: FlaskClient, clinical: int, slow_looks: None
    ) -> None:
        binu = somebody(app, "Binu")
        for client in (asha, binu):
            live(client, f"/conversations/{clinical}")
        with db.reading() as session:
            noted = session.query(AuditEntry).filter_by(what="viewed_clinical").all()
        assert len({entry.who for entry in noted}) == 2
        assert {entry.subject for entry in noted} == {f"contact:{clinical}"}

    def test_languages_are_kept_apart(
        self, app: Flask, asha: FlaskClient, clinical: int, slow_looks: None
    ) -> None:
        binu = somebody(app, "Binu")
        with binu.session_transaction() as kept:
            kept["ui_language"] = "hi"
        english = live(asha, "/queue?view=all")["html"]
        hindi = live(binu, "/queue?view=all")["html"]
        assert "Claim" in english and "Claim" not in hindi

    def test_everybody_has_their_own_token_in_the_forms(
        self, app: Flask, asha: FlaskClient, handoff: Make, slow_looks: None
    ) -> None:
        binu = somebody(app, "Binu")
        number = handoff("request")
        place = app.jinja_env.globals[alike.CSRF_PLACE]
        for client in (asha, binu):
            html = live(client, "/queue?view=all")["html"]
            assert place not in html
        taken = binu.post(f"/handoffs/{number}/claim", data={"csrf_token": token_in(html)})
        assert taken.status_code == 302
        again = asha.post(f"/handoffs/{number}/claim", data={"csrf_token": token_in(html)})
        assert again.status_code == 400


class TestOwnActs:
    def test_an_own_claim_is_ones_own_at_once_and_a_colleagues_to_others(
        self, app: Flask, asha: FlaskClient, patient: Make, handoff: Make, slow_looks: None
    ) -> None:
        binu = somebody(app, "Binu")
        number = handoff("request", contact_id=patient())
        for client in (asha, binu):
            assert f'id="claim-{number}"' in client.get("/?view=all").text
        assert press(asha, "/?view=all", f"/handoffs/{number}/claim").status_code == 302
        owner = '<span class="owner">{}</span>'
        assert owner.format("You") in asha.get("/?view=all").text
        for part in (binu.get("/?view=all").text, live(binu, "/queue?view=all")["html"]):
            assert owner.format("Asha") in part and owner.format("You") not in part
        assert owner.format("You") in live(asha, "/queue?view=all")["html"]

    def test_an_own_reply_is_there_when_the_page_comes_back(
        self, asha: FlaskClient, patient: Make, slow_looks: None
    ) -> None:
        talk = f"/conversations/{patient()}"
        asha.get(talk)
        sent = press(asha, talk, f"{talk}/reply", text="Come at five", key="k2")
        assert sent.status_code in (302, 303)
        assert "Come at five" in asha.get(talk).text


class TestNothingIsLost:
    @pytest.mark.parametrize("address", ["/queue?view=all", "/conversations/{}"])
    def test_of_what_is_written_while_a_page_is_made(
        self,
        app: Flask,
        db: Database,
        asha: FlaskClient,
        patient: Make,
        handoff: Make,
        address: str,
    ) -> None:
        contact = patient("before")
        handoff("request", contact_id=contact)
        address, wrote = address.format(contact), []

        def write(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            # between the version and the words that it names
            reads_words = "messages.text" in statement and "length(" not in statement
            if reads_words and not wrote:
                wrote.append(True)
                with db.transaction() as session:
                    reply(session, contact, "in between", "Binu", "k3")

        pulse = app.extensions["sandhi"].pulse
        event.listen(db.engine, "before_cursor_execute", write)
        try:
            first = live(asha, address)
        finally:
            event.remove(db.engine, "before_cursor_execute", write)
        assert wrote
        pulse.beat(exact=True)
        joined = "&" if "?" in address else "?"
        second = live(asha, f"{address}{joined}version={first['version']}")
        assert second["version"] != first["version"], "the page will never ask for it"
        assert ("in between" if "conv" in address else "Binu") in str(second)


class TestOnce:
    def test_many_at_once_work_once(self, db: Database) -> None:
        pulse, worked = Pulse(db), []
        begun, go_on = threading.Event(), threading.Event()

        def work() -> str:
            worked.append(True)
            begun.set()
            assert go_on.wait(10)
            return "found"

        found: List[str] = []
        threads = [
            threading.Thread(target=lambda: found.append(pulse.same("key", work))) for _ in range(6)
        ]
        with time_machine.travel("2026-11-23 09:00Z", tick=False):
            for thread in threads:
                thread.start()
            assert begun.wait(10)
            go_on.set()
            for thread in threads:
                thread.join(10)
        assert (found, len(worked)) == (["found"] * 6, 1)

    def test_who_fails_does_not_keep_the_others_waiting(self, db: Database) -> None:
        pulse = Pulse(db)

        def fail() -> None:
            raise ValueError("once")

        with pytest.raises(ValueError, match="once"):
            pulse.same("key", fail)
        assert pulse.same("key", lambda: "found") == "found"

    def test_what_is_over_is_not_kept(self, db: Database, patient: Make) -> None:
        pulse = Pulse(db, keep_seconds=0)
        with time_machine.travel("2026-11-23 09:00Z", tick=False) as clock:
            pulse.same("words", lambda: SECRET)
            patient()
            pulse.same("other", lambda: 1)
            assert list(pulse._kept) == ["other"]
            clock.shift(10)
            pulse.same("third", lambda: 1)
            assert list(pulse._kept) == ["third"]
