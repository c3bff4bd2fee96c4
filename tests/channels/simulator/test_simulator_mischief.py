"""Failures and odd statuses that tests of the clinic's side can order."""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, Iterator

import pytest
import requests
from werkzeug.serving import make_server

ASHA = "+919000000101"


@pytest.fixture
def served(bench: Any) -> Iterator[Callable[..., requests.Response]]:
    """Sends a text over a real socket to the simulator of `bench`."""
    server = make_server("127.0.0.1", 0, bench.app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def send(timeout: float = 5.0) -> requests.Response:
        return requests.post(
            f"http://127.0.0.1:{server.server_port}{bench.path}/messages",
            json={"messaging_product": "whatsapp", "to": ASHA, "text": {"body": "hi"}},
            headers=bench.auth,
            timeout=timeout,
        )

    yield send
    bench.simulator.closing.set()
    server.shutdown()


@pytest.mark.parametrize(
    ("order", "http_status", "code"),
    [
        ({"kind": "http_500"}, 500, 1),
        ({"kind": "http_429"}, 429, 80007),
        ({"kind": "error_code", "code": 131049}, 400, 131049),
        ({"kind": "error_code", "code": 131016}, 503, 131016),
        ({"kind": "error_code", "code": 190}, 401, 190),
        ({"kind": "error_code", "code": 424242}, 400, 424242),
    ],
)
def test_a_request_fails_as_often_as_ordered(
    bench: Any, order: Any, http_status: int, code: int
) -> None:
    bench.writes()
    bench.control("failures", times=2, **order)
    answers = [bench.send("text", {"body": "hi"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [http_status, http_status, 200]
    assert answers[0].get_json()["error"]["code"] == code
    assert len(bench.look("sent")["items"]) == 1


def test_a_failure_hits_only_whom_it_matches(bench: Any) -> None:
    bench.writes()
    bench.writes(phone="+919000000102")
    bench.control("failures", kind="http_500", match={"to": "+919000000102"})
    assert bench.send("text", {"body": "hi"}).status_code == 200
    assert bench.send("text", {"body": "hi"}, to="919000000102").status_code == 500


def test_an_answer_lost_after_acceptance(bench: Any, clinic: Any, served: Any) -> None:
    bench.writes()
    bench.control("failures", kind="timeout_after_accept", seconds=3)
    with pytest.raises(requests.ReadTimeout):
        served(timeout=0.3)
    assert len(bench.look("sent?wait=1")["items"]) == 1, "the message went out all the same"
    assert clinic.wait("statuses", 3)[0]["status"] == "sent"


@pytest.mark.parametrize("accepted", [False, True])
def test_a_dropped_connection(bench: Any, served: Any, accepted: bool) -> None:
    bench.writes()
    bench.control("failures", kind="drop_connection", accepted=accepted)
    with pytest.raises(requests.ConnectionError):
        served()
    assert len(bench.look("sent")["items"]) == int(accepted)
    assert served().status_code == 200


def test_a_500_after_acceptance(bench: Any) -> None:
    bench.writes()
    bench.control("failures", kind="http_500", accepted=True)
    assert bench.send("text", {"body": "hi"}).status_code == 500
    assert len(bench.look("sent")["items"]) == 1


def test_a_slow_answer_is_still_an_answer(bench: Any) -> None:
    bench.writes()
    bench.control("failures", kind="slow", seconds=0.2)
    started = time.monotonic()
    assert bench.send("text", {"body": "hi"}).status_code == 200
    assert time.monotonic() - started >= 0.2
    assert len(bench.look("sent")["items"]) == 1


def names(clinic: Any, count: int) -> Any:
    return [status["status"] for status in clinic.wait("statuses", count)]


def test_statuses_twice(bench: Any, clinic: Any) -> None:
    bench.writes()
    bench.control("statuses", action="duplicate")
    bench.sent_ok()
    assert names(clinic, 6) == ["sent", "sent", "delivered", "delivered", "read", "read"]


def test_statuses_in_the_wrong_order(bench: Any, clinic: Any) -> None:
    bench.writes()
    bench.control("statuses", action="reorder")
    bench.sent_ok()
    assert names(clinic, 3) == ["read", "delivered", "sent"]
    assert bench.look("sent")["items"][0]["status"] == "read", "the state only moves forward"


def test_delivered_left_out(bench: Any, clinic: Any) -> None:
    bench.writes()
    bench.control("statuses", action="skip", status="delivered")
    bench.sent_ok()
    assert names(clinic, 2) == ["sent", "read"]


def test_statuses_held_back_and_released(bench: Any, clinic: Any) -> None:
    bench.writes()
    bench.control("statuses", action="hold")
    bench.sent_ok()
    bench.idle()
    assert clinic.all("statuses") == []
    assert bench.control("statuses", action="release", reverse=True) == {"released": 3}
    assert names(clinic, 3) == ["read", "delivered", "sent"]


def test_a_delivery_that_fails(bench: Any, clinic: Any) -> None:
    bench.writes()
    bench.control("statuses", action="fail", code=131026, match={"to": ASHA})
    bench.sent_ok(biz_opaque_callback_data="outbox-9")
    status = clinic.wait("statuses", 1)[0]
    bench.idle()

    assert status["status"] == "failed"
    assert status["biz_opaque_callback_data"] == "outbox-9"
    assert "pricing" not in status
    error = status["errors"][0]
    assert (error["code"], error["title"]) == (131026, "Message undeliverable")
    assert error["error_data"] == {"details": "Message Undeliverable."}
    assert clinic.all("contacts")[-1] == {"wa_id": "919000000101"}, "sparse, without a profile"
    assert len(clinic.all("statuses")) == 1
    bench.sent_ok()
    assert names(clinic, 4)[1:] == ["sent", "delivered", "read"], "the order was for one message"


def test_a_status_by_hand(bench: Any, clinic: Any) -> None:
    bench.writes()
    wamid = bench.sent_ok()
    clinic.wait("statuses", 3)
    bench.control("statuses", action="send", wamid=wamid, status="played")
    assert names(clinic, 4)[-1] == "played"
    unknown = bench.client.post(
        "/control/statuses", json={"action": "send", "wamid": "wamid.no", "status": "read"}
    )
    assert unknown.status_code == 404


@pytest.mark.parametrize(
    ("verb", "order"),
    [
        ("inbound", {"text": "from nobody"}),
        ("inbound", {"from": "asha", "text": "hi"}),
        ("inbound", {"from": ASHA}),
        ("inbound", {"from": ASHA, "text": "a", "sticker": {}}),
        ("inbound", {"from": ASHA, "tap": {"id": "a"}}),
        ("inbound", {"from": ASHA, "media": {"kind": "hologram"}}),
        ("inbound", {"from": ASHA, "text": "a", "delay": "soon"}),
        ("failures", {"kind": "earthquake"}),
        ("failures", {"kind": "http_500", "colour": "red"}),
        ("statuses", {"action": "dance"}),
        ("settings", {"access_token": "x"}),
        ("batch", {"messages": []}),
    ],
)
def test_an_order_that_makes_no_sense_is_told_so(bench: Any, verb: str, order: Any) -> None:
    answer = bench.client.post(f"/control/{verb}", json=order)
    assert answer.status_code == 400
    assert answer.get_json()["error"]
