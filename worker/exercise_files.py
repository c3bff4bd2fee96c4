"""Keeping the files of home exercises at WhatsApp, so that they are there when they are asked for.

WhatsApp forgets an uploaded file after a month, and a programme may last longer. The worker knows
no wire: it is handed a way to upload.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Callable, Collection, Dict

from sqlalchemy import or_, select

from clinic.canned import UPLOAD_LIVES, content_of, remember_upload
from clinic.crypto import CannotDecrypt
from clinic.database import Database, now
from clinic.logs import logger
from clinic.models import Exercise, ExerciseProgramme, StoredFile
from clinic.models.exercises import ENDED

log = logger("worker.exercise_files")

LOOK_EVERY = timedelta(seconds=10)
# a file that could not be put there is tried again after so long
REST = timedelta(minutes=10)
# renewed while the old one still lives
BEFORE_ITS_END = timedelta(days=1)
AT_ONCE = 5


class NotTaken(Exception):
    """WhatsApp did not take the file; trying again is safe."""


# bytes, type and name of a file to the id that WhatsApp gives it; raises NotTaken
Upload = Callable[[bytes, str, str], str]


class ExerciseFiles:
    """Uploads what WhatsApp does not have, or will soon not have any more, a few at a time."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._next_look = now()
        self._resting: Dict[int, datetime] = {}

    def step(self, database: Database) -> int:
        """Upload some files; how many. One that fails keeps no other waiting."""
        moment = now()
        if moment < self._next_look:
            return 0
        self._next_look = moment + LOOK_EVERY
        self._resting = {one: until for one, until in self._resting.items() if until > moment}
        with database.reading() as session:
            ids = [int(row[0]) for row in session.execute(_missing(moment, self._resting))]
        done = 0
        for file_id in ids:
            try:
                self._put(database, file_id)
            except (NotTaken, CannotDecrypt) as error:
                log.warning("file not uploaded", file=file_id, why=type(error).__name__)
                self._resting[file_id] = moment + REST
            else:
                done += 1
        return done

    def _put(self, database: Database, file_id: int) -> None:
        with database.reading() as session:
            file = session.get(StoredFile, file_id)
            if file is None:
                return
            content, mime_type = content_of(file), str(file.mime_type)
            filename = str(file.filename)
        media_id = self._upload(content, mime_type, filename)
        with database.transaction() as session:
            remember_upload(session, file_id, media_id)


def _missing(moment: datetime, resting: Collection[int]) -> Any:
    """Ids of files of running programmes that WhatsApp has not, or not for long."""
    return (
        select(StoredFile.id)
        .join(Exercise, Exercise.file_id == StoredFile.id)
        .join(ExerciseProgramme, ExerciseProgramme.id == Exercise.programme_id)
        .where(
            ExerciseProgramme.status != ENDED,
            ExerciseProgramme.last_day >= (moment - timedelta(days=1)).date(),
            StoredFile.id.not_in(list(resting)),
            or_(
                StoredFile.media_id.is_(None),
                StoredFile.uploaded_at < moment - UPLOAD_LIVES + BEFORE_ITS_END,
            ),
        )
        .distinct()
        .order_by(StoredFile.id)
        .limit(AT_ONCE)
    )
