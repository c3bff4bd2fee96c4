"""Looking at what was sent; the chat page's own JSON; health; bounds."""

from __future__ import annotations

import io
import threading
import time
from typing import Any, Callable

import pytest

from channels.simulator import SimulatorConfig

ASHA = "+919000000101"


def test_sent_waits_for_the_next_message(bench: Any) -> None:
    bench.writes()
    bench.sent_ok("first")
    last = bench.look("sent")["last"]
    threading.Timer(0.2, bench.sent_ok, ("second",)).start()

    started = time.monotonic()
    found = bench.look(f"sent?to=%2B919000000101&after={last}&wait=5")

    assert [item["body"]["text"]["body"] for item in found["items"]] == ["second"]
    assert 0.1 < time.monotonic() - started < 4
    assert bench.look(f"sent?after={found['last']}&wait=0.05")["items"] == []


def test_sent_is_kept_apart_by_recipient(bench: Any) -> None:
    bench.writes()
    bench.control("inbound", bsuid="IN.42", name="Meera", text="hi")
    bench.sent_ok("to Asha")
    bench.post({"messaging_product": "whatsapp", "recipient": "IN.42", "text": {"body": "to M"}})
    assert [i["seq"] for i in bench.look("sent?to=919000000101")["items"]] == [1]
    assert [i["seq"] for i in bench.look("sent?to=IN.42")["items"]] == [2]
    assert bench.look("sent?to=%2B919000000999")["items"] == []


def test_marking_as_read_and_typing(bench: Any) -> None:
    earlier = bench.writes("one")
    wamid = bench.writes("two")
    bench.post(
        {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": wamid,
            "typing_indicator": {"type": "text"},
        }
    )
    updates = bench.client.get("/phone/updates?contact=%2B919000000101").get_json()
    assert updates["typing"] is True
    assert {b["wamid"]: b["status"] for b in updates["bubbles"]} == {earlier: "read", wamid: "read"}
    assert bench.look("receipts")["items"][0]["message_id"] == wamid
    assert bench.look("sent")["items"] == [], "a read receipt is not a message"
    bench.sent_ok("answer")
    updates = bench.client.get("/phone/updates?contact=%2B919000000101").get_json()
    assert updates["typing"] is False, "the answer ends the typing"


def test_typing_ends_by_itself(bench: Any) -> None:
    wamid = bench.writes()
    body = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    bench.post({**body, "typing_indicator": {"type": "text"}})
    bench.control("clock", shift_seconds=26)
    updates = bench.client.get("/phone/updates?contact=%2B919000000101").get_json()
    assert updates["typing"] is False


def test_reset_forgets_everything_but_the_demo_patients(bench: Any, clinic: Any) -> None:
    bench.writes(phone="+919000000150")
    bench.sent_ok(to="+919000000150")
    bench.control("failures", kind="http_500")
    bench.control("clock", shift_seconds=99)
    bench.control("reset")
    state = bench.look("state")
    assert (state["sent"], state["bubbles"], state["clock_offset"]) == (0, 0, 0.0)
    assert state["mischief"] == {"failures": [], "statuses": []}
    assert state["contacts_used_last"][0]["name"] == "Asha Verma"
    assert len(state["contacts_used_last"]) == 5


def test_memory_is_bounded(make_bench: Callable[..., Any]) -> None:
    bench = make_bench(transcript_limit=20, contact_limit=10, media_limit=3, pair_seconds=0)
    for number in range(30):
        bench.writes(phone=f"+9190000003{number:02d}")
        bench.control("inbound", **{"from": f"+9190000003{number:02d}", "media": {"kind": "image"}})
    state = bench.look("state")
    assert state["contacts"] == 10
    assert state["bubbles"] <= 20
    assert state["media"]["files"] == 3
    phones = {c["phone"] for c in state["contacts_used_last"]}
    assert "+919000000329" in phones, "the newest are kept"


def test_page_lists_patients_and_adds_one(bench: Any) -> None:
    page = bench.client.get("/")
    assert page.status_code == 200
    assert "Sandhi Physiotherapy" in page.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    added = bench.client.post("/phone/contacts", json={"name": "Nisha", "phone": "90000 00105"})
    assert added.get_json()["phone"] == "+919000000105"
    unnumbered = bench.client.post("/phone/contacts", json={"name": "Om"}).get_json()
    assert unnumbered["phone"] is None
    assert unnumbered["bsuid"].startswith("IN.")
    names = [c["name"] for c in bench.client.get("/phone/contacts").get_json()["items"]]
    assert names[:2] == ["Om", "Nisha"]
    for wrong in ({"phone": "90000 00105"}, {"name": "X", "phone": "12"}):
        assert bench.client.post("/phone/contacts", json=wrong).status_code == 400


@pytest.mark.parametrize("name", ["page.css", "bubbles.css", "bubbles.js", "phone.js", "icon.svg"])
def test_page_brings_its_own_files(bench: Any, name: str) -> None:
    answer = bench.client.get(f"/static/{name}")
    assert answer.status_code == 200
    remote = [w for w in answer.text.split() if "http" in w and "w3.org/2000/svg" not in w]
    assert not any("://" in word and "(https?" not in word for word in remote), remote


def test_page_hears_only_what_is_new(bench: Any) -> None:
    bench.writes("one")
    bench.idle()
    first = bench.client.get("/phone/updates?contact=%2B919000000101").get_json()
    bench.writes("two")
    query = f"/phone/updates?contact=%2B919000000101&after={first['revision']}"
    second = bench.client.get(query).get_json()
    assert [b["content"]["text"]["body"] for b in second["bubbles"]] == ["two"]
    bench.control("reset")
    third = bench.client.get(query).get_json()
    assert (third["reset"], third["bubbles"]) == (True, [])
    assert bench.client.get("/phone/updates?contact=nobody").status_code == 404


def test_page_sends_files_and_shows_them(bench: Any, clinic: Any) -> None:
    form = {"from": ASHA, "file": (io.BytesIO(b"\x89PNG..."), "knee.png", "image/png")}
    answer = bench.client.post("/phone/upload", data=form)
    assert answer.status_code == 200, answer.text
    part = clinic.wait("messages", 1)[0]["image"]
    shown = bench.client.get(f"/phone/media/{part['id']}")
    assert (shown.data, shown.mimetype) == (b"\x89PNG...", "image/png")
    assert bench.client.get("/phone/media/1").status_code == 404
    form = {"from": ASHA, "file": (io.BytesIO(b"<script>"), "a.html", "text/html")}
    bench.client.post("/phone/upload", data=form)
    part = clinic.wait("messages", 2)[1]["document"]
    page = bench.client.get(f"/phone/media/{part['id']}")
    assert page.headers["Content-Disposition"] == "attachment", "never shown as a page"


def test_inbox_link_is_a_web_address_or_absent(make_bench: Callable[..., Any]) -> None:
    linked = make_bench(inbox_url="http://127.0.0.1:8000/").client.get("/").text
    assert 'href="http://127.0.0.1:8000/"' in linked
    assert "Open the inbox" not in make_bench(inbox_url="javascript:alert(1)").client.get("/").text


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health(bench: Any, path: str) -> None:
    assert bench.client.get(path).get_json() == {"status": "ok"}


def test_settings_come_from_the_environment() -> None:
    config = SimulatorConfig.from_env(
        {
            "SIMULATOR_PORT": "9000",
            "WHATSAPP_APP_SECRET": "s",
            "SIMULATOR_WEBHOOK_URL": "http://127.0.0.1:1/x",
            "WHATSAPP_ACCESS_TOKEN": "",
        }
    )
    assert (config.port, config.app_secret) == (9000, "s")
    assert config.webhook_url == "http://127.0.0.1:1/x"
    assert config.access_token == SimulatorConfig().access_token, "empty means default"
    with pytest.raises(ValueError, match="port"):
        SimulatorConfig.from_env({"SIMULATOR_PORT": "port"})
