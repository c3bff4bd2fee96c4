"""The course plans of one patient: what stands, and writing a new one."""

from __future__ import annotations

from typing import Any, Dict, List

from flask import Blueprint, flash, redirect, request, url_for
from flask import render_template as render

from clinic.audit import record
from clinic.setup import profile_in
from clinic.transcript import find_conversation
from inbox.access.viewer import needs
from inbox.api.base import ID
from inbox.errors import Refusal
from inbox.house import house
from inbox.plans import FIELDS, FormRefused, choices, list_courses, patients_of, send, write
from inbox.staff import me, my_actor

pages = Blueprint("plans", __name__)
ADDRESS = f"/conversations/{ID.format('contact_id')}/plans"
LONGEST_FIELD = 2000


@pages.get(ADDRESS)
@needs("see_plans")
def page(contact_id: int) -> str:
    """The courses of this patient, and the form; looking is noted, for plans are clinical."""
    return _page(contact_id, {}, [])


@pages.post(ADDRESS)
@needs("write_plans")
def add(contact_id: int) -> Any:
    """Write a plan down; `send` gives it to the patient to read in the same step."""
    form = {name: request.form.get(name, "")[:LONGEST_FIELD] for name in FIELDS}
    try:
        with house().database.transaction() as db:
            course_id = write(db, contact_id, form, me(), my_actor())
    except FormRefused as refused:
        return _page(contact_id, form, refused.problems), 422
    if request.form.get("send"):
        return deliver(contact_id, course_id)
    flash("The plan is written. The patient has not been told yet.", "good")
    return redirect(url_for("plans.page", contact_id=contact_id))


@pages.post(f"{ADDRESS}/{ID.format('course_id')}/send")
@needs("write_plans")
def deliver(contact_id: int, course_id: int) -> Any:
    """Let the patient read the plan in the chat."""
    try:
        with house().database.transaction() as db:
            gone = send(db, contact_id, course_id, my_actor())
    except FormRefused as refused:
        for problem in refused.problems:
            flash(f"The plan is written, but not sent. {problem}", "bad")
        return redirect(url_for("plans.page", contact_id=contact_id))
    told = "The patient gets the plan now." if gone else "The patient has this plan already."
    flash(told, "good")
    return redirect(url_for("plans.page", contact_id=contact_id))


def _page(contact_id: int, draft: Dict[str, str], problems: List[str]) -> str:
    with house().database.transaction() as db:
        contact = find_conversation(db, contact_id)
        if contact is None:
            raise Refusal(404, "not_found", "There is no such conversation.")
        profile = profile_in(db)
        shown = {
            "contact": contact,
            "courses": list_courses(db, int(contact.id)),
            "patients": patients_of(db, int(contact.id)),
            **choices(profile),
        }
        detail = {"at": "plans.page"}
        record(db, my_actor(), "viewed_clinical", f"contact:{int(contact.id)}", detail)
    return render("plans.html", draft=draft, problems=problems, **shown)
