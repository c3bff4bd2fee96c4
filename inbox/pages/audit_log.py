"""The manager's page of the audit log: search by person, act, patient and day; CSV."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, time, timedelta
from typing import Any, Dict, Iterator, List, Optional

from flask import Blueprint, Response, request, stream_with_context
from flask import render_template as render

from clinic import audit, staff
from clinic.audit import Wanted, record
from clinic.database import now
from clinic.models import AuditEntry
from inbox.access.viewer import needs
from inbox.access.words import WHO_ELSE, act, details, subject_words, who_else
from inbox.api.base import LARGEST_ID, read_cursor, write_cursor
from inbox.errors import Refusal
from inbox.house import house
from inbox.language import t
from inbox.staff import my_actor

pages = Blueprint("audit_log", __name__)
PAGE = 100
EXPORT_PAGE = 1000
COLUMNS = ("id", "at", "who", "person", "what", "subject", "contact", "detail", "address")
FIELDS = ("who", "what", "contact", "from", "to")
# of those who are no person, whom one can search for
SEARCHED = ("api", "cli", "nobody")


@pages.get("/audit")
@needs("search_audit")
def page() -> str:
    """A page of entries, newest first; looking is noted too."""
    before = None
    if request.args.get("after"):
        before = read_cursor(request.args["after"], 1)[0]
    wanted = _wanted(PAGE + 1, before)
    with house().database.transaction() as db:
        found = audit.find(db, wanted)
        names = _names(db)
        record(db, my_actor(), "searched_audit", "audit", _asked())
    return render(
        "audit.html",
        entries=found[:PAGE],
        more=write_cursor(int(found[PAGE - 1].id)) if len(found) > PAGE else None,
        asked={name: request.args.get(name, "") for name in FIELDS},
        names=names,
        acts={code: act(code) for code in audit.ACTS},
        act=act,
        others=[code for code in WHO_ELSE if code in SEARCHED],
        who_else=who_else,
        who_is=lambda who: names.get(who) or who_else(who),
        subject_words=lambda subject: names.get(subject) or subject_words(subject),
        details=details,
        now=now(),
        zone=house().zone(),
    )


@pages.get("/audit.csv")
@needs("export_audit")
def export() -> Response:
    """Everything that was searched for, as CSV."""
    wanted = _wanted(EXPORT_PAGE, None)
    with house().database.transaction() as db:
        names = _names(db)
        # what comes while it is written is left out: the export's own entry for one
        newest = audit.find(db, Wanted(1))
        record(db, my_actor(), "exported", "audit", _asked())
    start = int(newest[0].id) + 1 if newest else 1
    lines = stream_with_context(_lines(wanted, names, start))
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return Response(lines, mimetype="text/csv", headers=headers)  # type: ignore[arg-type]


def _lines(wanted: Wanted, names: Dict[str, str], start: int) -> Iterator[str]:
    yield _row(list(COLUMNS))
    before: Optional[int] = start
    while before is not None:
        page = Wanted(
            EXPORT_PAGE,
            before,
            wanted.who,
            wanted.what,
            wanted.contact_id,
            wanted.since,
            wanted.until,
        )
        with house().database.reading() as db:
            found = audit.find(db, page)
        for entry in found:
            yield _row(_cells(entry, names))
        before = int(found[-1].id) if len(found) == EXPORT_PAGE else None


def _cells(entry: AuditEntry, names: Dict[str, str]) -> List[str]:
    at = entry.at.astimezone(house().zone()).isoformat(timespec="seconds")
    cells = [entry.id, at, entry.who, names.get(entry.who, ""), entry.what, entry.subject]
    cells += [
        "" if entry.contact_id is None else entry.contact_id,
        entry.detail or "",
        (entry.address_hash or "")[:12],
    ]
    return [_safe(str(cell)) for cell in cells]


def _safe(cell: str) -> str:
    """A spreadsheet runs what begins like a formula; a person's name may."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _row(cells: List[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _names(db: Any) -> Dict[str, str]:
    return {f"staff:{person.id}": str(person.name) for person in staff.everyone(db)}


def _wanted(limit: int, before: Optional[int]) -> Wanted:
    since, until = _day("from"), _day("to")
    contact = request.args.get("contact", "").strip()
    if contact and not (contact.isdigit() and int(contact) <= LARGEST_ID):
        raise Refusal(422, "invalid", t("The patient's number is the one in their page's address."))
    return Wanted(
        limit,
        before,
        request.args.get("who") or None,
        request.args.get("what") or None,
        int(contact) if contact else None,
        _midnight(since) if since else None,
        _midnight(until + timedelta(days=1)) if until else None,
    )


def _asked() -> Dict[str, str]:
    return {name: request.args[name][:40] for name in FIELDS if request.args.get(name)}


def _day(name: str) -> Optional[date]:
    given = request.args.get(name, "").strip()
    if not given:
        return None
    try:
        day = date.fromisoformat(given)
    except ValueError:
        raise Refusal(422, "invalid", t("A day is written like 2026-11-24.")) from None
    if not 2000 <= day.year < 2100:
        raise Refusal(422, "invalid", t("A day is written like 2026-11-24."))
    return day


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, house().zone())
