"""Patients' words, names and numbers are in no log, at debug level too, and in no file as such."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set

import pytest

from clinic.crypto import new_key
from tests.house import READY_WITHIN, House, Patient, eventually

pytestmark = pytest.mark.processes

PHONE = "+919876012345"
NAME = "Chandrashekhar Venkataraghavan"
PROFILE = "Xanthippe Profilwort"
WORDS = (
    "my grandmother's marmalade orchestra, where can I park my car?",
    "गाड़ी की पार्किंग कहाँ है, झुनझुनवाला हिमालय?",
    "kal shaam ko slot milega kya, gulabjamunwala?",
    "my elbow hurts like a velociraptor's bite",
    "are you there, kaleidoscope?",
)
FAILING = "please book flibbertigibbet appointment"
STAFF = "Rumpelstiltskin here, I will call you about your elbow"
DISTINCT = (
    "marmalade",
    "झुनझुनवाला",
    "gulabjamunwala",
    "velociraptor",
    "kaleidoscope",
    "flibbertigibbet",
    "Rumpelstiltskin",
    "Venkataraghavan",
    "Xanthippe",
    PHONE[1:],
    PHONE[3:],
)


def live_through_everything(house: House) -> List[str]:
    """One patient's conversation with all that can fail; the wamids that were on the wire."""
    mina = house.patient(PHONE, PROFILE)
    mina.writes(WORDS[0])
    mina.writes(WORDS[1])
    mina.writes("I want to book an appointment")
    mina.taps("Knee")
    mina.taps(mina.taps("Soonest").titles[0])
    assert NAME in mina.writes(NAME)
    mina.taps("Yes, book it")
    mina.writes(WORDS[2])
    mina.sends(media={"kind": "image", "caption": WORDS[4]})
    hand_back_with_words(house, mina)
    # an action that raises
    house.stop("actions")
    house.start_ready("actions", SANDHI_ENCRYPTION_KEYS=new_key())
    mina.writes(FAILING)
    if mina.handoff() is None:
        mina.writes("show my appointments")
    assert mina.handoff() == "failure"
    hand_back_with_words(house, mina)
    house.stop("actions")
    house.start_ready("actions")
    # a worker that cannot send
    house.control("failures", kind="error_code", code=100, match={"to": PHONE})
    mina.says(WORDS[0])
    assert eventually(lambda: mina.handoff() == "failure")
    hand_back_with_words(house, mina)
    # no model
    house.stop("assistant")
    house.start("assistant", SANDHI_MODEL="/nowhere")
    mina.says(WORDS[2])
    assert eventually(lambda: mina.handoff() == "failure", within=READY_WITHIN)
    hand_back_with_words(house, mina)
    house.stop("assistant")
    house.start_ready("assistant")
    mina.writes(WORDS[3])
    # what cannot be read
    house.control("webhook", body={"entry": [{"changes": [{"value": {"messages": list(WORDS)}}]}]})
    house.control("webhook", raw='{"broken": "' + WORDS[3])
    return [*wamids_of_sent(mina), *wamids_in(house)]


def hand_back_with_words(house: House, person: Patient) -> None:
    before = person.texts().count(STAFF)

    def told() -> bool:
        """Both have come: the words of staff, and after them that the assistant is back."""
        texts = person.texts()
        return texts.count(STAFF) > before and texts[-1] != STAFF

    listed = house.api("GET", "/handoffs?status=open&limit=100")["items"]
    handoff = next(item for item in listed if item["phone"] == person.phone)
    house.api("POST", f"/handoffs/{handoff['id']}/claim", {"staff": "Neha"})
    messages = f"/conversations/{handoff['contact_id']}/messages"
    house.api("POST", messages, {"text": STAFF})
    house.api("GET", messages)
    resolved = {"hand_back": True, "outcome": "called", "staff": "Neha"}
    house.api("POST", f"/handoffs/{handoff['id']}/resolve", resolved)
    assert eventually(told)


def wamids_of_sent(person: Patient) -> List[str]:
    return [message["wamid"] for message in person.sent()]


def wamids_in(house: House) -> List[str]:
    receipts = house.simulated("receipts")
    return [item["message_id"] for item in receipts["items"] if item["to"] == PHONE]


def disguises(word: str) -> Set[bytes]:
    """A word as it may stand in a file: as it is, escaped, in UTF-16, in base64 and hex."""
    raw = word.encode()
    found = {
        raw,
        json.dumps(word)[1:-1].encode(),
        word.encode("utf-16-le"),
        word.encode("unicode_escape"),
        raw.hex().encode(),
    }
    for lead in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(b"\x00" * lead + raw)
            # the first and the last characters depend on the neighbours
            found.add(whole[(0, 2, 3)[lead] : len(whole) // 4 * 4 - 4])
    return {item for item in found if len(item) >= 6}


def finds(folder: Path, words: List[str]) -> Iterator[str]:
    wanted: Dict[bytes, str] = {look: word for word in words for look in disguises(word)}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        lowered = content.lower()
        for look, word in wanted.items():
            if look in content or look.lower() in lowered:
                yield f"{file.name} holds {look!r}, which is {word!r}"


def test_the_search_finds_what_it_is_to_find(tmp_path: Path) -> None:
    lines: Dict[str, Any] = {
        "plain": b"text=marmalade",
        "escaped": json.dumps({"text": "झुनझुनवाला"}).encode(),
        "wamid": base64.b64encode(b"HBgM" + PHONE[1:].encode() + b"FQIAEhgU"),
        "shifted": base64.b64encode(b"x: marmalade :x"),
        "upper": b"MARMALADE",
    }
    for name, content in lines.items():
        (tmp_path / name).write_bytes(content)
        assert list(finds(tmp_path, list(DISTINCT))), name
        (tmp_path / name).unlink()
    (tmp_path / "clean").write_bytes(b"turn message=4 contact=1 outcome=answered")
    assert list(finds(tmp_path, list(DISTINCT))) == []


def test_no_log_and_no_file_holds_words_names_or_numbers(house: House) -> None:
    wamids = live_through_everything(house)
    assert len(wamids) > 8
    words = [*DISTINCT, *(wamid.partition(".")[2] for wamid in wamids)]
    assert all(len(word) > 6 for word in words)
    logs = {name: house.log(name) for name in house.running}
    assert all(len(log) > 200 for name, log in logs.items() if name != "simulator"), "empty logs"
    assert " debug " in logs["assistant"]
    assert list(finds(house.folder, words)) == []
