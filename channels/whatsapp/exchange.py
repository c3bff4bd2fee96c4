"""One HTTP exchange with the Graph API, told as a value: what came back, or what went wrong.

Nothing here raises for the network, so no exception of `requests` (they carry addresses and
bodies) can reach a log or a caller.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

_CHUNK = 64 * 1024
_LONGEST_REPLY = 4 * 1024 * 1024
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Reply:
    """A complete HTTP response."""

    status: int
    content: bytes = field(repr=False)
    mime_type: str | None = None


@dataclass(frozen=True)
class Failure:
    """No complete response. `sent` is False only where the request cannot have left.

    `why` is a short word for a log: `connect`, `certificate`, `timeout`, `broken`, `too_large`.
    """

    sent: bool
    why: str


def checked_base_url(url: str) -> str:
    """`url` without a trailing slash, if a token may be sent there.

    Raises:
        ValueError: with one sentence for the operator.
    """
    rule = (
        "The Graph URL must be https://host[/path]; "
        "plain http is allowed only on this machine (127.0.0.1, ::1 or localhost)."
    )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(rule) from None
    local = parts.scheme == "http" and is_loopback(host)
    if not host or not (parts.scheme == "https" or local):
        raise ValueError(rule)
    if parts.username is not None or parts.query or parts.fragment or re.search(r"\s", url):
        raise ValueError(rule)
    return url.rstrip("/")


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address can only be this machine."""
    if not host:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class _Bearer(AuthBase):
    """The token as `requests` authentication, which a netrc file cannot replace."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Exchange:
    """Pooled connections with a token; safe to share between threads.

    No retries, no redirects (a redirect would carry the token elsewhere), no cookies.
    `timeout` is (seconds to connect and to write the request, seconds between two bytes of the
    answer).

    Raises:
        ValueError: if the token could not travel in a header.
    """

    def __init__(
        self, token: str, timeout: tuple[float, float], pool: int, use_proxies: bool
    ) -> None:
        if not _TOKEN.fullmatch(token):
            raise ValueError("The access token is empty or has characters no token has.")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.auth = _Bearer(token)
        self._session.trust_env = use_proxies
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._forms: dict[str, tuple[requests.PreparedRequest, Any]] = {}
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=pool, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def close(self) -> None:
        """Closes idle connections."""
        self._session.close()

    def request(
        self, method: str, url: str, max_bytes: int = _LONGEST_REPLY, **arguments: Any
    ) -> Reply | Failure:
        """One request and its complete answer of at most `max_bytes` bytes.

        `arguments` are those of `requests`, such as `data`, `files`, `params` and `timeout`.
        """
        arguments.setdefault("timeout", self._timeout)
        kept = {"allow_redirects": False, "stream": True, **arguments}
        return _guarded(lambda: _read(self._session.request(method, url, **kept), max_bytes))

    def post_json(self, url: str, content: bytes) -> Reply | Failure:
        """POST JSON and have the complete answer, with a third less work than `request`.

        What `requests` makes of an address, headers and the environment is the same every time, so
        it is asked once for each `url`.
        """
        return _guarded(lambda: self._post_json(url, content))

    def _post_json(self, url: str, content: bytes) -> Reply | Failure:
        if url not in self._forms:
            headers = {"Content-Type": "application/json"}
            form = self._session.prepare_request(requests.Request("POST", url, headers=headers))
            kept = self._session.merge_environment_settings(url, {}, True, None, None)
            self._forms[url] = form, kept
        form, kept = self._forms[url]
        request = form.copy()
        request.prepare_body(content, None)
        response = self._session.send(request, allow_redirects=False, timeout=self._timeout, **kept)
        return _read(response, _LONGEST_REPLY)


def _read(response: requests.Response, max_bytes: int) -> Reply | Failure:
    with response:
        content = bytearray()
        for chunk in response.iter_content(_CHUNK):
            content += chunk
            if len(content) > max_bytes:
                return Failure(sent=True, why="too_large")
        mime = response.headers.get("Content-Type", "").split(";")[0].strip()
        return Reply(response.status_code, bytes(content), mime or None)


def _guarded(exchange: Callable[[], Reply | Failure]) -> Reply | Failure:
    try:
        return exchange()
    except (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError):
        return Failure(sent=False, why="connect")
    except requests.exceptions.Timeout:
        return Failure(sent=True, why="timeout")
    except (OSError, HTTPException, urllib3.exceptions.HTTPError) as error:
        return _failure_of(error)


def _failure_of(error: BaseException) -> Failure:
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return Failure(sent=False, why="certificate")
    # Name resolution and refused connections are both a NewConnectionError: nothing went out.
    if any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes):
        return Failure(sent=False, why="connect")
    if any(isinstance(cause, urllib3.exceptions.TimeoutError) for cause in causes):
        return Failure(sent=True, why="timeout")
    return Failure(sent=True, why="broken")


def _causes(error: BaseException, depth: int = 0) -> Iterator[BaseException]:
    """The error and what is inside it: libraries nest them in arguments and in `reason`."""
    yield error
    if depth < 8:
        inside = [*error.args, getattr(error, "reason", None), error.__cause__]
        for inner in inside:
            if isinstance(inner, BaseException):
                yield from _causes(inner, depth + 1)
