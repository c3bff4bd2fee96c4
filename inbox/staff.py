"""Who is signed in: an account, for as long as its session lasts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Dict, Optional
from urllib.parse import urlsplit

from flask import Flask, flash, g, redirect, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from clinic.audit import record
from clinic.database import now
from clinic.models import Staff
from clinic.settings import settings
from clinic.setup import NoProfile, current_profile
from clinic.staff import SEEN_EVERY, everyone
from inbox.errors import Refusal
from inbox.house import House, house
from inbox.language import t

SIGNED_OUT = "You are signed out. Sign in again; an unsent draft is kept in this tab."
CHANGE_FIRST = "Choose a password of your own first."
# looking by itself is not using: a page that refreshes does not keep a session alive
UNATTENDED = "/live/"
OPEN_TO_NEWCOMERS = ("account.", "sign_in.", "static", "health.")
STARTED, USED = "started", "used"


class SignedIn(UserMixin):  # type: ignore[misc]
    """A person at the inbox."""

    def __init__(self, account: Staff, front_desk_sees_clinical: bool = False) -> None:
        self.staff_id = int(account.id)
        self.name = str(account.name)
        self.role = str(account.role)
        self.epoch = int(account.session_epoch)
        self.must_change_password = bool(account.must_change_password)
        self.front_desk_sees_clinical = front_desk_sees_clinical

    def get_id(self) -> str:
        """What the session cookie keeps; a new password or "sign out everywhere" voids it."""
        return f"{self.staff_id}:{self.epoch}"


def me() -> str:
    """The name of whoever is signed in, in which they claim and answer."""
    return str(current_user.name)


def accounts(house: House) -> Dict[int, Staff]:
    """Every account by its number, read once for all who are signed in."""

    def read() -> Dict[int, Staff]:
        with house.database.reading() as db:
            return {int(account.id): account for account in everyone(db)}

    found: Dict[int, Staff] = house.pulse.same("accounts", read)
    return found


def my_actor() -> str:
    """Whoever is signed in, as the audit log writes them."""
    return f"staff:{current_user.staff_id}"


def enter(account: Staff) -> None:
    """Start a session for this account, and nothing of an earlier one in it."""
    session.clear()
    session.permanent = True
    session[STARTED] = session[USED] = int(now().timestamp())
    login_user(SignedIn(account))


def leave() -> None:
    """End the session."""
    with house().database.transaction() as db:
        record(db, my_actor(), "signed_out", my_actor())
    logout_user()
    session.clear()


def install(app: Flask, house: House) -> None:
    """Let `app` know who is signed in."""
    manager = LoginManager(app)
    # sessions are bound to the account's epoch and to two clocks, not to a browser's name
    manager.session_protection = None

    @manager.user_loader  # type: ignore[untyped-decorator]
    def _load(stored: str) -> Optional[SignedIn]:
        return _still_in(house, stored)

    @manager.unauthorized_handler  # type: ignore[untyped-decorator]
    def _send_to_sign_in() -> Any:
        if request.path.startswith(UNATTENDED):
            raise Refusal(401, "signed_out", SIGNED_OUT)
        if request.method == "GET":
            return redirect(url_for("sign_in.form", next=request.full_path.rstrip("?")))
        flash(t(SIGNED_OUT), "bad")
        return redirect(url_for("sign_in.form", next=_page_of_the_form()))

    app.before_request(_own_password_first)


def _page_of_the_form() -> Optional[str]:
    """The page whose form this is: there the draft is shown again."""
    came_from = urlsplit(request.referrer or "")
    return came_from.path if came_from.netloc == request.host else None


def _still_in(house: House, stored: str) -> Optional[SignedIn]:
    """The person of a session that is neither too old, nor idle, nor ended elsewhere."""
    number, _, epoch = stored.partition(":")
    started, used = session.get(STARTED), session.get(USED)
    if not number.isdigit() or not isinstance(started, int) or not isinstance(used, int):
        return None
    moment, limits = int(now().timestamp()), settings()
    if moment - started > limits.inbox_session_hours * 3600:
        return None
    if moment - used > limits.inbox_idle_minutes * 60:
        return None
    if g.get("not_known"):
        # the page that says that the database is away is shown to nobody in particular
        return None
    g.not_known = True
    account = accounts(house).get(int(number))
    opened = house.pulse.same("front desk", lambda: _front_desk_sees_clinical(house))
    g.not_known = False
    if account is None or not account.active or str(account.session_epoch) != epoch:
        return None
    if not request.path.startswith(UNATTENDED) and moment - used >= 60:
        session[USED] = moment
    _note_seen(house, account)
    return SignedIn(account, opened)


def _front_desk_sees_clinical(house: House) -> bool:
    try:
        return current_profile(house.database).inbox.front_desk_sees_clinical
    except NoProfile:
        return False


def _note_seen(house: House, account: Staff) -> None:
    moment = now()
    if account.last_seen_at and moment - account.last_seen_at < SEEN_EVERY:
        return
    with house.database.transaction() as db:
        db.query(Staff).filter(Staff.id == account.id).update(
            {"last_seen_at": moment}, synchronize_session=False
        )


def _own_password_first() -> Any:
    """Who was given a password (by a colleague, by the command line) chooses another at once."""
    endpoint = request.endpoint or ""
    if endpoint.startswith(("api_", *OPEN_TO_NEWCOMERS)) or not current_user.is_authenticated:
        return None
    if not current_user.must_change_password:
        return None
    if request.path.startswith(UNATTENDED):
        raise Refusal(403, "change_password", CHANGE_FIRST)
    return redirect(url_for("account.page"))


def session_lifetime() -> timedelta:
    """How long the cookie itself is kept."""
    return timedelta(hours=settings().inbox_session_hours)
