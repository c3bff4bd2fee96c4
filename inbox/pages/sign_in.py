"""Signing in with the inbox's token and a display name, and signing out."""

from __future__ import annotations

from typing import Any, Optional

from flask import Blueprint, Response, current_app, flash, redirect, request, session, url_for
from flask import render_template as render
from flask_login import current_user, login_required, login_user, logout_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from clinic.logs import logger
from clinic.staff_replies import LONGEST_NAME
from inbox.api.base import is_token
from inbox.api.shapes import tidy_name
from inbox.house import house
from inbox.limits import limiter
from inbox.staff import Staff, proof_of

pages = Blueprint("sign_in", __name__)
log = logger("inbox")

FAILED_TRIES = "5 per minute; 40 per hour"


class SignIn(FlaskForm):  # type: ignore[misc]
    """The token and a name that patients' answers are signed with."""

    name = StringField("Your name", [InputRequired("Give your name."), Length(max=LONGEST_NAME)])
    token = PasswordField(
        "Access token", [InputRequired("Give the access token."), Length(max=400)]
    )

    def validate_name(self, field: Any) -> None:
        """One line, no control characters."""
        try:
            field.data = tidy_name(field.data)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        if not field.data.isprintable():
            raise ValidationError("Give a name without control characters.")


def _succeeded(response: Response) -> bool:
    return response.status_code == 302


@pages.route("/sign-in", methods=["GET", "POST"])
@limiter.limit(
    FAILED_TRIES, methods=["POST"], deduct_when=lambda response: not _succeeded(response)
)
def form() -> Any:
    """The form; whoever knows the token is let in for twelve hours."""
    if current_user.is_authenticated:
        return redirect(_wanted() or url_for("queue.page"))
    asked = SignIn()
    if not asked.validate_on_submit():
        return render("sign_in.html", form=asked), 400 if request.method == "POST" else 200
    if not is_token(asked.token.data):
        log.warning("sign-in refused")
        flash("That access token is not right.", "bad")
        return render("sign_in.html", form=asked), 401
    session.permanent = True
    proof = proof_of(house().api_token, str(current_app.secret_key))
    login_user(Staff(asked.name.data, proof))
    log.info("signed in")
    return redirect(_wanted() or url_for("queue.page"))


@pages.post("/sign-out")
@login_required
def out() -> Any:
    """End this session."""
    logout_user()
    session.clear()
    return redirect(url_for("sign_in.form"))


def _wanted() -> Optional[str]:
    """The page that was asked for before; only one of ours."""
    wanted = request.args.get("next", "")
    local = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
    return wanted if local and wanted.isprintable() else None
