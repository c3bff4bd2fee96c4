"""Ready answers of the clinic's staff: words in three languages, gaps to fill, and a file."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Dict, List, Mapping, Optional
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from clinic.calendar_words import say_moment
from clinic.crypto import decrypt, encrypt
from clinic.database import now
from clinic.models import CannedReply, Contact, Patient, StoredFile
from clinic.profile_values import LANGUAGES
from clinic.profile_words import PLACEHOLDERS
from clinic.scheduling.booking import upcoming
from clinic.setup import profile_in

LONGEST_TITLE = 60
LONGEST_WORDS = 1024
# Meta keeps an uploaded file for 30 days (Cloud API, "Media"); a sure margin below that
UPLOAD_LIVES = timedelta(days=25)
OF_THE_PATIENT = ("name", "next_visit", "me")
GAPS = (*OF_THE_PATIENT, *PLACEHOLDERS)
READABLE = {"en": ("en", "hinglish", "hi"), "hi": ("hi", "hinglish", "en")}
_GAP = re.compile(r"\{([a-z_]+)\}")


class CannedError(ValueError):
    """A ready answer cannot be kept like that; `code` says why, `gap` names an unknown gap."""

    def __init__(self, code: str, gap: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.gap = gap


def list_canned(session: Session, clinical: bool) -> List[CannedReply]:
    """Every ready answer by title; those for physiotherapists only where `clinical`."""
    query = select(CannedReply)
    if not clinical:
        query = query.where(CannedReply.clinical.is_(False))
    found = session.execute(query).scalars()
    return sorted(found, key=lambda one: (one.clinical, one.title.casefold(), one.id))


def save_canned(
    session: Session,
    canned_id: Optional[int],
    title: str,
    texts: Mapping[str, str],
    clinical: bool,
    by: str,
    file_id: Optional[int] = None,
) -> CannedReply:
    """Write a new ready answer, or an old one anew.

    Raises:
        CannedError: `title`, `empty` (no language has words), `too_long`, `gap`, `not_found`.
    """
    name = " ".join(title.split())
    if not 0 < len(name) <= LONGEST_TITLE:
        raise CannedError("title")
    words = {code: texts.get(code, "").strip() for code in LANGUAGES}
    words = {code: said for code, said in words.items() if said}
    if not words and file_id is None:
        raise CannedError("empty")
    for said in words.values():
        if len(said) > LONGEST_WORDS:
            raise CannedError("too_long")
        for gap in _GAP.findall(said):
            if gap not in GAPS:
                raise CannedError("gap", gap)
    row = CannedReply() if canned_id is None else session.get(CannedReply, canned_id)
    if row is None:
        raise CannedError("not_found")
    row.title, row.texts, row.clinical, row.written_by = name, words, clinical, by
    row.file_id, row.updated_at = file_id, now()
    session.add(row)
    session.flush()
    return row


def words_in(canned: CannedReply, language: str) -> str:
    """Its words in that language, else in the next that this patient can read, else any."""
    for code in READABLE.get(language, ("hinglish", "en", "hi")):
        if canned.texts.get(code):
            return str(canned.texts[code])
    return ""


def values_for(
    session: Session, contact: Contact, language: str, staff: str, moment: datetime
) -> Dict[str, str]:
    """What fills the gaps for this patient; a gap without a fact is left out.

    Raises:
        clinic.setup.NoProfile: if no profile was written yet.
    """
    profile = profile_in(session)
    values = {gap: say(profile, language).strip() for gap, say in PLACEHOLDERS.items()}
    values["me"] = staff
    patient = session.execute(
        select(Patient).where(Patient.contact_id == contact.id).order_by(Patient.id).limit(1)
    ).scalar_one_or_none()
    name = patient.name if patient is not None else contact.profile_name
    if name:
        values["name"] = str(name)
    visits = upcoming(session, int(contact.id), moment)
    if visits:
        values["next_visit"] = say_moment(
            visits[0].starts_at, language, ZoneInfo(profile.time_zone)
        )
    return values


def fill(text: str, values: Mapping[str, str]) -> str:
    """The words with every gap filled that has a value; the others stay to be seen."""
    return _GAP.sub(lambda found: values.get(found[1], found[0]), text)


def open_gaps(text: str) -> List[str]:
    """The gaps that are still open in words about to be sent."""
    return [gap for gap in _GAP.findall(text) if gap in GAPS]


def store_file(session: Session, content: bytes, mime_type: str, filename: str) -> int:
    """Keep a file, encrypted; its id. The caller has checked what it is."""
    row = StoredFile(
        filename=filename, mime_type=mime_type, size=len(content), content=encrypt(content)
    )
    session.add(row)
    session.flush()
    return int(row.id)


def content_of(file: StoredFile) -> bytes:
    """The bytes of a kept file.

    Raises:
        clinic.crypto.CannotDecrypt: if its key is gone.
    """
    return decrypt(bytes(file.content))


def living_media_id(file: StoredFile, moment: datetime) -> Optional[str]:
    """WhatsApp's id of the file while WhatsApp surely has it."""
    uploaded: Any = file.uploaded_at
    fresh = uploaded is not None and moment - uploaded < UPLOAD_LIVES
    return str(file.media_id) if fresh and file.media_id else None


def remember_upload(session: Session, file_id: int, media_id: str) -> None:
    """The file is at WhatsApp under this id since now."""
    session.execute(
        update(StoredFile)
        .where(StoredFile.id == file_id)
        .values(media_id=media_id, uploaded_at=now())
    )
