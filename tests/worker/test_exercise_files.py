"""The files of home exercises are put at WhatsApp, and kept there while the exercises run."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Dict, List

import pytest
import time_machine

from clinic.canned import living_media_id, store_file
from clinic.contacts import ensure_contact
from clinic.database import Database, now
from clinic.exercises import DraftExercise
from clinic.exercises.programmes import end, write
from clinic.models import StoredFile
from clinic.profile_file import load_profile
from clinic.setup import write_profile
from tests.clinic.exercises import draft
from tests.house import ROOT
from worker.exercise_files import ExerciseFiles, NotTaken

MONDAY = "2026-11-23T09:00:00+05:30"


class Line:
    """A WhatsApp that takes files, but for those whose name begins with "bad"."""

    def __init__(self) -> None:
        self.names: List[str] = []

    def upload(self, content: bytes, mime_type: str, filename: str) -> str:
        if filename.startswith("bad"):
            raise NotTaken
        self.names.append(filename)
        return f"media{len(self.names)}"


@pytest.fixture
def made(sqlite_db: Database) -> Dict[str, int]:
    """A programme of some weeks with two files, of which one cannot be uploaded."""
    write_profile(sqlite_db, load_profile(ROOT / "clinic.yml"))
    with sqlite_db.transaction() as session:
        contact = int(ensure_contact(session, "+919000000901", None).id)
        files = [
            store_file(session, b"%PDF-1.4", "application/pdf", name)
            for name in ("bad.pdf", "bridge.pdf")
        ]
        given = [DraftExercise("Bridge", "Slowly.", file_id=number) for number in files]
        days = {"first_day": date(2026, 11, 23), "last_day": date(2027, 1, 31)}
        with time_machine.travel(MONDAY):
            number = write(session, contact, draft(**days, exercises=given), "staff:1", now())
    return {"contact": contact, "programme": number, "file": files[1]}


def media_id(db: Database, file_id: int) -> Any:
    with db.reading() as session:
        return living_media_id(session.get(StoredFile, file_id), now())


def test_a_file_is_there_for_as_long_as_the_exercises_run(
    sqlite_db: Database, made: Dict[str, int]
) -> None:
    line = Line()
    with time_machine.travel(MONDAY, tick=False) as clock:
        keeping = ExerciseFiles(line.upload)
        assert keeping.step(sqlite_db) == 1, "the other one rests, and keeps nobody waiting"
        for _quarter in range(4 * 60):
            clock.shift(timedelta(hours=6))
            keeping.step(sqlite_db)
            assert media_id(sqlite_db, made["file"]) is not None
    assert len(line.names) == 3


def test_of_ended_exercises_nothing_is_uploaded(sqlite_db: Database, made: Dict[str, int]) -> None:
    with sqlite_db.transaction() as session:
        end(session, made["programme"], made["contact"])
    line = Line()
    with time_machine.travel(MONDAY):
        assert ExerciseFiles(line.upload).step(sqlite_db) == 0 and line.names == []
