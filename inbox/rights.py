"""What the inbox asks about whoever is signed in, in one place."""

from __future__ import annotations

from flask_login import current_user

CLINICAL_ROLES = ("physiotherapist", "manager")


def is_clinical() -> bool:
    """Whether ready answers with advice are for whoever is signed in.

    An account without a role (the one shared token) is the whole clinic.
    """
    return getattr(current_user, "role", CLINICAL_ROLES[0]) in CLINICAL_ROLES
