"""`sandhi leave` and `sandhi calendar`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Callable

import pytest

from tests.sandhi_cli.conftest import Tool


@pytest.fixture
def demo(sandhi: Tool) -> Tool:
    """The demo clinic with its patients."""
    assert sandhi("init").returncode == 0
    assert sandhi("demo").returncode == 0
    return sandhi


def day(ahead: int) -> str:
    return (datetime.now() + timedelta(days=ahead)).strftime("%Y-%m-%d")


def test_a_leave_from_entry_to_announcement(demo: Tool, refused: Callable[..., str]) -> None:
    done = demo("leave", "add", "neha", day(0), day(20))
    assert done.returncode == 0, done.stderr
    assert "Leave 1 is entered." in done.stdout and "neha; free:" in done.stdout
    assert f"1  neha  {day(0)} 00:00 to {day(21)} 00:00" in demo("leave", "list").stdout
    told = demo("leave", "announce", "1", "--by", "Meera").stdout
    # the demo's patients have never written, so WhatsApp would not carry it
    assert "0 messages are on their way." in told and "please telephone:" in told
    assert "taken back" in demo("leave", "remove", "1").stdout
    assert "There is no leave 1" in refused("leave", "remove", "1")
    assert "There is no leave 1" in refused("leave", "announce", "1", "--by", "Meera")


def test_closing_a_day(demo: Tool, refused: Callable[..., str]) -> None:
    assert f"closed on {day(9)}" in demo("leave", "close", day(9), "--reason", "Painting").stdout
    assert f"{day(9)}  the clinic is closed" in demo("leave", "list").stdout
    assert "messages are on their way" in demo("leave", "announce", day(9), "--by", "M").stdout
    assert "over already" in refused("leave", "close", day(-3))
    assert "written as 2026-12-24" in refused("leave", "close", "Friday")
    assert "no clinician 'nobody'" in refused("leave", "add", "nobody", day(1), day(2))
    assert "ends before it begins" in refused("leave", "add", "neha", day(3), day(1))
    assert "in the clinic's time" in refused("leave", "add", "neha", "soon", day(1))


def test_a_calendar_address_is_shown_once_and_can_be_made_anew(
    demo: Tool, refused: Callable[..., str]
) -> None:
    first = demo("calendar", "neha").stdout.strip()
    assert first.startswith("http://127.0.0.1:") and first.endswith(".ics")
    assert "use --rotate" in refused("calendar", "neha")
    second = demo("calendar", "neha", "--rotate", INBOX_PUBLIC_URL="https://desk.example").stdout
    assert second.startswith("https://desk.example/calendar/") and first not in second
    assert "no clinician 'nobody'" in refused("calendar", "nobody")
    assert "INBOX_PUBLIC_URL" in refused("calendar", "neha", INBOX_PUBLIC_URL="http://desk.example")
