"""What the clinic's profile and the clock say inside a text: its name, its hours, its numbers.

Texts name facts as placeholders (`{clinic_name}`, `{reads_at}`, `{faq_parking}`); a text that
must say when somebody will read has a variation whose name ends in `_closed`, which is said while
the clinic is closed.
"""

from __future__ import annotations

import time
from typing import Any, Dict, Tuple
from zoneinfo import ZoneInfo

from clinic.calendar_words import say_moment
from clinic.database import Database, now
from clinic.profile import Faq, Profile
from clinic.profile_words import PLACEHOLDERS, faq_answer
from clinic.scheduling.opening import is_open, next_opening
from clinic.setup import profile_in
from clinic.texts import Texts

KEEP_SECONDS = 20.0


class Facts:
    """The facts of the clinic, read anew every few seconds."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._known: Dict[str, Tuple[float, Dict[str, Any]]] = {}
        self._open: Tuple[float, bool] = (0.0, True)

    def of(self, language: str) -> Dict[str, Any]:
        """Every fact, said in that language.

        Raises:
            clinic.setup.NoProfile: if `sandhi init` has not been run.
        """
        read_at, facts = self._known.get(language, (0.0, {}))
        if facts and time.monotonic() - read_at < KEEP_SECONDS:
            return facts
        with self.database.reading() as session:
            profile = profile_in(session)
            opening = next_opening(session, now())
        facts = _profile_facts(profile, language)
        zone = ZoneInfo(profile.time_zone)
        facts["reads_at"] = say_moment(opening, language, zone) if opening else facts["phone"]
        self._known[language] = (time.monotonic(), facts)
        return facts

    def is_open(self) -> bool:
        """Whether somebody is at the clinic now."""
        read_at, opened = self._open
        if time.monotonic() - read_at > KEEP_SECONDS:
            with self.database.reading() as session:
                opened = is_open(session, now())
            self._open = (time.monotonic(), opened)
        return opened

    def variant(self, name: str, texts: Texts) -> str:
        """The name of the text to say now: its `_closed` form out of hours, where it has one."""
        closed = f"{name}_closed"
        return closed if closed in texts and not self.is_open() else name


def _profile_facts(profile: Profile, language: str) -> Dict[str, Any]:
    facts: Dict[str, Any] = {
        name: say(profile, language).strip() for name, say in PLACEHOLDERS.items()
    }
    facts["clinic_name"] = facts["clinic"]
    facts.update({f"faq_{topic}": faq_answer(profile, topic, language) for topic in Faq.__fields__})
    privacy = profile.privacy
    officer = privacy.grievance_officer.said_in(language)
    facts.update(
        notice_version=privacy.notice_version,
        grievance=f"{officer}, {privacy.grievance_email}",
    )
    numbers = profile.emergency
    facts.update(
        emergency=numbers.general,
        ambulance=numbers.ambulance,
        mental_health=numbers.mental_health,
        mental_health_name=numbers.mental_health_name.said_in(language),
        latitude=profile.pin.lat,
        longitude=profile.pin.lon,
    )
    return facts
