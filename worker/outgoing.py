"""A guarded way out: requests to addresses that a person typed in, never into a private network.

The host is looked up once, every address it has is checked, and the connection goes to exactly
the one checked (a name may lead elsewhere the next moment). TLS still checks the name. Redirects
are not followed; of the answer only its status counts.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any, Dict, List, NamedTuple, Tuple
from urllib.parse import SplitResult, urlsplit

import certifi
import urllib3

from clinic.settings import is_loopback
from clinic.webhooks import WebhookError, check_url

CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0


class Forbidden(Exception):
    """The address leads where nothing of ours may go; the message is a code."""


class Outcome(NamedTuple):
    """What became of a request: whether it was taken (2xx), and a code for the record."""

    good: bool
    answer: str


def post(url: str, body: bytes, headers: Dict[str, str]) -> Outcome:
    """POST `body` to `url`; whatever goes wrong is an outcome, not an exception."""
    try:
        check_url(url)
        parts = urlsplit(url)
        pool, host = _pool(parts)
    except (WebhookError, Forbidden, ValueError):
        return Outcome(False, "forbidden address")
    except OSError:
        return Outcome(False, "host not found")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with pool:
            answer = pool.urlopen(
                "POST",
                path,
                body=body,
                headers={**headers, "Host": host},
                retries=False,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
            )
            status = int(answer.status)
            answer.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return Outcome(False, type(error).__name__)
    return Outcome(200 <= status < 300, str(status))


def addresses(host: str, port: int) -> List[str]:
    """Every address of `host`; raises `Forbidden` if one of them is not for us.

    Raises:
        Forbidden: if it leads into a private network, to this machine by a public name, or to no
            ordinary address.
        OSError: if there is no such host.
    """
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for one in found:
        address: Any = ipaddress.ip_address(one.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        # this machine only where it was named as such; elsewhere only the public internet
        fits = address.is_loopback if is_loopback(host) else _is_public(address)
        if not fits:
            raise Forbidden("address")
    return found


def _is_public(address: Any) -> bool:
    return bool(address.is_global and not address.is_multicast and not address.is_reserved)


def _pool(parts: SplitResult) -> Tuple[Any, str]:
    host = str(parts.hostname)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = addresses(host, port)[0]
    if parts.scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, maxsize=1), parts.netloc
    pool = urllib3.HTTPSConnectionPool(
        address,
        port,
        maxsize=1,
        cert_reqs="CERT_REQUIRED",
        ca_certs=certifi.where(),
        assert_hostname=host,
        server_hostname=host,
    )
    return pool, parts.netloc
