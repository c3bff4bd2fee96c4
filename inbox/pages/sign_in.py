"""Signing in with login and password, and a code where the account asks for one; signing out."""

from __future__ import annotations

from typing import Any, Optional

from flask import Blueprint, flash, redirect, request, session, url_for
from flask import render_template as render
from flask_login import current_user, login_required
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from clinic.database import now
from clinic.logs import logger
from clinic.models import Staff
from clinic.staff import LONGEST_LOGIN, LONGEST_PASSWORD, check_sign_in, signed_in
from clinic.two_steps import check_code
from inbox.house import house
from inbox.language import t
from inbox.limits import FAILED_BY_ADDRESS, FAILED_BY_LOGIN, failed, limiter, the_login
from inbox.staff import enter, leave

pages = Blueprint("sign_in", __name__)
log = logger("inbox")

WRONG = "That login and password do not fit, or there were too many tries: wait, then try again."
WRONG_CODE = "That code is not right or was used before. Wait for the next one."
HALF_WAY = "half_way"
HALF_WAY_SECONDS = 300


class SignIn(FlaskForm):  # type: ignore[misc]
    """An account and its password."""

    login = StringField("Login", [InputRequired("Give your login."), Length(max=LONGEST_LOGIN)])
    password = PasswordField(
        "Password", [InputRequired("Give your password."), Length(max=LONGEST_PASSWORD)]
    )


class Code(FlaskForm):  # type: ignore[misc]
    """Six figures from the authenticator app."""

    code = StringField("Code", [InputRequired("Give the six figures."), Length(max=20)])


@pages.route("/sign-in", methods=["GET", "POST"])
@limiter.limit(FAILED_BY_ADDRESS, methods=["POST"], deduct_when=failed)
@limiter.limit(FAILED_BY_LOGIN, key_func=the_login, methods=["POST"], deduct_when=failed)
def form() -> Any:
    """The form; who fits is let in, or asked for a code."""
    if current_user.is_authenticated:
        return redirect(_wanted() or url_for("queue.page"))
    asked = SignIn()
    if not asked.validate_on_submit():
        status = 400 if request.method == "POST" else 200
        return render("sign_in.html", form=asked, nobody_yet=_nobody_yet()), status
    account = check_sign_in(house().database, asked.login.data, asked.password.data)
    if account is None:
        log.warning("sign-in refused")
        flash(t(WRONG), "bad")
        return render("sign_in.html", form=asked, nobody_yet=False), 401
    if account.totp_secret is not None:
        session.clear()
        session[HALF_WAY] = [int(account.id), int(account.session_epoch), int(now().timestamp())]
        return redirect(url_for("sign_in.code", next=_wanted()))
    return _let_in(account)


@pages.route("/sign-in/code", methods=["GET", "POST"])
@limiter.limit(FAILED_BY_ADDRESS, methods=["POST"], deduct_when=failed)
def code() -> Any:
    """The second step; the first is good for five minutes."""
    account = _half_way()
    if account is None:
        return redirect(url_for("sign_in.form", next=_wanted()))
    asked = Code()
    if not asked.validate_on_submit():
        return render("sign_in_code.html", form=asked), 400 if request.method == "POST" else 200
    with house().database.transaction() as db:
        again = db.get(Staff, account.id)
        fits = again is not None and check_code(db, again, asked.code.data)
    if not fits:
        log.warning("second step refused", staff=int(account.id))
        flash(t(WRONG_CODE), "bad")
        return render("sign_in_code.html", form=asked), 401
    return _let_in(account)


@pages.post("/sign-out")
@login_required
def out() -> Any:
    """End this session."""
    leave()
    return redirect(url_for("sign_in.form"))


def _let_in(account: Staff) -> Any:
    with house().database.transaction() as db:
        standing = db.get(Staff, account.id)
        if standing is not None:
            signed_in(db, standing)
    enter(account)
    log.info("signed in", staff=int(account.id))
    return redirect(_wanted() or url_for("queue.page"))


def _half_way() -> Optional[Staff]:
    """Whose password was right a moment ago."""
    kept = session.get(HALF_WAY)
    if not isinstance(kept, list) or len(kept) != 3:
        return None
    number, epoch, since = kept
    if not 0 <= int(now().timestamp()) - since <= HALF_WAY_SECONDS:
        return None
    with house().database.reading() as db:
        account = db.get(Staff, number)
    if account is None or not account.active or account.session_epoch != epoch:
        return None
    return account


def _nobody_yet() -> bool:
    with house().database.reading() as db:
        return db.execute(select(Staff.id).limit(1)).first() is None


def _wanted() -> Optional[str]:
    """The page that was asked for before; only one of ours."""
    wanted = request.args.get("next", "")
    local = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
    return wanted if local and wanted.isprintable() else None
