"""Consent per purpose: the latest decision holds, at the moment of sending, and none is changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, List, Optional, Tuple

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DatabaseError

from clinic import consent
from clinic.contacts import ensure_contact
from clinic.database import Database, now
from clinic.guardians import (
    NoGuardian,
    confirm_guardian,
    guardian_of,
    hear_age,
    record_adult,
    record_guardian,
)
from clinic.models import Consent, Contact, NoticeGiven
from clinic.models.append_only import AppendOnly
from clinic.models.consent import PURPOSES
from tests.message_log import ASHA, arrives, begun, claimed, contact, planned, row

ID = "IN.asha"


def decides(db: Database, who: int, purpose: str, granted: bool, **more: Any) -> None:
    with db.transaction() as session:
        consent.record(session, who, purpose, granted, **{"how": "button", **more})


def allowed(db: Database, who: int) -> List[str]:
    with db.reading() as session:
        return [purpose for purpose in PURPOSES if consent.allows(session, who, purpose)]


def stops(db: Database, who: int) -> None:
    with db.transaction() as session:
        consent.withdraw_all(session, who, how="words", wamid="wamid.stop")


def starts(db: Database, who: int) -> List[str]:
    with db.transaction() as session:
        return consent.restore_all(session, who, how="words", wamid="wamid.start")


def decisions(db: Database, who: int) -> List[Tuple[str, bool, str]]:
    with db.reading() as session:
        return [(r.purpose, r.granted, r.how) for r in consent.history(session, who)]


class TestDecisions:
    def test_nothing_is_allowed_before_it_was_granted(self, db: Database) -> None:
        asha = arrives(db)
        assert allowed(db, asha) == []
        with db.reading() as session:
            assert consent.of_contact(session, asha) == dict.fromkeys(PURPOSES, consent.State())
            assert all(consent.allows(session, asha, p) for p in ("reply", "staff", "notice"))

    @pytest.mark.parametrize("purpose", PURPOSES)
    def test_a_purpose_is_granted_alone(self, db: Database, purpose: str) -> None:
        asha, ravi = arrives(db), arrives(db, phone="+919000000002")
        decides(db, asha, purpose, True)
        assert allowed(db, asha) == [purpose]
        assert allowed(db, ravi) == [], "one patient agreed for another"

    def test_the_latest_decision_holds_and_the_earlier_stay_written(self, db: Database) -> None:
        asha = arrives(db)
        for granted in (True, False, True, False):
            decides(db, asha, "care", granted)
        assert allowed(db, asha) == []
        assert [granted for _, granted, _ in decisions(db, asha)] == [True, False, True, False]

    def test_a_decision_that_comes_late_does_not_overrule_a_later_one(self, db: Database) -> None:
        asha, hour = arrives(db), timedelta(hours=1)
        decides(db, asha, "marketing", True, how="user_preferences", at=now() - hour)
        for _ in range(2):
            at = now().replace(microsecond=0) - 2 * hour
            decides(db, asha, "marketing", False, how="user_preferences", at=at)
        assert allowed(db, asha) == ["marketing"]

    def test_the_same_decision_about_the_same_moment_is_written_once(self, db: Database) -> None:
        asha, at = arrives(db), now() - timedelta(hours=1)
        for _ in range(3):
            decides(db, asha, "marketing", False, how="user_preferences", at=at)
        assert len(decisions(db, asha)) == 1

    def test_a_moment_in_the_future_counts_as_now(self, db: Database) -> None:
        asha = arrives(db)
        decides(db, asha, "care", True, at=now() + timedelta(days=365))
        decides(db, asha, "care", False)
        assert allowed(db, asha) == []

    def test_a_row_proves_what_was_decided_upon_what(self, db: Database) -> None:
        asha = arrives(db)
        with db.transaction() as session:
            assert consent.mark_notice_given(session, asha, "2026-11", "hi")
            assert not consent.mark_notice_given(session, asha, "2026-11", "en")
        decides(db, asha, "care", True, language="hi", wamid="wamid.tap")
        with db.reading() as session:
            kept = consent.history(session, asha)[0]
            state = consent.of_contact(session, asha)["care"]
        assert (kept.notice_version, kept.language, kept.channel) == ("2026-11", "hi", "whatsapp")
        assert (kept.wamid, kept.how, kept.granted) == ("wamid.tap", "button", True)
        assert (state.granted, state.version, state.since) == (True, "2026-11", kept.at)

    @pytest.mark.parametrize(("purpose", "how"), [("anything", "button"), ("care", "guess")])
    def test_an_unknown_purpose_or_way_is_refused(
        self, db: Database, purpose: str, how: str
    ) -> None:
        asha = arrives(db)
        with pytest.raises(ValueError, match="unknown"):
            decides(db, asha, purpose, True, how=how)

    def test_a_wamid_is_unreadable_at_rest(self, db: Database) -> None:
        asha = arrives(db)
        decides(db, asha, "care", True, wamid="wamid.secret")
        with db.reading() as session:
            stored = session.execute(text("SELECT wamid FROM consents")).scalar_one()
        assert b"secret" not in bytes(stored)


class TestStopAndStart:
    def test_stop_withdraws_everything_and_start_restores_just_that(self, db: Database) -> None:
        asha = arrives(db)
        decides(db, asha, "care", True)
        decides(db, asha, "exercises", True)
        decides(db, asha, "exercises", False)
        stops(db, asha)
        assert allowed(db, asha) == []
        assert contact(db, asha).opted_out_at is not None
        assert starts(db, asha) == ["care"]
        assert allowed(db, asha) == ["care"]
        assert contact(db, asha).opted_out_at is None

    def test_stopping_twice_is_stopping_once(self, db: Database) -> None:
        asha = arrives(db)
        decides(db, asha, "care", True)
        stops(db, asha)
        once = decisions(db, asha)
        stops(db, asha)
        assert decisions(db, asha) == once
        assert starts(db, asha) == ["care"]
        assert starts(db, asha) == []

    def test_start_grants_nothing_to_who_never_agreed(self, db: Database) -> None:
        asha = arrives(db)
        stops(db, asha)
        assert starts(db, asha) == []
        assert allowed(db, asha) == []

    def test_what_is_granted_anew_after_a_stop_counts_alone(self, db: Database) -> None:
        asha = arrives(db)
        decides(db, asha, "care", True)
        decides(db, asha, "marketing", True)
        stops(db, asha)
        decides(db, asha, "exercises", True)
        assert allowed(db, asha) == ["exercises"]

    def test_whatsapps_switch_for_marketing_does_not_end_a_stop(self, db: Database) -> None:
        asha = arrives(db)
        stops(db, asha)
        decides(db, asha, "marketing", True, how="user_preferences")
        assert allowed(db, asha) == []
        stops(db, asha)
        assert starts(db, asha) == []
        assert allowed(db, asha) == []

    def test_a_stop_lasts_when_two_contacts_turn_out_to_be_one(self, db: Database) -> None:
        by_phone, by_id = arrives(db), arrives(db, phone=None, bsuid=ID)
        decides(db, by_id, "care", True)
        decides(db, by_id, "marketing", True)
        decides(db, by_phone, "marketing", False)
        with db.transaction() as session:
            consent.mark_notice_given(session, by_id, "2026-11", "en")
            ensure_contact(session, ASHA, ID)
        assert allowed(db, by_phone) == ["care"], "a decision was lost, or an old one came back"
        assert len(decisions(db, by_phone)) == 3
        with db.reading() as session:
            assert not consent.notice_due(session, by_phone, "2026-11")
            assert consent.notice_due(session, by_phone, "2027-01")
        stops(db, by_phone)
        with db.reading() as session:
            assert not consent.notice_due(session, by_phone, "2027-01"), "asked after a stop"


class TestEvidence:
    @pytest.fixture
    def written(self, db: Database) -> Database:
        asha = arrives(db)
        decides(db, asha, "care", True)
        with db.transaction() as session:
            consent.mark_notice_given(session, asha, "2026-11", "en")
        return db

    @pytest.mark.parametrize("model", [Consent, NoticeGiven])
    def test_an_object_cannot_be_changed_or_deleted(self, written: Database, model: Any) -> None:
        with pytest.raises(AppendOnly), written.transaction() as session:
            session.query(model).one().language = "hi"
        with pytest.raises(AppendOnly), written.transaction() as session:
            session.delete(session.query(model).one())

    @pytest.mark.parametrize("model", [Consent, NoticeGiven])
    def test_the_database_refuses_too(self, written: Database, model: Any) -> None:
        statements = [update(model).values(language="hi"), delete(model)]
        if not written.is_sqlite:
            statements.append(text(f"TRUNCATE {model.__tablename__}"))
        for statement in statements:
            with (
                pytest.raises(DatabaseError, match="append-only"),
                written.transaction() as session,
            ):
                session.execute(statement)
        with written.reading() as session:
            assert session.query(model).count() == 1


class TestSending:
    def sent(self, db: Database, who: int, purpose: str) -> Tuple[str, Optional[str]]:
        message = planned(db, who, purpose=purpose)
        begun(db, claimed(db))
        return row(db, message).state, row(db, message).detail

    @pytest.mark.parametrize("purpose", ["reply", "staff", "notice"])
    def test_answers_go_to_who_agreed_to_nothing_and_stopped(
        self, db: Database, purpose: str
    ) -> None:
        asha = arrives(db)
        stops(db, asha)
        assert self.sent(db, asha, purpose) == ("sending", None)

    @pytest.mark.parametrize("purpose", PURPOSES)
    def test_nothing_else_goes_without_consent(self, db: Database, purpose: str) -> None:
        asha = arrives(db)
        for other in set(PURPOSES) - {purpose}:
            decides(db, asha, other, True)
        assert self.sent(db, asha, purpose) == ("skipped", f"no consent: {purpose}")

    def test_a_purpose_that_nobody_knows_needs_consent_too(self, db: Database) -> None:
        asha = arrives(db)
        assert self.sent(db, asha, "survey") == ("skipped", "no consent: survey")

    def test_with_consent_it_goes(self, db: Database) -> None:
        asha = arrives(db)
        decides(db, asha, "care", True)
        assert self.sent(db, asha, "care") == ("sending", None)

    def test_the_moment_of_sending_decides(self, db: Database) -> None:
        asha = arrives(db)
        decides(db, asha, "care", True)
        message = planned(db, asha, purpose="care")
        ids = claimed(db)
        stops(db, asha)
        assert begun(db, ids) == []
        assert (row(db, message).state, row(db, message).detail) == ("skipped", "opted out")


class TestUnderEighteen:
    def test_an_age_under_eighteen_waits_for_a_guardian(self, db: Database) -> None:
        asha = arrives(db)
        decides(db, asha, "care", True)
        decides(db, asha, "marketing", True)
        with db.transaction() as session:
            hear_age(session, asha, 9)
            assert consent.obstacle(session, asha, "care") == "no guardian consent"
            assert consent.obstacle(session, asha, "marketing") == "minor: marketing"
            record_guardian(session, asha, "Sunita Verma", "mother", True, "wamid.yes")
        assert allowed(db, asha) == ["care"], "marketing goes to no minor, ever"

    def test_of_many_at_once_each_is_told_what_is_true_of_it(self, db: Database) -> None:
        asha, ravi, riya, nobody = (
            arrives(db, phone=f"+91900000440{number}") for number in range(4)
        )
        for who in (asha, ravi, riya):
            decides(db, who, "care", True)
        decides(db, ravi, "care", False)
        with db.transaction() as session:
            hear_age(session, riya, 15)
        wanted = [(who, "care") for who in (asha, ravi, riya, nobody)] + [(ravi, "reply")]
        with db.reading() as session:
            assert consent.obstacles(session, wanted) == {
                (asha, "care"): None,
                (ravi, "care"): "no consent: care",
                (riya, "care"): "no guardian consent",
                (nobody, "care"): "no consent: care",
                (ravi, "reply"): None,
            }

    def test_a_guardian_who_declines_stops_everything(self, db: Database) -> None:
        asha = arrives(db)
        decides(db, asha, "care", True)
        with db.transaction() as session:
            hear_age(session, asha, 9)
            record_guardian(session, asha, "Sunita Verma", "mother", False)
        assert allowed(db, asha) == []

    def test_a_grown_up_needs_no_guardian(self, db: Database) -> None:
        asha = arrives(db)
        decides(db, asha, "marketing", True)
        with db.transaction() as session:
            hear_age(session, asha, 18)
            assert guardian_of(session, asha) is None
            hear_age(session, asha, 8)
            record_adult(session, asha)
        assert allowed(db, asha) == ["marketing"]
        with db.transaction() as session:
            hear_age(session, asha, 6)
        assert allowed(db, asha) == [], "a second patient is a child"

    def test_staff_confirm_a_guardian_once(self, db: Database) -> None:
        asha = arrives(db)
        with pytest.raises(NoGuardian), db.transaction() as session:
            confirm_guardian(session, asha, "Neha")
        with db.transaction() as session:
            hear_age(session, asha, 9)
            record_guardian(session, asha, "Sunita Verma", "mother", True)
            first = confirm_guardian(session, asha, "Neha").confirmed_at
        with db.transaction() as session:
            again = confirm_guardian(session, asha, "Arjun")
            assert (again.confirmed_by, again.confirmed_at) == ("Neha", first)
            assert (again.name, again.relation) == ("Sunita Verma", "mother")
        with db.reading() as session:
            stored = session.execute(
                text("SELECT name, relation FROM guardians WHERE state = 'agreed'")
            ).one()
        assert b"Sunita" not in bytes(stored[0]) and b"mother" not in bytes(stored[1])

    def test_a_guardian_comes_along_when_contacts_are_merged(self, db: Database) -> None:
        by_phone, by_id = arrives(db), arrives(db, phone=None, bsuid=ID)
        with db.transaction() as session:
            hear_age(session, by_id, 9)
            ensure_contact(session, ASHA, ID)
            assert session.get(Contact, by_id).merged_into_id == by_phone
            assert consent.obstacle(session, by_phone, "care") == "no guardian consent"
