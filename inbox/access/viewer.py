"""The viewer of this request, and refusing what the rules do not allow."""

from __future__ import annotations

from functools import wraps
from typing import Any, Callable, TypeVar

from flask import g
from flask_login import current_user, login_required

from clinic.audit import record
from inbox.access.rules import ROLES_MAY, Viewer, may, who_may
from inbox.access.words import ROLE_NAMES
from inbox.errors import Refusal
from inbox.house import house

View = TypeVar("View", bound=Callable[..., Any])


def viewer() -> Viewer:
    """Who asks: a program by its token, or the person who is signed in.

    Raises:
        Refusal: 401 where it is nobody.
    """
    known = g.get("viewer")
    if isinstance(known, Viewer):
        return known
    if not current_user.is_authenticated:
        raise Refusal(401, "signed_out", "Sign in first.")
    g.viewer = Viewer(
        who=f"staff:{current_user.staff_id}",
        role=current_user.role,
        name=current_user.name,
        front_desk_sees_clinical=current_user.front_desk_sees_clinical,
    )
    return g.viewer  # type: ignore[no-any-return]


def allowed(act: str, subject: Any = None) -> bool:
    """Whether whoever asks may do that; for templates too."""
    return may(viewer(), act, subject)


def require(act: str, subject: str = "page") -> None:
    """Refuse whoever may not, and note the try.

    Raises:
        Refusal: 403 `forbidden` (401 where nobody is signed in).
    """
    if allowed(act):
        return
    with house().database.transaction() as session:
        record(session, viewer().who, "refused", subject, {"act": act})
    roles = " and ".join(ROLE_NAMES[role] for role in sorted(who_may(act), reverse=True))
    raise Refusal(403, "forbidden", f"This is for: {roles}.")


def needs(act: str) -> Callable[[View], View]:
    """A view for people who are signed in and may do `act`."""
    if act not in ROLES_MAY:
        raise KeyError(act)

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            require(act)
            return view(*args, **kwargs)

        wrapped: View = login_required(guarded)
        return wrapped

    return guard
