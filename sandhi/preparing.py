"""What every start does to the database first: its tables, its keys, the clinic's profile."""

from __future__ import annotations

from pathlib import Path

from clinic.settings import Settings, settings
from sandhi.console import Refusal, open_database


def migrate_database() -> None:
    """Bring the database to this version's tables.

    Raises:
        Refusal: if it cannot be reached, read or written, or is of another version.
    """
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    from clinic.migrate import migrate

    try:
        migrate(open_database())
    except CommandError:
        raise Refusal(
            "The database was made by another version of Sandhi than this one: run the version "
            "that made it, or set DATABASE_URL to another database. Nothing was changed."
        ) from None
    except (SQLAlchemyError, OSError) as error:
        raise Refusal(
            f"The database could not be set up ({type(error).__name__}): "
            "check DATABASE_URL, that the server runs and that the disk is not full."
        ) from None


def check_pooling() -> None:
    """Refuse a pooler under which conversations could not be locked; Redis locks need none.

    Raises:
        Refusal: sessions do not last from one transaction to the next.
    """
    from clinic.pooling import keeps_sessions

    if settings().redis_url or keeps_sessions(open_database()):
        return
    raise Refusal(
        "DATABASE_URL leads to a pooler that gives every transaction another session: set it to "
        "session pooling (PgBouncer: pool_mode = session), or set REDIS_URL."
    )


def check_keys() -> None:
    """Compare the keys with those the database was written with.

    Raises:
        Refusal: if they differ, since they would read no patient's words.
    """
    from sqlalchemy import select

    from clinic.crypto import CannotDecrypt, lookup_hash
    from clinic.models import Contact, Profile

    phone, known_hash = None, None
    try:
        with open_database().reading() as session:
            session.execute(select(Profile.content)).first()
            newest = select(Contact.phone, Contact.phone_hash).order_by(Contact.id.desc())
            found = session.execute(newest.where(Contact.phone_hash.is_not(None))).first()
            if found is not None:
                phone, known_hash = found
    except CannotDecrypt:
        raise Refusal(
            "SANDHI_ENCRYPTION_KEYS does not open this database: put the key it was written with "
            "into the list (a new key goes before the old ones)."
        ) from None
    if phone is not None and lookup_hash(phone) != known_hash:
        raise Refusal(
            "SANDHI_SECRET_KEY is not the one this database was written with, so that no patient "
            "would be known again: set it back."
        )


def write_clinic_profile(configured: Settings) -> None:
    """Read the clinic's file and put what it says into the database; may be repeated.

    Raises:
        Refusal: if the file has faults; each is named with its line.
    """
    from clinic.profile_file import ProfileError, load_profile
    from clinic.setup import write_profile

    try:
        profile = load_profile(Path(configured.clinic_profile))
    except ProfileError as error:
        raise Refusal(str(error)) from None
    write_profile(open_database(), profile)
