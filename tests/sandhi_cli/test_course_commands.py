"""`sandhi course`: a plan from the command line to the outbox."""

from __future__ import annotations

from typing import Any, Callable, Dict

import pytest

from tests.sandhi_cli.conftest import Tool

ASHA = "+91 90000 00011"


@pytest.fixture
def demo(sandhi: Tool) -> Tool:
    """The demo clinic with its patients."""
    assert sandhi("init").returncode == 0
    assert sandhi("demo").returncode == 0
    return sandhi


def add(**changes: Any) -> list[str]:
    options: Dict[str, Any] = {
        "phone": ASHA,
        "patient": "Asha Verma",
        "clinician": "neha",
        "by": "Neha",
        "sessions": 8,
        "per-week": 2,
        "why-finish": "The last sessions are for stairs.",
        "package": "4,800",
        **changes,
    }
    said = [(f"--{name}", str(value)) for name, value in options.items() if value is not None]
    return ["course", "add", *(part for pair in said for part in pair)]


def test_a_course_is_added_listed_and_stopped(demo: Tool) -> None:
    done = demo(*add())
    assert done.returncode == 0 and "is written down" in done.stdout, done.stderr
    number = done.stdout.split()[1]
    listed = demo("course", "list", ASHA).stdout
    assert f"{number}  active  neha, session: 0 of 8 done, 0 booked, 8 to book" in listed
    assert "3 of 12 done" in listed
    assert demo("course", "stop", number).returncode == 0
    assert f"{number}  stopped" in demo("course", "list", ASHA).stdout
    assert "No course." in demo("course", "list", "+91 90000 00012").stdout


def test_what_is_wrong_is_said_in_sentences(demo: Tool, refused: Callable[..., str]) -> None:
    assert "A course has 1 to 60 sessions" in refused(*add(sessions=99))
    assert "is no clinician here" in refused(*add(clinician="nobody"))
    assert "Nobody of that number" in refused(*add(phone="+91 90000 00999"))
    assert "is not one" in refused(*add(phone="hello"))
    assert "amount of rupees" in refused(*add(package="much"))
    assert "not both" in refused(*add(each="600"))
    assert "a day such as" in refused(*add(until="Friday"))
    assert "There is no course 999" in refused("course", "stop", "999")
    # the demo's patients have never written
    number = demo(*add()).stdout.split()[1]
    assert "within 24 hours" in refused("course", "deliver", number)
    assert "There is no course 999" in refused("course", "deliver", "999")
