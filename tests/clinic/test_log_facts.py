"""What texts may say of the clinic: its profile's facts, and whether anybody is there."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Callable

import pytest
import time_machine

from clinic.database import Database
from clinic.facts import Facts
from clinic.setup import NoProfile, profile_in
from clinic.texts import Texts

TEXTS = Texts(
    {
        "utter_handoff": [{"text": "We read this now."}],
        "utter_handoff_closed": [{"text": "We read this at {reads_at}."}],
        "utter_bye": [{"text": "Bye."}],
    }
)


@pytest.mark.parametrize("language", ["en", "hi", "hinglish"])
def test_every_fact_is_said_in_every_language(
    clinic: Database, now: datetime, language: str
) -> None:
    with time_machine.travel(now, tick=False):
        facts = Facts(clinic).of(language)
    for name in ("clinic_name", "phone", "emergency", "ambulance", "reads_at", "faq_parking"):
        assert str(facts[name]).strip(), f"{name} is empty in {language}"
    assert -90 <= facts["latitude"] <= 90
    assert "{" not in "".join(str(value) for value in facts.values())


def test_without_a_profile_it_says_what_to_run(db: Database) -> None:
    with pytest.raises(NoProfile, match="sandhi init"):
        Facts(db).of("en")


@pytest.mark.parametrize(
    ("day", "hour", "opened"),
    [(25, 11, True), (25, 3, False), (24, 11, False), (26, 11, False), (29, 11, False)],
)
def test_out_of_hours_the_text_for_it_is_said(
    clinic: Database, local: Callable[..., datetime], day: int, hour: int, opened: bool
) -> None:
    """A working day, its night, a public holiday, a closure, a Sunday."""
    with time_machine.travel(local(day, hour), tick=False):
        facts = Facts(clinic)
        assert facts.is_open() is opened
        assert facts.variant("utter_handoff", TEXTS) == (
            "utter_handoff" if opened else "utter_handoff_closed"
        )
        assert facts.variant("utter_bye", TEXTS) == "utter_bye"


def test_facts_are_read_again_after_a_while(
    clinic: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = Facts(clinic)
    before = facts.of("en")
    reads: list[Any] = []

    def counted(session: Any) -> Any:
        reads.append(1)
        return profile_in(session)

    monkeypatch.setattr("clinic.facts.profile_in", counted)
    assert facts.of("en") == before
    assert reads == [], "every turn would read the profile"
    monkeypatch.setattr("clinic.facts.KEEP_SECONDS", 0.0)
    assert facts.of("en")["clinic_name"] == before["clinic_name"]
    assert reads == [1]
