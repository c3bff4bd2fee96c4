"""Headers that every answer carries."""

from __future__ import annotations

from flask import Flask, Response, request

# nothing from elsewhere, nothing inline, nobody's frame
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
YEAR_SECONDS = 31_536_000


def install(app: Flask) -> None:
    """Add the headers to every answer of `app`."""
    app.after_request(_harden)


def _harden(response: Response) -> Response:
    for name, value in HEADERS.items():
        # a file from WhatsApp comes with a policy of its own, which is stricter
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        # patients' words must not stay in a browser's or a proxy's cache
        response.headers["Cache-Control"] = "no-store"
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={YEAR_SECONDS}"
    return response
