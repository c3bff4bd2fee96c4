"""The inbox as a Flask application."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Optional

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect

from clinic.audit import serving
from clinic.database import Database, database
from clinic.settings import SettingsError, settings
from clinic.texts import Texts
from inbox import api, errors, language, pages, proxies, security, staff, words
from inbox.access import alike, sight
from inbox.access.viewer import allowed
from inbox.files import LARGEST_UPLOAD, FileLine, NoFiles
from inbox.health import health
from inbox.hooks.chatwoot import hooks
from inbox.house import KEY, FixedTexts, House
from inbox.limits import limiter

LARGEST_BODY = 64 * 1024
# the forms that carry a file, with room for the form around it
WITH_FILE = ("replies.reply", "canned.save", "exercises.write", "exercises.change")
DOMAIN = Path(__file__).resolve().parents[1] / "domain"


class _Cookies(SecureCookieSessionInterface):
    """The session cookie goes over https only, except where the server itself speaks http."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def create_app(
    db: Optional[Database] = None,
    texts: Optional[FixedTexts] = None,
    files: Optional[FileLine] = None,
) -> Flask:
    """Build the application; nothing is read from the database before the first request.

    Args:
        db: the clinic database; by default the one that DATABASE_URL names.
        texts: the fixed texts for patients; by default those of the assistant's domain.
        files: the way to WhatsApp's files; without one, files are neither shown nor sent.

    Raises:
        SettingsError: if SANDHI_SECRET_KEY or INBOX_API_TOKEN is not set.
        FileNotFoundError: if there is no domain to read the texts from.
    """
    secrets = settings()
    for name, value in (
        ("SANDHI_SECRET_KEY", secrets.secret_key),
        ("INBOX_API_TOKEN", secrets.inbox_api_token),
    ):
        if not value:
            raise SettingsError(f"{name} is not set: run `sandhi keys` and put it into .env.")
    app = Flask(__name__)
    # a key of its own, so that a cookie is never valid as anything else signed with the secret
    app.secret_key = hashlib.sha256(b"sandhi inbox\x00" + secrets.secret_key.encode()).hexdigest()
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_BODY,
        PERMANENT_SESSION_LIFETIME=staff.session_lifetime(),
        SESSION_COOKIE_NAME="sandhi_inbox",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # written when something in it changes, as it does with use: a page that asks by itself
        # changes nothing
        SESSION_REFRESH_EACH_REQUEST=False,
        # as long as the session: a page left open over lunch must still send its draft
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.session_interface = _Cookies()
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    house = House(
        db or database(),
        texts or Texts.load(DOMAIN),
        secrets.inbox_api_token,
        files or NoFiles(),
    )
    app.extensions[KEY] = house
    _install(app, house)
    networks = secrets.trusted_networks()
    if networks:
        app.wsgi_app = proxies.TrustedProxies(app.wsgi_app, networks)  # type: ignore[method-assign]
    return app


def _install(app: Flask, house: House) -> None:
    errors.install(app)
    security.install(app)
    # before anything reads the form
    app.before_request(_let_files_in)
    csrf = CSRFProtect(app)
    limiter.init_app(app)
    app.before_request(_from_where)
    app.teardown_request(_from_nowhere)
    staff.install(app, house)
    sight.install(app)
    alike.install(app)
    app.register_blueprint(health)
    for blueprint in api.blueprints():
        csrf.exempt(blueprint)
        app.register_blueprint(blueprint)
    csrf.exempt(hooks)
    app.register_blueprint(hooks)
    for blueprint in pages.blueprints():
        app.register_blueprint(blueprint)
    app.context_processor(_for_templates)
    app.url_defaults(_fresh_static(app))


def _from_where() -> None:
    serving(request.remote_addr)


def _from_nowhere(_error: Optional[BaseException]) -> None:
    # the thread serves somebody else next
    serving(None)


def _let_files_in() -> None:
    """Larger bodies only where a form carries a file; the file itself goes to disk, not memory."""
    if request.endpoint in WITH_FILE and request.mimetype == "multipart/form-data":
        request.max_content_length = LARGEST_UPLOAD + LARGEST_BODY


def _for_templates() -> Any:
    return {
        **words.for_templates(),
        "allowed": allowed,
        "t": language.t,
        "said": language.said,
        "ui_language": language.ui_language(),
        "UI_LANGUAGES": language.LANGUAGES,
    }


def _fresh_static(app: Flask) -> Any:
    """Name static files with a digest, so that a browser never mixes old and new."""
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in sorted(Path(str(app.static_folder)).iterdir())
    }

    def add(endpoint: str, values: Any) -> None:
        if endpoint == "static" and values.get("filename") in digests:
            values["v"] = digests[values["filename"]]

    return add
