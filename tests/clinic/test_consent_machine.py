"""What may be sent is what was agreed to: random histories of decisions, in any order.

The model is a plain list of decisions; the house is asked after every step. Decisions come from
taps, typed words, staff and WhatsApp's own preferences, whose webhooks may be late.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Optional, Tuple

import time_machine
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from sqlalchemy import select

from clinic import consent
from clinic.contacts import ensure_contact
from clinic.database import Database, now
from clinic.guardians import hear_age, mark_asked, record_adult, record_guardian
from clinic.models import Consent, Contact
from clinic.models.consent import PURPOSES
from clinic.profile import Profile
from clinic.setup import write_profile
from tests.clinic import machines
from tests.emptying import empty

PURPOSE = st.sampled_from(PURPOSES)
MOMENT = datetime(2026, 11, 23, 3, tzinfo=timezone.utc)
CHILD = ["hears", "asks", "agrees", "hears and agrees", "declines", "grown up"]
# when it was decided, in which order it was heard, what, and how
Decision = Tuple[datetime, int, bool, str]


class Decisions(RuleBasedStateMachine):
    """One contact who agrees, withdraws, stops and starts again."""

    def __init__(self, db: Database, profile: Profile) -> None:
        super().__init__()
        self.db = db
        empty(db)
        write_profile(db, profile)
        self.clock = time_machine.travel(MOMENT, tick=False)
        self.time = self.clock.start()
        with db.transaction() as session:
            self.contact = int(ensure_contact(session, "+919000000021", None).id)
        self.count = 0
        self.decided: Dict[str, List[Decision]] = {purpose: [] for purpose in PURPOSES}
        self.stopped_at: Optional[datetime] = None
        self.child = "no"
        self.rows: List[Any] = []

    def teardown(self) -> None:
        self.clock.stop()

    # what is decided

    @rule(purpose=PURPOSE, granted=st.booleans(), how=st.sampled_from(["button", "words", "staff"]))
    def decides(self, purpose: str, granted: bool, how: str) -> None:
        with self.db.transaction() as session:
            consent.record(session, self.contact, purpose, granted, how=how)
        self._heard(purpose, now(), granted, how)
        if granted and how != "staff":
            self.stopped_at = None

    @rule(granted=st.booleans(), late=st.sampled_from([0, 1, 30, 400]))
    def whatsapp_tells_of_a_preference(self, granted: bool, late: int) -> None:
        """The webhook comes `late` minutes after the decision, and comes twice."""
        at = now() - timedelta(minutes=late)
        for _ in range(2):
            with self.db.transaction() as session:
                consent.record(
                    session, self.contact, "marketing", granted, how="user_preferences", at=at
                )
        self._heard_once("marketing", at, granted, "user_preferences")

    @rule()
    def stops(self) -> None:
        with self.db.transaction() as session:
            consent.withdraw_all(session, self.contact, how="words")
        again = self.stopped_at is not None
        self.stopped_at = self.stopped_at or now()
        for purpose in PURPOSES:
            if not again or self._granted(purpose):
                self._heard_once(purpose, now(), False, "words")

    @rule()
    def starts(self) -> None:
        with self.db.transaction() as session:
            restored = consent.restore_all(session, self.contact, how="words")
        if self.stopped_at is None:
            assert restored == []
            return
        wanted = []
        for purpose, decisions in self.decided.items():
            newest = sorted(decisions)[-2:]
            withdrawn = len(newest) == 2 and (newest[1][0], newest[1][2]) == (
                self.stopped_at,
                False,
            )
            if withdrawn and newest[0][2]:
                wanted.append(purpose)
                self._heard(purpose, now(), True, "words")
        assert restored == wanted, "START restores what that STOP withdrew, and nothing else"
        self.stopped_at = None

    @rule(deed=st.sampled_from(CHILD))
    def it_is_about_a_child(self, deed: str) -> None:
        with self.db.transaction() as session:
            if deed.startswith("hears"):
                hear_age(session, self.contact, 9)
                self.child = self.child if self.child in ("waits", "guarded") else "waits"
            if deed == "asks" and self.child == "waits":
                mark_asked(session, self.contact)
            elif deed.endswith(("agrees", "declines")) and self.child != "no":
                agreed = deed.endswith("agrees")
                record_guardian(session, self.contact, "Sunita Verma", "mother", agreed)
                self.child = "guarded" if agreed else "waits"
            elif deed == "grown up":
                record_adult(session, self.contact)
                self.child = "no"

    @rule(minutes=st.sampled_from([1, 20, 1500]))
    def time_passes(self, minutes: int) -> None:
        self.time.shift(timedelta(minutes=minutes))

    # what always holds

    @invariant()
    def nothing_goes_without_a_yes(self) -> None:
        with self.db.reading() as session:
            allowed = {p for p in PURPOSES if consent.allows(session, self.contact, p)}
            for answer in ("reply", "staff", "notice"):
                assert consent.allows(session, self.contact, answer), "what is asked is answered"
        wanted = {purpose for purpose in PURPOSES if self._granted(purpose)}
        if self.stopped_at is not None or self.child == "waits":
            wanted = set()
        if self.child != "no":
            wanted.discard("marketing")
        assert allowed == wanted

    @invariant()
    def the_evidence_only_grows(self) -> None:
        with self.db.reading() as session:
            rows = session.execute(
                select(Consent.id, Consent.purpose, Consent.granted, Consent.how, Consent.at)
                .where(Consent.contact_id == self.contact)
                .order_by(Consent.id)
            ).all()
            stopped = session.get(Contact, self.contact).opted_out_at
        assert rows[: len(self.rows)] == self.rows, "a decision was changed"
        assert len(rows) == sum(map(len, self.decided.values())), "a decision is not kept once"
        assert (stopped is None) == (self.stopped_at is None)
        self.rows = rows

    def _heard(self, purpose: str, at: datetime, granted: bool, how: str) -> None:
        self.count += 1
        self.decided[purpose].append((at, self.count, granted, how))

    def _heard_once(self, purpose: str, at: datetime, granted: bool, how: str) -> None:
        """As `_heard`, of what names its own moment: said again, it is the same decision."""
        known = [(one[0], one[2], one[3]) for one in self.decided[purpose]]
        if (at, granted, how) not in known:
            self._heard(purpose, at, granted, how)

    def _granted(self, purpose: str) -> bool:
        decisions = sorted(self.decided[purpose])
        return bool(decisions) and decisions[-1][2]


def test_nothing_goes_that_was_not_agreed_to(hasty: Database, small_profile: Profile) -> None:
    machines.run(lambda: Decisions(hasty, small_profile), examples=40, steps=30)
