"""Believing a reverse proxy about who calls, if it is one of ours."""

from __future__ import annotations

import ipaddress
from typing import Any, Iterable, List

from werkzeug.middleware.proxy_fix import ProxyFix


class TrustedProxies:
    """WSGI: `X-Forwarded-For`, `-Proto` and `-Host` count only from the networks listed.

    One proxy is believed, the one that speaks to us: it sets the last entry itself.
    """

    def __init__(self, app: Any, networks: List[Any]) -> None:
        self._plain = app
        self._behind_a_proxy = ProxyFix(app, x_for=1, x_proto=1, x_host=1)
        self._networks = networks

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        """Answer as the application that fits the peer."""
        trusted = self._trusts(environ.get("REMOTE_ADDR", ""))
        answer = self._behind_a_proxy if trusted else self._plain
        return answer(environ, start_response)  # type: ignore[no-any-return]

    def _trusts(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._networks)
