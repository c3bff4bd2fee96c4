"""Random lives of a home programme: written anew, paused, hurting, ended, and the worker between.

The clock is a value handed to every function; nothing is patched. What must hold is looked at after
every step, by a model that knows only what was done.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Dict, List, Optional, Set, Tuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import func, select

from clinic import consent
from clinic.bubbles import bubble_from_json
from clinic.contacts import ensure_contact
from clinic.database import Database
from clinic.delivery import Report, record
from clinic.exercises import DraftExercise, ProgrammeRefused
from clinic.exercises.answers import StaleButton, answer, hurts, key_of
from clinic.exercises.programmes import change, end, pause, resume, write
from clinic.models import Contact, ExerciseOccasion, ExerciseProgramme, Message
from clinic.profile import Profile
from clinic.setup import write_profile
from tests.clinic.conftest import PUNE
from tests.clinic.exercises import draft
from tests.clinic.machines import run
from tests.emptying import empty
from tests.reminding import begun, claimed
from worker.planning import plan_within

TIMES = (("09:00",), ("09:00", "18:00"), ("10:30", "18:00", "20:30"), ("12:00",))
WEEKDAYS = (range(7), (0, 2, 4), (0, 1, 2, 3), (5, 6))
TAPS = ("done", "partly", "hurts", "hurts")
JUMPS = (1, 20, 59, 61, 180, 600, 1500)
HOUR = timedelta(hours=1)


class Home(RuleBasedStateMachine):
    """One patient with a programme, and a worker that is sometimes late."""

    def __init__(self, db: Database, profile: Profile) -> None:
        super().__init__()
        self.db = db
        self.time = datetime(2026, 11, 23, 8, 0, tzinfo=PUNE)
        empty(db)
        write_profile(db, profile)
        with db.transaction() as session:
            self.contact = int(ensure_contact(session, "+919000000001", None).id)
            consent.record(session, self.contact, "exercises", True, how="staff")
        # what is true, as it was done
        self.status = ""
        self.words = ""
        self.times: Tuple[str, ...] = ()
        self.days: Set[int] = set()
        self.last_day = date(2026, 12, 6)
        self.version = 0
        self.sent: Dict[Tuple[int, date, str], int] = {}
        self.answers: Dict[Tuple[int, date, str], str] = {}
        self.programme = 0

    @initialize(times=st.sampled_from(TIMES), days=st.sampled_from(WEEKDAYS))
    def begins(self, times: Tuple[str, ...], days: Any) -> None:
        self._writes(times, days)

    @rule(times=st.sampled_from(TIMES), days=st.sampled_from(WEEKDAYS), fresh=st.booleans())
    def is_written(self, times: Tuple[str, ...], days: Any, fresh: bool) -> None:
        """Anew, or, where it has ended, another one."""
        if self.status == "ended" or fresh:
            self._writes(times, days)

    def _writes(self, times: Tuple[str, ...], days: Any) -> None:
        self.version = 1 if self.status in ("", "ended") else self.version + 1
        words = f"words of {self.version} at {self.time.isoformat()}"
        one = DraftExercise("Bridge", words)
        given = draft(
            first_day=self.time.date() - timedelta(days=1),
            last_day=max(self.last_day, self.time.date()),
            times=times,
            weekdays=days,
            exercises=[one],
        )
        with self.db.transaction() as session:
            if self.status in ("", "ended"):
                args = (self.contact, given, "staff:1", self.time)
                self.programme, self.status = write(session, *args), "active"
            else:
                change(session, self.programme, self.contact, given, "staff:1", self.time)
        self.words, self.times, self.days = words, times, set(days)
        self.last_day = given.last_day

    @rule(deed=st.sampled_from(["pauses", "resumes", "resumes", "resumes", "ends"]))
    def staff(self, deed: str) -> None:
        try:
            with self.db.transaction() as session:
                if deed == "pauses":
                    pause(session, self.programme, self.contact, self.time)
                elif deed == "resumes":
                    resume(session, self.programme, self.contact, self.time)
                else:
                    end(session, self.programme, self.contact)
        except ProgrammeRefused:
            assert deed == "resumes" and self.status == "ended"
            return
        if deed == "ends" or self.status != "ended":
            self.status = {"pauses": "paused", "resumes": "active", "ends": "ended"}[deed]

    @rule(taps=st.lists(st.sampled_from(TAPS), min_size=1, max_size=3), back=st.integers(0, 3))
    def the_patient_taps(self, taps: List[str], back: int) -> None:
        """The buttons of one of the latest messages, one after the other."""
        keys = self._keys()
        for what in taps if keys else []:
            self._taps(what, keys[-1 - back % len(keys)])

    def _taps(self, what: str, key: str) -> None:
        programme, version, day, at = key.split(":", 3)
        named = (int(programme), date.fromisoformat(day), at)
        own = int(programme) == self.programme
        with self.db.transaction() as session:
            message = session.execute(select(Message.id).limit(1)).scalar_one()
            if what == "hurts":
                occasion = session.get(ExerciseOccasion, named)
                occasion.answered_by = None
                hurts(session, self.contact, key, message, self.time)
                self.answers[named] = what
                # whichever programme the button is of: what the patient has running rests
                if self.status == "active":
                    self.status = "paused"
                return
            stale = not own or self.status == "ended" or int(version) != self.version
            try:
                answer(session, self.contact, key, what, message, self.time)
            except StaleButton:
                assert stale or self.answers.get(named) == "hurts"
            else:
                assert not stale and self.answers.get(named) != "hurts"
                self.answers[named] = what

    def _keys(self) -> List[str]:
        with self.db.reading() as session:
            rows = session.execute(
                select(ExerciseOccasion)
                .where(ExerciseOccasion.version.is_not(None))
                .order_by(ExerciseOccasion.message_id)
            )
            return [key_of(one) for one in rows.scalars()]

    @rule(minutes=st.sampled_from(JUMPS), works=st.booleans(), plans=st.booleans())
    def time_passes(self, minutes: int, works: bool, plans: bool) -> None:
        self.time += timedelta(minutes=minutes)
        self._writes_to_the_clinic()
        if plans:
            with self.db.transaction() as session:
                plan_within(session, self.time)
        if works:
            self._begins(claimed(self.db, self.time), crashes=False)

    @rule(
        late=st.sampled_from([0, 0, 0, 30, 61]),
        meanwhile=st.sampled_from(["nothing", "pauses", "ends", "is written", "it hurts"]),
        times=st.sampled_from(TIMES),
        crashes=st.booleans(),
    )
    def something_is_due(
        self, late: int, meanwhile: str, times: Tuple[str, ...], crashes: bool
    ) -> None:
        """A worker claims it at its time; something happens; it begins to send, and may die."""
        self.staff("resumes")
        if self.status == "ended":
            self._writes(times, range(7))
        self.time = (self._next_due() or self.time) + timedelta(minutes=late)
        self._writes_to_the_clinic()
        ids = claimed(self.db, self.time)
        if meanwhile in ("pauses", "ends"):
            self.staff(meanwhile)
        elif meanwhile == "is written":
            self._writes(times, range(7))
        elif meanwhile == "it hurts":
            self.the_patient_taps(["hurts"], 0)
        self._begins(ids, crashes)

    def _next_due(self) -> Optional[datetime]:
        with self.db.reading() as session:
            due = select(func.min(Message.due_at)).where(
                Message.state == "planned", Message.due_at > self.time
            )
            found = session.execute(due).scalar_one()
        return None if found is None else found.astimezone(PUNE)

    def _writes_to_the_clinic(self) -> None:
        """The 24-hour window is open."""
        with self.db.transaction() as session:
            session.get(Contact, self.contact).last_inbound_at = self.time

    def _begins(self, ids: List[int], crashes: bool) -> None:
        for letter in begun(self.db, ids, self.time):
            self._goes(letter)
            if not crashes:
                with self.db.transaction() as session:
                    wamid = f"wamid.{letter.message_id}"
                    record(session, [Report(letter.message_id, wamid=wamid)], self.time)

    def _goes(self, letter: Any) -> None:
        with self.db.reading() as session:
            occasion = session.execute(
                select(ExerciseOccasion).where(ExerciseOccasion.message_id == letter.message_id)
            ).scalar_one()
            where = (int(occasion.programme_id), occasion.day, str(occasion.at))
        assert where not in self.sent, "twice"
        self.sent[where] = letter.message_id
        assert self.status == "active", "it was paused or has ended"
        assert where[0] == self.programme, "of one that has ended"
        assert self.words in bubble_from_json(letter.content).text, "old words"
        due = datetime.fromisoformat(f"{where[1].isoformat()}T{where[2]}").replace(tzinfo=PUNE)
        assert due <= self.time < due + HOUR, "too early or too late"
        assert where[2] in self.times and where[1].weekday() in self.days
        assert where[1] <= self.last_day and 8 <= self.time.hour < 21

    @invariant()
    def what_is_kept_is_what_was_done(self) -> None:
        if not self.programme:
            return
        with self.db.reading() as session:
            one = session.get(ExerciseProgramme, self.programme)
            assert (one.status, one.version) == (self.status, self.version)
            rows = session.execute(
                select(ExerciseOccasion).where(ExerciseOccasion.answer.is_not(None))
            ).scalars()
            kept = {(int(r.programme_id), r.day, str(r.at)): str(r.answer) for r in rows}
        assert kept == self.answers


def test_it_never_goes_twice_nor_at_rest(hasty: Database, small_profile: Profile) -> None:
    run(lambda: Home(hasty, small_profile), examples=8, steps=30)
