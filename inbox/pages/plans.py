"""A patient's courses as their clinicians planned them: reading, writing and sending a plan."""

from __future__ import annotations

from datetime import date
from typing import Any, Dict, List, Optional

from flask import Blueprint, flash, redirect, request, url_for
from flask import render_template as render
from sqlalchemy.orm import Session

from clinic.audit import record
from clinic.calendar_words import say_day, say_rupees
from clinic.course_plans import LONGEST_WORDS, Plan, PlanRefused, author, deliver
from clinic.courses import balance, courses_of
from clinic.database import now
from clinic.models import Contact, Course
from clinic.models.care import PRICINGS
from clinic.scheduling.errors import UnknownCourse
from clinic.setup import profile_in
from inbox.access.sight import note_shown
from inbox.access.viewer import needs
from inbox.api.base import ID
from inbox.card import clinician_name, service_name
from inbox.errors import Refusal
from inbox.house import house
from inbox.language import said, t, ui_language
from inbox.pages.conversation import ADDRESS, conversation
from inbox.rupees import paise_of
from inbox.staff import my_actor
from inbox.visits import names_of

pages = Blueprint("plans", __name__)

FIELDS = (
    *("patient", "clinician", "service", "sessions", "per_week", "expect", "why_finish"),
    *("rupees", "pricing", "expires_on"),
)


class _Garbled(Exception):
    """A field does not hold what it should; the message says which, in words."""


@pages.get(f"{ADDRESS}/plans")
@needs("see_plans")
def page(contact_id: int) -> str:
    """Every course of this contact's patients, and a form for a new one."""
    return _page(contact_id)


@pages.post(f"{ADDRESS}/plans")
@needs("write_plans")
def write(contact_id: int) -> Any:
    """Write a course down; with `send` the patient is given it to read at once."""
    typed = {name: request.form.get(name, "").replace("\r\n", "\n").strip() for name in FIELDS}
    problems: List[str] = []
    try:
        with house().database.transaction() as db:
            owner = int(conversation(db, contact_id).id)
            course_id = author(db, _plan(owner, typed), now())
            record(db, my_actor(), "plan_written", f"contact:{owner}", {"course": course_id})
    except _Garbled as error:
        problems = [str(error)]
    except PlanRefused as refused:
        problems = refused.problems
    if problems:
        return _page(contact_id, typed, problems), 422
    flash(t("The plan is kept."), "good")
    if request.form.get("send") == "1":
        _deliver(contact_id, course_id)
    return redirect(url_for("plans.page", contact_id=contact_id))


@pages.post(f"{ADDRESS}/plans/{ID.format('course_id')}/send")
@needs("write_plans")
def send(contact_id: int, course_id: int) -> Any:
    """Give the patient the plan to read."""
    _deliver(contact_id, course_id)
    return redirect(url_for("plans.page", contact_id=contact_id))


def _deliver(contact_id: int, course_id: int) -> None:
    try:
        with house().database.transaction() as db:
            owner = int(conversation(db, contact_id).id)
            course = db.get(Course, course_id)
            if course is None or course.patient.contact_id != owner:
                raise UnknownCourse(f"course {course_id}")
            if deliver(db, course_id, house().texts, now()) is not None:
                detail = {"course": course_id}
                record(db, my_actor(), "plan_delivered", f"contact:{owner}", detail)
    except UnknownCourse:
        raise Refusal(404, "not_found", t("There is no such plan.")) from None
    except PlanRefused as refused:
        for problem in refused.problems:
            flash(said(problem), "bad")
        return
    flash(t("The plan is on its way to the patient."), "good")


def _plan(contact_id: int, typed: Dict[str, str]) -> Plan:
    return Plan(
        contact_id=contact_id,
        patient=typed["patient"],
        clinician=typed["clinician"],
        sessions=_number(typed["sessions"], t("Sessions")) or 0,
        authored_by=my_actor(),
        service=typed["service"] or None,
        per_week=_number(typed["per_week"], t("Each week")),
        expect=typed["expect"] or None,
        why_finish=typed["why_finish"] or None,
        price_paise=_paise(typed["rupees"]),
        pricing=(typed["pricing"] or None) if typed["rupees"] else None,
        expires_on=_day(typed["expires_on"]),
    )


def _number(given: str, label: str) -> Optional[int]:
    if not given:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 4:
        raise _Garbled(t("{field}: give a whole number.", field=label))
    return int(given)


def _paise(given: str) -> Optional[int]:
    if not given:
        return None
    try:
        return paise_of(given)
    except ValueError:
        raise _Garbled(t("Price: give rupees, such as 600 or 600.50.")) from None


def _day(given: str) -> Optional[date]:
    try:
        return date.fromisoformat(given) if given else None
    except ValueError:
        raise _Garbled(t("Last day: choose a day.")) from None


def _page(
    contact_id: int,
    typed: Optional[Dict[str, str]] = None,
    problems: Optional[List[str]] = None,
) -> str:
    with house().database.reading() as db:
        contact = conversation(db, contact_id)
        profile = profile_in(db)
        courses = [_shown(db, course) for course in courses_of(db, int(contact.id))[::-1]]
        for course in courses:
            if course["expect"] or course["why_finish"]:
                note_shown(int(contact.id), "course", course["id"])
        names = names_of(db, contact)
        return render(
            "plans.html",
            contact=contact,
            courses=courses,
            typed=typed or _empty(db, contact, names),
            problems=problems or [],
            names=names,
            services=[(one.code, service_name(profile, one.code)) for one in profile.services],
            clinicians=[
                (one.code, clinician_name(profile, one.code)) for one in profile.clinicians
            ],
            pricings=PRICINGS,
            longest=LONGEST_WORDS,
            now=now(),
            zone=house().zone(),
        )


def _empty(db: Session, contact: Contact, names: List[str]) -> Dict[str, str]:
    profile = profile_in(db)
    usual = [one.code for one in profile.services if not one.new_patients and not one.home_visit]
    return {
        **dict.fromkeys(FIELDS, ""),
        "patient": names[0] if names else "",
        "service": usual[0] if usual else profile.services[0].code,
    }


def _shown(db: Session, course: Course) -> Dict[str, Any]:
    profile, language = profile_in(db), ui_language()
    return {
        "id": int(course.id),
        "patient": str(course.patient.name),
        "service": service_name(profile, str(course.service.code)),
        "clinician": clinician_name(profile, str(course.clinician.code)),
        "status": str(course.status),
        "balance": balance(db, int(course.id)),
        "per_week": course.per_week,
        "expect": course.expect,
        "why_finish": course.why_finish,
        "price": say_rupees(course.price_paise) if course.price_paise is not None else None,
        "pricing": course.pricing,
        "ends": say_day(course.expires_on, language) if course.expires_on else None,
        "written_at": course.authored_at,
        "delivered_at": course.delivered_at,
    }
