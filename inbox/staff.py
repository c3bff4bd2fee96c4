"""Who is signed in: a display name and proof of having known the inbox's token."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Optional

from flask import Flask, redirect, request, url_for
from flask_login import LoginManager, UserMixin, current_user

from inbox.errors import Refusal
from inbox.house import House

SIGNED_OUT = "You are signed out. Sign in again; an unsent draft is kept in this tab."


class Staff(UserMixin):  # type: ignore[misc]
    """A person at the front desk, known by a display name."""

    def __init__(self, name: str, proof: str) -> None:
        self.name = name
        self.proof = proof

    def get_id(self) -> str:
        """What the session cookie keeps: a proof of the token and the name, never the token."""
        return f"{self.proof}:{self.name}"


def proof_of(token: str, secret: str) -> str:
    """A keyed hash of the token, so that whoever changes the token signs everybody out."""
    return hmac.new(
        secret.encode(), b"inbox token\x00" + token.encode(), hashlib.sha256
    ).hexdigest()


def me() -> str:
    """The name of whoever is signed in."""
    return str(current_user.name)


def install(app: Flask, house: House) -> None:
    """Let `app` know who is signed in."""
    manager = LoginManager(app)
    manager.session_protection = "basic"
    expected = proof_of(house.api_token, str(app.secret_key)) if house.api_token else ""

    @manager.user_loader  # type: ignore[untyped-decorator]
    def _load(stored: str) -> Optional[Staff]:
        proof, _, name = stored.partition(":")
        genuine = bool(expected) and hmac.compare_digest(proof, expected)
        return Staff(name, proof) if genuine and name else None

    @manager.unauthorized_handler  # type: ignore[untyped-decorator]
    def _send_to_sign_in() -> Any:
        if request.path.startswith("/live/"):
            raise Refusal(401, "signed_out", SIGNED_OUT)
        wanted = request.path if request.method == "GET" else None
        return redirect(url_for("sign_in.form", next=wanted))
