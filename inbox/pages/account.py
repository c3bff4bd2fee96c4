"""One's own account: password, two-step sign-in, signing out everywhere."""

from __future__ import annotations

from typing import Any, Optional

import segno
from flask import Blueprint, flash, redirect, request, url_for
from flask import render_template as render
from flask_login import current_user, login_required
from markupsafe import Markup

from clinic import two_steps
from clinic.models import Staff
from clinic.staff import LONGEST_PASSWORD, StaffError, change_password, sign_out_everywhere, verify
from inbox.access.words import ROLE_LABELS
from inbox.house import house
from inbox.language import said, t
from inbox.limits import FAILED_BY_ADDRESS, failed, limiter
from inbox.staff import enter, leave

pages = Blueprint("account", __name__)
ISSUER = "Sandhi inbox"
NOT_YOURS = "That is not your present password."
NOT_SAME = "The two new passwords are not the same."
WRONG_CODE = "That code is not right. Scan the picture, then give the newest code."


@pages.get("/account")
@login_required
def page() -> str:
    """What one may change about one's own account."""
    return _page()


@pages.post("/account/password")
@limiter.limit(FAILED_BY_ADDRESS, deduct_when=failed)
@login_required
def password() -> Any:
    """A new password; every other session ends, this one goes on."""
    new = request.form.get("new", "")[: LONGEST_PASSWORD + 1]
    if new != request.form.get("again", ""):
        return _refused(NOT_SAME)
    if not _knows_password():
        return _refused(NOT_YOURS)
    try:
        with house().database.transaction() as db:
            account = _account(db)
            change_password(db, account, new)
    except StaffError as error:
        return _refused(str(error))
    enter(account)
    flash(t("Password changed. You are signed out everywhere else."), "good")
    return redirect(url_for("account.page"))


@pages.post("/account/sign-out-everywhere")
@login_required
def everywhere() -> Any:
    """End every session, this one too."""
    with house().database.transaction() as db:
        sign_out_everywhere(db, _account(db))
    leave()
    return redirect(url_for("sign_in.form"))


@pages.post("/account/two-step")
@limiter.limit(FAILED_BY_ADDRESS, deduct_when=failed)
@login_required
def two_step() -> Any:
    """Show a new secret to scan; it counts once a code of it was entered."""
    if not _knows_password():
        return _refused(NOT_YOURS)
    with house().database.transaction() as db:
        two_steps.begin(_account(db))
    return redirect(url_for("account.page", _anchor="two-step"))


@pages.post("/account/two-step/confirm")
@limiter.limit(FAILED_BY_ADDRESS, deduct_when=failed)
@login_required
def confirm() -> Any:
    """Turn two-step sign-in on."""
    with house().database.transaction() as db:
        right = two_steps.confirm(db, _account(db), request.form.get("code", "")[:20])
    if not right:
        return _refused(WRONG_CODE)
    flash(t("Two-step sign-in is on."), "good")
    return redirect(url_for("account.page"))


@pages.post("/account/two-step/remove")
@limiter.limit(FAILED_BY_ADDRESS, deduct_when=failed)
@login_required
def remove() -> Any:
    """Turn two-step sign-in off."""
    if not _knows_password():
        return _refused(NOT_YOURS)
    with house().database.transaction() as db:
        two_steps.remove(db, _account(db))
    flash(t("Two-step sign-in is off."), "good")
    return redirect(url_for("account.page"))


def _page() -> str:
    with house().database.reading() as db:
        account = _account(db)
    picture: Optional[Markup] = None
    if account.totp_pending:
        code = segno.make(two_steps.uri(account, ISSUER), error="m", micro=False)
        # plain attributes, no style: the page allows no inline style
        svg = code.svg_inline(
            scale=5, border=3, light="#fff", dark="#000", svgclass="qr", lineclass=None
        )
        picture = Markup(svg)  # noqa: S704 - drawn here, of a URI that is data in it
    return render(
        "account.html",
        account=account,
        roles=ROLE_LABELS,
        picture=picture,
        secret_key=_in_fours(account),
    )


def _in_fours(account: Staff) -> str:
    secret = account.totp_pending or ""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def _refused(message: str) -> Any:
    flash(said(message), "bad")
    return _page(), 422


def _account(db: Any) -> Staff:
    account = db.get(Staff, current_user.staff_id)
    assert account is not None  # noqa: S101 - signed in, and accounts are never deleted
    return account


def _knows_password() -> bool:
    return verify(house().database, current_user.staff_id, request.form.get("password", "")[:400])
