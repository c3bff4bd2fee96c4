"""Whether this server lives, and whether it can serve."""

from __future__ import annotations

from typing import List, Tuple

from flask import Blueprint, Response, jsonify
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from clinic.database import Database
from clinic.models import Base
from clinic.profile import LANGUAGES
from inbox.desk import HANDED_BACK
from inbox.house import house

health = Blueprint("health", __name__, url_prefix="/health")

# a schema that was complete once stays so; asking again at every probe would cost for nothing
_complete: List[str] = []


@health.get("/live")
def live() -> Response:
    """The process answers."""
    return jsonify(status="live")


@health.get("/ready")
def ready() -> Tuple[Response, int]:
    """The database answers with every table and column this version reads; the texts are there."""
    database = house().database
    try:
        missing = _missing(database)
    except SQLAlchemyError:
        return _not_ready("database", "The clinic's database cannot be reached.")
    if missing:
        return _not_ready("not_migrated", f"The database lacks {', '.join(missing)}: migrate it.")
    if not _has_texts():
        return _not_ready("no_texts", f"The assistant's domain lacks the response {HANDED_BACK}.")
    return jsonify(status="ready"), 200


def _has_texts() -> bool:
    try:
        return all(house().texts.say(HANDED_BACK, language) for language in LANGUAGES)
    except KeyError:
        return False


def _not_ready(code: str, message: str) -> Tuple[Response, int]:
    return jsonify(status="not ready", error={"code": code, "message": message}), 503


def _missing(database: Database) -> List[str]:
    url = str(database.url)
    if url in _complete:
        with database.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return []
    missing = []
    found = inspect(database.engine)
    there = set(found.get_table_names())
    for table in Base.metadata.sorted_tables:
        if table.name not in there:
            missing.append(table.name)
            continue
        columns = {column["name"] for column in found.get_columns(table.name)}
        missing += [f"{table.name}.{c.name}" for c in table.columns if c.name not in columns]
    if not missing:
        _complete.append(url)
    return missing
