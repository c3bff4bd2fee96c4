"""The Graph client against real sockets on loopback: where it may speak, and how lines break."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from channels.whatsapp.errors import Verdict
from channels.whatsapp.graph import Accepted, GraphClient, Refused, Unknown

TOKEN = "EAAinventedtoken"
BODY = {"messaging_product": "whatsapp", "biz_opaque_callback_data": "outbox-17"}
TAKEN = json.dumps({"messages": [{"id": "wamid.A"}]}).encode()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(TAKEN), TAKEN)

Serve = Callable[..., GraphClient]


@pytest.fixture()
def serve() -> Iterator[Serve]:
    """`serve(behave)`: a client of a server that does `behave` with each connection.

    The client waits `patience` seconds for an answer.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    clients = []

    def start(behave: Callable[[socket.socket], None], patience: float = 10.0) -> GraphClient:
        def loop() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    behave(connection)

        threading.Thread(target=loop, daemon=True).start()
        port = listener.getsockname()[1]
        client = GraphClient(
            f"http://127.0.0.1:{port}", "v21.0", "1", TOKEN, timeout=(10.0, patience)
        )
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.close()
    listener.close()


def read_request(connection: socket.socket) -> bytes:
    """One whole request with its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    [length] = [
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    ]
    while len(body) < length:
        body += connection.recv(65536)
    return head


def test_sent(serve: Serve) -> None:
    heads = []

    def answer(connection: socket.socket) -> None:
        heads.append(read_request(connection))
        connection.sendall(OK)

    assert serve(answer).send(BODY) == Accepted("wamid.A")
    assert heads[0].startswith(b"POST /v21.0/1/messages HTTP/1.1")
    assert b"Authorization: Bearer EAAinventedtoken" in heads[0]


def test_an_idle_connection_that_meta_closed_is_not_mistaken_for_a_broken_send(
    serve: Serve,
) -> None:
    """Each connection is closed after one answer; the next send opens another."""

    def answer_once(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(OK)
        connection.shutdown(socket.SHUT_RDWR)

    client = serve(answer_once)
    for _ in range(3):
        assert client.send(BODY) == Accepted("wamid.A")
        threading.Event().wait(0.05)


def test_no_answer_in_time_is_unknown(serve: Serve) -> None:
    def silence(connection: socket.socket) -> None:
        read_request(connection)
        threading.Event().wait(0.6)

    assert serve(silence, patience=0.2).send(BODY) == Unknown("timeout")


def test_a_line_cut_after_the_request_is_unknown(serve: Serve) -> None:
    def hang_up(connection: socket.socket) -> None:
        read_request(connection)

    assert serve(hang_up).send(BODY) == Unknown("broken")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + TAKEN,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"\x00\x01 not http at all\r\n\r\n",
    ],
    ids=["cut-short", "cut-chunk", "bad-gzip", "not-http"],
)
def test_a_half_answer_is_unknown(serve: Serve, answer: bytes) -> None:
    def half(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)

    assert serve(half).send(BODY) == Unknown("broken")


def test_nobody_listening_is_certainly_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = GraphClient(f"http://127.0.0.1:{port}", "v21.0", "1", TOKEN)
    assert client.send(BODY) == Refused(Verdict.RETRY, title="connect")


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    def answer(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(OK)

    assert serve(answer).send(BODY) == Accepted("wamid.A")


@pytest.mark.parametrize(
    "url",
    [
        "https://graph.facebook.com",
        "https://graph.facebook.com/",
        "https://gateway.example:8443/graph",
        "http://127.0.0.1:8010",
        "http://127.1.2.3",
        "http://localhost:8010",
        "http://[::1]:8010",
    ],
)
def test_where_a_token_may_be_sent(url: str) -> None:
    GraphClient(url, "v21.0", "1", TOKEN).close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "graph.facebook.com",
        "http://graph.facebook.com",
        "http://10.0.0.5",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://0.0.0.0:8010",
        "ftp://127.0.0.1",
        "https://",
        "https://user:password@graph.example",
        "https://graph.example?x=1",
        "https://graph.example#x",
        "https://graph.example:port",
        "https://[::1",
        "https://graph .example",
    ],
)
def test_where_it_may_not(url: str) -> None:
    with pytest.raises(ValueError, match="plain http is allowed only on this machine"):
        GraphClient(url, "v21.0", "1", TOKEN)


@pytest.mark.parametrize(
    ("version", "number_id", "token", "reason"),
    [
        ("21.0", "1", TOKEN, "version"),
        ("v21", "1", TOKEN, "version"),
        ("v21.0/..", "1", TOKEN, "version"),
        ("v21.0", "", TOKEN, "phone number id"),
        ("v21.0", "1/../2", TOKEN, "phone number id"),
        ("v21.0", "1", "", "token"),
        ("v21.0", "1", "EAA secret\n", "token"),
        ("v21.0", "1", "EAAसecret", "token"),
    ],
)
def test_other_settings(version: str, number_id: str, token: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        GraphClient("https://graph.example", version, number_id, token)
    assert "secret" not in str(caught.value)
    assert "EAA" not in repr(GraphClient("https://graph.example", "v21.0", "1", TOKEN))
