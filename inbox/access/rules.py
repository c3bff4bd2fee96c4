"""The one place that says who may do what. Pages, search and API ask here and nowhere else.

A viewer is a person with a role or a program with scopes. Logistics are everybody's; clinical
text and plans are for physiotherapists and managers, unless the clinic's profile says
`inbox.front_desk_sees_clinical`. What is never hidden from the front desk: that there is a
handoff, its reason, its priority, its red-flag category, and the number to call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Optional

from clinic.models.staff import FRONT_DESK, MANAGER, PHYSIOTHERAPIST, ROLES

EVERYBODY = frozenset(ROLES)
CLINICIANS = frozenset({PHYSIOTHERAPIST, MANAGER})
DESK = frozenset({FRONT_DESK, MANAGER})
MANAGERS = frozenset({MANAGER})

CLINICAL_REASONS = frozenset({"clinical", "red_flag", "media"})

SEE_CLINICAL = "see_clinical"
ROLES_MAY: Dict[str, FrozenSet[str]] = {
    "see_queue": EVERYBODY,
    "see_conversation": EVERYBODY,
    "claim": EVERYBODY,
    "reply": EVERYBODY,
    "resolve": EVERYBODY,
    "see_appointments": EVERYBODY,
    "book": EVERYBODY,
    SEE_CLINICAL: CLINICIANS,
    "use_clinical_replies": CLINICIANS,
    "see_plans": CLINICIANS,
    "write_plans": CLINICIANS,
    "see_bills": EVERYBODY,
    "write_bills": DESK,
    "cancel_bills": MANAGERS,
    "search_audit": MANAGERS,
    "export_audit": MANAGERS,
    "manage_staff": MANAGERS,
}
SCOPE_NEEDED: Dict[str, str] = {
    "see_queue": "handoffs:read",
    "claim": "handoffs:write",
    "resolve": "handoffs:write",
    "see_conversation": "messages:read",
    "reply": "messages:write",
    SEE_CLINICAL: "clinical:read",
    "see_appointments": "appointments:read",
    "book": "appointments:write",
}


@dataclass(frozen=True)
class Viewer:
    """Who looks: `who` as in the audit log, and either a role or scopes.

    `name` is the person's, so that they can read what they wrote themselves.
    """

    who: str
    role: Optional[str] = None
    name: Optional[str] = None
    scopes: FrozenSet[str] = field(default_factory=frozenset)
    front_desk_sees_clinical: bool = False


def may(viewer: Viewer, act: str, subject: Any = None) -> bool:
    """Whether `viewer` may do `act`.

    Args:
        act: a key of `ROLES_MAY`.
        subject: what it is done to, where that decides: for `see_clinical` a bubble of the
            transcript (`clinic.transcript.Entry`): everybody reads what they wrote themselves.

    Raises:
        KeyError: for an act that has no rule; nothing is allowed by forgetting.
    """
    roles = ROLES_MAY[act]
    if viewer.role is None:
        scope = SCOPE_NEEDED.get(act)
        return scope is not None and scope in viewer.scopes
    if act == SEE_CLINICAL:
        if subject is not None and subject.author == f"staff:{viewer.name}":
            return True
        if viewer.role == FRONT_DESK and viewer.front_desk_sees_clinical:
            return True
    return viewer.role in roles


def who_may(act: str) -> FrozenSet[str]:
    """The roles that may, for a sentence that says so."""
    return ROLES_MAY[act]
