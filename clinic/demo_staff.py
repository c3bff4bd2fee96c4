"""The demo's invented staff: one of each role, with a password that its secret key gives."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import List, Tuple

from sqlalchemy.orm import Session

from clinic.models.staff import FRONT_DESK, MANAGER, PHYSIOTHERAPIST
from clinic.staff import add, find

DEMO = {
    "front": ("Neha Demo", FRONT_DESK),
    "physio": ("Kiran Demo", PHYSIOTHERAPIST),
    "manager": ("Leela Demo", MANAGER),
}


def demo_password(secret: str, login: str) -> str:
    """The demo's password of a login: always the same under one SANDHI_SECRET_KEY."""
    digest = hmac.new(secret.encode(), b"demo login\x00" + login.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest)[:12].decode().lower()


def demo_logins(secret: str) -> List[Tuple[str, str, str]]:
    """Login, role and password of the demo's staff."""
    return [(login, role, demo_password(secret, login)) for login, (_, role) in DEMO.items()]


def add_demo_staff(session: Session, secret: str) -> int:
    """One invented person of each role, where there is none yet; how many were added."""
    added = 0
    for login, (name, role) in DEMO.items():
        if find(session, login) is None:
            add(session, login, name, role, demo_password(secret, login))
            added += 1
    return added
