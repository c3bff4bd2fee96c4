"""The queue's views: whose, put aside, unread, late; passing on; and the words of it all."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Callable, Dict, Set

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from clinic.contacts import ensure_contact
from clinic.database import Database, now
from clinic.handoff_moves import mark_read, snooze, wake
from clinic.handoffs import HandoffError
from clinic.inbound import Arrival, store_arrival
from clinic.models import Contact, Handoff
from clinic.targets import read_targets
from inbox.language import hindi
from tests.inbox.at_the_desk import at, open_clinic
from tests.inbox.conftest import account, press, sign_in
from tests.inbox.phrases import phrases

Make = Callable[..., int]


def names_in(client: FlaskClient, view: str) -> Set[str]:
    return set(re.findall(r"Person[A-Z]", client.get(f"/?view={view}").text))


def counts_in(client: FlaskClient) -> Dict[str, int]:
    html = client.get("/?view=all").text
    found = re.findall(r'id="tab-(\w+)".*?class="count[^"]*">(\d+)', html, re.S)
    return {name: int(count) for name, count in found}


def writes(db: Database, contact_id: int, text: str) -> None:
    with db.transaction() as session:
        phone = session.get(Contact, contact_id).phone
        store_arrival(session, Arrival(f"wamid.{text}", "text", phone=phone, text=text))


def test_what_is_snoozed_is_out_of_sight_until_its_time(
    asha: FlaskClient, patient: Make, handoff: Make
) -> None:
    contact_id = patient(name="PersonA")
    made = handoff(contact_id=contact_id)
    page = f"/conversations/{contact_id}"
    until = (now() + timedelta(hours=1)).isoformat()
    done = press(asha, page, f"{page}/snooze", handoff=made, until=until)
    assert (done.status_code, done.location) == (302, "/")
    assert names_in(asha, "unclaimed") == names_in(asha, "all") == set()
    assert names_in(asha, "snoozed") == {"PersonA"}
    with time_machine.travel(now() + timedelta(minutes=61)):
        assert names_in(asha, "unclaimed") == {"PersonA"}


def test_a_snoozed_patient_who_writes_is_back_at_once(
    asha: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact_id = patient(name="PersonA")
    made = handoff(contact_id=contact_id)
    page = f"/conversations/{contact_id}"
    press(asha, page, f"{page}/snooze", handoff=made, until="reply")
    assert names_in(asha, "unclaimed") == set()
    writes(db, contact_id, "hello again")
    assert names_in(asha, "unclaimed") == names_in(asha, "unread") == {"PersonA"}


def test_a_red_flag_is_never_put_aside(
    asha: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact_id = patient()
    made = handoff("red_flag", contact_id=contact_id, red_flag="chest_pain")
    page = f"/conversations/{contact_id}"
    refused = press(asha, page, f"{page}/snooze", handoff=made, until="reply")
    assert refused.status_code == 409 and "red flag" in refused.text
    with db.transaction() as session, pytest.raises(HandoffError):
        snooze(session, made, None)


@pytest.mark.parametrize("until", ["", "yesterday", "2020-01-01T00:00:00+05:30", "9999-12-31"])
def test_a_snooze_needs_a_time_to_come(
    asha: FlaskClient, patient: Make, handoff: Make, until: str
) -> None:
    contact_id = patient()
    made = handoff(contact_id=contact_id)
    page = f"/conversations/{contact_id}"
    assert press(asha, page, f"{page}/snooze", handoff=made, until=until).status_code == 422


def test_waking_brings_it_back(db: Database, handoff: Make, asha: FlaskClient) -> None:
    made = handoff()
    with db.transaction() as session:
        snooze(session, made, None)
    assert counts_in(asha)["snoozed"] == 1
    with db.transaction() as session:
        wake(session, made)
    assert counts_in(asha)["snoozed"] == 0


def test_unread_is_what_nobody_answered_or_ticked_off(
    asha: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    first, second = patient(name="PersonA"), patient(name="PersonB")
    handoff(contact_id=first)
    handoff(contact_id=second)
    assert names_in(asha, "unread") == {"PersonA", "PersonB"}
    page = f"/conversations/{first}"
    press(asha, page, f"{page}/reply", text="Yes", key="k")
    press(asha, page, f"/conversations/{second}/unread", read="1")
    assert names_in(asha, "unread") == set()
    press(asha, page, f"/conversations/{second}/unread", read="0")
    assert names_in(asha, "unread") == {"PersonB"}
    with db.transaction() as session:
        mark_read(session, second)
    writes(db, second, "and one more thing")
    assert names_in(asha, "unread") == {"PersonB"}


def test_passing_on_to_the_physiotherapists_and_to_a_colleague(
    app: Flask, asha: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact_id = patient(name="PersonA")
    made = handoff("clinical", contact_id=contact_id)
    page = f"/conversations/{contact_id}"
    account(app, "Binu")
    press(asha, page, f"{page}/claim", handoff=made)
    nobody = press(asha, page, f"{page}/assign", handoff=made, to="Nobody", owner="Asha")
    assert nobody.status_code == 422, "there is no such account"
    done = press(asha, page, f"{page}/assign", handoff=made, to="physiotherapists", owner="Asha")
    assert done.status_code == 302
    assert names_in(asha, "mine") == names_in(asha, "unclaimed") == set()
    assert names_in(asha, "physiotherapists") == {"PersonA"}
    stale = press(asha, page, f"{page}/assign", handoff=made, to="Binu", owner="Asha")
    assert stale.status_code == 409
    press(asha, page, f"{page}/assign", handoff=made, to="Binu", owner="")
    binu = app.test_client()
    sign_in(binu, "Binu")
    assert names_in(binu, "mine") == {"PersonA"}
    with db.reading() as session:
        assert session.get(Handoff, made).team is None


def test_filtering_by_reason_and_the_counts_agree(
    asha: FlaskClient, patient: Make, handoff: Make
) -> None:
    handoff("media", contact_id=patient(name="PersonA"))
    handoff("clinical", contact_id=patient(name="PersonB"))
    assert names_in(asha, "all&reason=media") == {"PersonA"}
    assert names_in(asha, "all&reason=nonsense") == {"PersonA", "PersonB"}
    counts = counts_in(asha)
    assert (counts["all"], counts["unclaimed"], counts["unread"], counts["mine"]) == (2, 2, 2, 0)


def test_late_is_counted_in_opening_time(app: Flask, db: Database) -> None:
    open_clinic(db)
    with db.transaction() as session:
        contact = ensure_contact(session, "+919000000900", None, "PersonA")
        session.flush()
        session.add(
            Handoff(
                contact_id=contact.id, reason="request", priority="normal", opened_at=at(12, 30)
            )
        )
    # half an hour until the lunch break, and it goes on at four
    for moment, late in ((at(13, 30), False), (at(16, 29), False), (at(16, 31), True)):
        with time_machine.travel(moment):
            with db.reading() as session:
                targets = read_targets(session, now())
            assert targets is not None
            assert (targets.left("normal", at(12, 30)) < 0) is late, moment
            assert (targets.late_before("normal") > at(12, 30)) is late, moment
    with time_machine.travel(at(16, 45)):
        client = app.test_client()
        sign_in(client)
        assert names_in(client, "late") == {"PersonA"}
        assert "15 min late" in client.get("/").text
        assert counts_in(client)["late"] == 1


def test_resolved_ones_are_listed_newest_first(
    asha: FlaskClient, patient: Make, handoff: Make
) -> None:
    for name in ("PersonA", "PersonB"):
        contact_id = patient(name=name)
        made = handoff(contact_id=contact_id)
        page = f"/conversations/{contact_id}"
        press(asha, page, f"{page}/hand-back", handoff=made, outcome="called", then="bot")
    html = asha.get("/?view=resolved").text
    assert html.index("PersonB") < html.index("PersonA")
    assert "Called the patient" in html


def test_keeping_for_a_person_leaves_the_bot_silent_and_the_list_clear(
    asha: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact_id = patient(name="PersonA")
    made = handoff(contact_id=contact_id)
    page = f"/conversations/{contact_id}"
    assert (
        press(asha, page, f"{page}/hand-back", handoff=made, outcome="", then="keep").status_code
        == 422
    )
    press(asha, page, f"{page}/hand-back", handoff=made, outcome="called", then="keep")
    assert names_in(asha, "mine") == set() and names_in(asha, "snoozed") == {"PersonA"}
    with db.reading() as session:
        row = session.get(Handoff, made)
        assert (row.status, row.outcome, row.claimed_by) == ("claimed", "called", "Asha")
    writes(db, contact_id, "one more question")
    assert names_in(asha, "mine") == {"PersonA"}


def test_what_the_bot_should_have_understood_is_kept_for_its_designers(
    asha: FlaskClient, db: Database, patient: Make, handoff: Make
) -> None:
    contact_id = patient("Parking hai kya?")
    made = handoff("unsure", contact_id=contact_id)
    page = f"/conversations/{contact_id}"
    press(
        asha,
        page,
        f"{page}/hand-back",
        handoff=made,
        outcome="bot_should_have_answered",
        intent="faq_parking",
        then="bot",
    )
    with db.reading() as session:
        assert session.get(Handoff, made).better_intent == "faq_parking"


def test_the_bell_counts_what_waits_for_anybody(asha: FlaskClient, handoff: Make) -> None:
    assert asha.get("/live/bell").json["bell"] == {"open": 0, "urgent": 0, "newest": 0}
    handoff("request")
    made = handoff("red_flag", red_flag="fall")
    assert asha.get("/live/bell").json["bell"] == {"open": 2, "urgent": 1, "newest": made}


def test_every_phrase_of_the_interface_is_said_in_hindi() -> None:
    missing = sorted(phrases() - set(hindi()))
    assert missing == [], "add them to inbox/hindi/"
    for english, said in hindi().items():
        gaps = [set(re.findall(r"\{\w+\}", words)) for words in (english, str(said))]
        assert gaps[0] == gaps[1], english


def test_choosing_hindi(asha: FlaskClient) -> None:
    assert "Waiting for a person" in asha.get("/").text
    press(asha, "/", "/language", language="hi", back="/day")
    html = asha.get("/").text
    assert "व्यक्ति के इंतज़ार में" in html and 'lang="hi"' in html
    assert press(asha, "/", "/language", language="xx", back="//evil.example").location == "/"
