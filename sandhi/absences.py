"""`sandhi leave`: a clinician's leave and the clinic's closures, and telling who is affected."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, List, Optional

import typer

from sandhi.console import Refusal, open_database, out

app = typer.Typer(
    no_args_is_help=True, help="Leave and closures: enter, list, take back, announce."
)
MOMENT = "A day such as 2026-12-24, or a moment such as 2026-12-24T16:00, in the clinic's time."


@app.command()
def add(
    clinician: str = typer.Argument(..., help="Code of the clinician, as in clinic.yml."),
    starts: str = typer.Argument(..., metavar="FROM", help=MOMENT),
    ends: str = typer.Argument(..., metavar="TO", help="Likewise; a day counts to its end."),
    note: Optional[str] = typer.Option(None, help="For staff only."),
) -> None:
    """Enter a leave and list the visits it affects; nobody is told yet."""
    from clinic.absence import AbsenceRefused, add_leave
    from clinic.database import now
    from clinic.scheduling.errors import UnknownClinician

    try:
        with open_database().transaction() as session:
            zone = _zone(session)
            begins = _moment(starts, zone, is_end=False)
            number, affected = add_leave(
                session, clinician, begins, _moment(ends, zone, is_end=True), now(), note
            )
            out.print(f"Leave {number} is entered.")
            _show(session, affected)
    except AbsenceRefused as refused:
        raise Refusal(str(refused)) from None
    except UnknownClinician:
        raise Refusal(f"There is no clinician '{clinician}'.") from None
    if affected:
        out.print(f"Tell them with: sandhi leave announce {number} --by NAME")


@app.command()
def close(
    day: str = typer.Argument(..., help="Such as 2026-12-24."),
    reason: Optional[str] = typer.Option(None, help="For staff only."),
) -> None:
    """Close the clinic for a day of its own and list the visits it affects."""
    from clinic.absence import AbsenceRefused, add_closure
    from clinic.database import now

    try:
        with open_database().transaction() as session:
            affected = add_closure(session, _day(day), reason, now())
            out.print(f"The clinic is closed on {_day(day)}.")
            _show(session, affected)
    except AbsenceRefused as refused:
        raise Refusal(str(refused)) from None
    if affected:
        out.print(f"Tell them with: sandhi leave announce {day} --by NAME")


@app.command("list")
def list_leaves() -> None:
    """Show every leave that is not over."""
    from sqlalchemy import select

    from clinic.absence import leaves
    from clinic.database import now
    from clinic.models import Clinician, Closure

    with open_database().reading() as session:
        zone = _zone(session)
        codes = dict(session.execute(select(Clinician.id, Clinician.code)).all())
        rows = leaves(session, now())
        for row in rows:
            begins, ends = (m.astimezone(zone) for m in (row.starts_at, row.ends_at))
            out.print(f"{row.id}  {codes[row.clinician_id]}  {begins:%Y-%m-%d %H:%M} to "
                      f"{ends:%Y-%m-%d %H:%M}")  # fmt: skip
        today = now().astimezone(zone).date()
        closed = select(Closure).where(Closure.day >= today).order_by(Closure.day)
        closures = session.execute(closed).scalars().all()
        for closure in closures:
            out.print(f"{closure.day}  the clinic is closed")
    if not rows and not closures:
        out.print("No leave and no closure.")


@app.command()
def remove(leave: int = typer.Argument(..., help="Number of the leave.")) -> None:
    """Take a leave back; its times can be booked again."""
    from clinic.absence import remove_leave

    with open_database().transaction() as session:
        found = remove_leave(session, leave)
    if not found:
        raise Refusal(f"There is no leave {leave}.")
    out.print(f"Leave {leave} is taken back.")


@app.command()
def announce(
    what: str = typer.Argument(..., metavar="LEAVE|DAY", help="Number of the leave, or the day."),
    by: str = typer.Option(..., help="Who confirms it."),
) -> None:
    """Write to everybody affected, once, with free times to choose from."""
    from clinic.absence import AbsenceRefused, announce_closure, announce_leave
    from clinic.database import now
    from clinic.texts import domain_texts

    author = f"staff:{by}"
    try:
        with open_database().transaction() as session:
            if what.isdigit():
                done = announce_leave(session, int(what), author, domain_texts(), now())
            else:
                done = announce_closure(session, _day(what), author, domain_texts(), now())
            out.print(f"{len(done.message_ids)} messages are on their way.")
            if done.by_phone:
                out.print("WhatsApp does not let us write to these now; please telephone:")
                _show(session, done.by_phone)
    except AbsenceRefused as refused:
        raise Refusal(str(refused)) from None


def _show(session: Any, affected: List[Any]) -> None:
    zone = _zone(session)
    for one in affected:
        free = ", ".join(f"{s.starts_at.astimezone(zone):%d.%m. %H:%M}" for s in one.alternatives)
        begins = one.starts_at.astimezone(zone)
        out.print(
            f"  visit {one.appointment_id}, contact {one.contact_id}: {begins:%Y-%m-%d %H:%M}, "
            f"{one.clinician}; free: {free or 'nothing near'}",
            soft_wrap=True,
        )
    if not affected:
        out.print("No visit is affected.")


def _zone(session: Any) -> Any:
    from zoneinfo import ZoneInfo

    from clinic.setup import profile_in

    return ZoneInfo(profile_in(session).time_zone)


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise Refusal("A day is written as 2026-12-24.") from None


def _moment(written: str, zone: Any, is_end: bool) -> datetime:
    try:
        if len(written) == len("2026-12-24"):
            day = datetime.combine(date.fromisoformat(written), time.min, zone)
            return day + timedelta(days=1) if is_end else day
        return datetime.fromisoformat(written).replace(tzinfo=zone)
    except ValueError:
        raise Refusal(MOMENT) from None
