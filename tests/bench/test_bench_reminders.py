"""The bench of reminders still measures what it says, whatever a reminder has come to need."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import reminders


def test_every_due_reminder_is_sent_on_both_databases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminders, "QUICK_COUNT", 24)
    monkeypatch.setattr(reminders, "SMALL", 100)
    monkeypatch.setattr(reminders, "QUICK_LARGE", 200)
    monkeypatch.setattr(reminders, "DUE", 64)
    monkeypatch.setattr(reminders, "CLAIMS", 2)
    # raises where a reminder stays behind
    found = reminders.measure(tmp_path, quick=True)
    drained = [figure for figure in found.figures if "drained" in figure.name]
    assert [figure.name for figure in drained] == [
        "reminders drained, SQLite",
        "reminders drained, PostgreSQL",
    ]
    assert all(figure.value > 0 for figure in drained)
    assert sum(found.details["PostgreSQL"]["by_worker"]) == 24
