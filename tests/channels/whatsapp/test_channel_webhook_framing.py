"""Requests that lie about their length: refused, and the server goes on answering others."""

from __future__ import annotations

import socket

import pytest

from tests.channels.webhook_server import PATH, Server, text_message

FRAMINGS = {
    "a negative length": "Content-Length: -5",
    "a length in words": "Content-Length: five",
    "no length at all": "Content-Length: ",
    "a length with a sign": "Content-Length: +5",
    "a length in other digits": "Content-Length: ५",
    "a length beyond counting": "Content-Length: " + "9" * 400,
    "two lengths": "Content-Length: 3\r\nContent-Length: 5",
    "a length and chunks": "Content-Length: 3\r\nTransfer-Encoding: chunked",
    "an unknown coding": "Transfer-Encoding: gzip",
    "two codings": "Transfer-Encoding: gzip, chunked",
}


def raw_answer(server: Server, head: str, rest: bytes = b"abc") -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as peer:
        peer.sendall(f"{head}\r\n\r\n".encode() + rest)
        return peer.recv(64)


@pytest.mark.parametrize("framing", FRAMINGS.values(), ids=FRAMINGS)
@pytest.mark.parametrize("start", [f"POST {PATH}", "GET /webhooks/whatsapp/"])
def test_is_refused_and_the_next_is_answered(server, webhook, start, framing):
    answer = raw_answer(server, f"{start} HTTP/1.1\r\nHost: x\r\n{framing}")
    assert answer.startswith(b"HTTP/1.1 400")
    assert server.post(webhook(messages=[text_message(1)])) == 200


@pytest.mark.parametrize("rest", [b"zz\r\nabc", b"-5\r\nabc", b"5" * 100])
def test_chunks_without_a_size_are_refused_and_the_next_is_answered(server, webhook, rest):
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked"
    assert raw_answer(server, head, rest).startswith(b"HTTP/1.1 400")
    assert server.post(webhook(messages=[text_message(1)])) == 200
