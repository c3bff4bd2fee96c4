"""The manager's page of accounts: adding, roles, shutting, resetting."""

from __future__ import annotations

from typing import Any, Callable, Dict

from flask import Blueprint, flash, redirect, request, url_for
from flask import render_template as render
from sqlalchemy.orm import Session

from clinic import staff
from clinic.database import now
from clinic.models import Staff
from clinic.models.staff import ROLES
from inbox.access.viewer import needs
from inbox.access.words import ROLE_LABELS
from inbox.api.base import ID
from inbox.errors import Refusal
from inbox.house import house
from inbox.language import said, t
from inbox.staff import my_actor

pages = Blueprint("people", __name__)


@pages.get("/staff")
@needs("manage_staff")
def page() -> str:
    """Every account."""
    return _page()


@pages.post("/staff")
@needs("manage_staff")
def add() -> Any:
    """A new account; its password is shown once, and changed at the first sign-in."""
    asked = {name: request.form.get(name, "")[:200] for name in ("login", "name", "role")}
    password = staff.generate_password()
    try:
        with house().database.transaction() as db:
            person = staff.add(db, **asked, password=password, by=my_actor(), must_change=True)
            shown = {person.login: password}
    except staff.StaffError as error:
        flash(said(str(error)), "bad")
        return _page(draft=asked), 422
    return _page(passwords=shown), 201


@pages.post(f"/staff/{ID.format('staff_id')}/role")
@needs("manage_staff")
def role(staff_id: int) -> Any:
    """Another role, at once."""
    wanted = request.form.get("role", "")
    return _change(staff_id, lambda db, person: staff.set_role(db, person, wanted, my_actor()))


@pages.post(f"/staff/{ID.format('staff_id')}/active")
@needs("manage_staff")
def active(staff_id: int) -> Any:
    """Shut an account, or open it again."""
    wanted = request.form.get("active") == "yes"
    return _change(staff_id, lambda db, person: staff.set_active(db, person, wanted, my_actor()))


@pages.post(f"/staff/{ID.format('staff_id')}/reset")
@needs("manage_staff")
def reset(staff_id: int) -> Any:
    """A new password, shown once; two-step sign-in off."""
    password = staff.generate_password()
    with house().database.transaction() as db:
        person = _person(db, staff_id)
        staff.reset(db, person, password, my_actor())
        shown = {person.login: password}
    return _page(passwords=shown)


def _change(staff_id: int, change: Callable[[Session, Staff], None]) -> Any:
    try:
        with house().database.transaction() as db:
            change(db, _person(db, staff_id))
    except staff.StaffError as error:
        flash(said(str(error)), "bad")
        return _page(), 409
    flash(t("Changed."), "good")
    return redirect(url_for("people.page"))


def _person(db: Session, staff_id: int) -> Staff:
    person = db.get(Staff, staff_id)
    if person is None:
        raise Refusal(404, "not_found", t("There is no such account."))
    return person


def _page(passwords: Dict[str, str] = {}, draft: Dict[str, str] = {}) -> str:  # noqa: B006
    with house().database.reading() as db:
        people = staff.everyone(db)
    return render(
        "people.html",
        people=people,
        roles={role: ROLE_LABELS[role] for role in ROLES},
        passwords=passwords,
        draft=draft,
        now=now(),
        zone=house().zone(),
    )
