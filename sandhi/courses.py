"""`sandhi course`: plans of sessions, until a clinician writes them in the inbox."""

from __future__ import annotations

from datetime import date, datetime
from typing import Optional

import typer

from sandhi.console import Refusal, contact_of, open_database, out, rupees_to_paise

app = typer.Typer(no_args_is_help=True, help="Plans of sessions: write, show, deliver, stop.")


@app.command()
def add(
    phone: str = typer.Option(..., help="The number the patient writes from."),
    patient: str = typer.Option(..., help="The patient's name."),
    clinician: str = typer.Option(..., help="Code of the clinician, as in clinic.yml."),
    by: str = typer.Option(..., help="Who writes the plan."),
    sessions: int = typer.Option(..., help="Number of sessions."),
    per_week: Optional[int] = typer.Option(None, help="Sessions a week."),
    service: Optional[str] = typer.Option(None, help="Code of the service."),
    expect: Optional[str] = typer.Option(None, help="What to expect, in the clinician's words."),
    why_finish: Optional[str] = typer.Option(None, help="Why all the sessions, likewise."),
    package: Optional[str] = typer.Option(None, help="Rupees for the whole course."),
    each: Optional[str] = typer.Option(None, help="Rupees for each session."),
    until: Optional[str] = typer.Option(None, metavar="DAY", help="Last day, as 2026-12-31."),
    deliver_now: bool = typer.Option(False, "--deliver", help="Send it to the patient at once."),
) -> None:
    """Write a course down."""
    from clinic.course_plans import Plan, PlanRefused, author
    from clinic.course_plans import deliver as deliver_plan
    from clinic.database import now
    from clinic.texts import domain_texts

    if package is not None and each is not None:
        raise Refusal("A price is for the package or for each session, not both.")
    price = rupees_to_paise(package if package is not None else each)
    pricing = "package" if package is not None else "session" if each is not None else None
    moment = now()
    try:
        with open_database().transaction() as session:
            written = Plan(
                contact_id=contact_of(session, phone),
                patient=patient,
                clinician=clinician,
                sessions=sessions,
                authored_by=by,
                service=service,
                per_week=per_week,
                expect=expect,
                why_finish=why_finish,
                price_paise=price,
                pricing=pricing,
                expires_on=_day(until),
            )
            number = author(session, written, moment)
            if deliver_now:
                deliver_plan(session, number, domain_texts(), moment)
    except PlanRefused as refused:
        raise Refusal(str(refused)) from None
    said = " The patient reads it with the next messages." if deliver_now else ""
    out.print(f"Course {number} is written down.{said}")


@app.command("list")
def list_courses(
    phone: str = typer.Argument(..., help="The number the patient writes from."),
) -> None:
    """Show the courses of a number, and what is left of each."""
    from clinic.courses import balance, courses_of

    with open_database().reading() as session:
        courses = courses_of(session, contact_of(session, phone))
        for course in courses:
            found = balance(session, int(course.id))
            until = f", until {course.expires_on}" if course.expires_on else ""
            out.print(
                f"{course.id}  {course.status}  {course.clinician.code}, {course.service.code}: "
                f"{found.completed} of {found.total} done, {found.booked} booked, "
                f"{found.left_to_book} to book, {found.no_show} missed{until}",
                soft_wrap=True,
            )
    if not courses:
        out.print("No course.")


@app.command()
def deliver(course: int = typer.Argument(..., help="Number of the course.")) -> None:
    """Send a plan to its patient, with a button to book; once."""
    from clinic.course_plans import PlanRefused
    from clinic.course_plans import deliver as deliver_plan
    from clinic.database import now
    from clinic.scheduling.errors import UnknownCourse
    from clinic.texts import domain_texts

    try:
        with open_database().transaction() as session:
            message = deliver_plan(session, course, domain_texts(), now())
    except PlanRefused as refused:
        raise Refusal(str(refused)) from None
    except UnknownCourse:
        raise Refusal(f"There is no course {course}.") from None
    out.print("The plan is on its way." if message else "The plan was delivered before.")


@app.command()
def stop(course: int = typer.Argument(..., help="Number of the course.")) -> None:
    """End a course before its time; its booked visits stay until somebody cancels them."""
    from clinic.courses import stop_course
    from clinic.scheduling.errors import UnknownCourse

    try:
        with open_database().transaction() as session:
            stop_course(session, course)
    except UnknownCourse:
        raise Refusal(f"There is no course {course}.") from None
    out.print(f"Course {course} is stopped.")


def _day(written: Optional[str]) -> Optional[date]:
    try:
        return datetime.strptime(written, "%Y-%m-%d").date() if written else None
    except ValueError:
        raise Refusal("--until takes a day such as 2026-12-31.") from None
