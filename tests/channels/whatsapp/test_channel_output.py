"""Rasa's way out collects, never sends, never raises; ticks are a courtesy beside it."""

from __future__ import annotations

import threading

import pytest

from channels.turn import Turn, current_turn
from channels.whatsapp import receipts as receipts_module
from channels.whatsapp.output import WhatsAppOutput
from channels.whatsapp.receipts import Receipts
from clinic.bubbles import Choice, Choices, Media, Text


@pytest.fixture
def turn():
    turn = Turn(message_id=1, contact_id=2, language="en")
    token = current_turn.set(turn)
    yield turn
    current_turn.reset(token)


class TestOutput:
    @pytest.mark.parametrize(
        ("method", "given", "collected"),
        [
            ("send_text_message", "Hello", Text(text="Hello")),
            ("send_image_url", "https://e.org/a", Media(media="image", link="https://e.org/a")),
            ("send_attachment", "https://e.org/a", Media(media="document", link="https://e.org/a")),
            ("send_elements", [{"title": "A"}], Text(text="A")),
            (
                "send_custom_json",
                {"media": {"media": "audio", "id": "1"}},
                Media(media="audio", id="1"),
            ),
        ],
    )
    async def test_every_way_of_rasa_is_collected(self, turn, method, given, collected):
        await getattr(WhatsAppOutput(), method)("2", given)
        assert turn.bubbles == [collected]

    async def test_buttons_too(self, turn):
        buttons = [{"title": "Yes", "payload": "/affirm"}]
        await WhatsAppOutput().send_text_with_buttons("2", "Sure?", buttons)
        choice = Choice(title="Yes", payload="/affirm")
        assert turn.bubbles == [Choices(text="Sure?", choices=[choice])]

    async def test_long_texts_are_cut_to_what_whatsapp_takes(self, turn):
        await WhatsAppOutput().send_response("2", {"text": "word " * 2000})
        assert [len(b.text) <= 4096 for b in turn.bubbles] == [True] * 3

    @pytest.mark.parametrize(
        "response",
        [
            {"custom": {"no": 1}},
            {"custom": [1]},
            {"text": 7},
            {"buttons": [{}], "text": "x"},
            {"attachment": 5},
        ],
    )
    async def test_what_cannot_be_shown_fails_the_turn_and_raises_nothing(self, turn, response):
        await WhatsAppOutput().send_response("2", response)
        assert turn.failure == "response"

    async def test_the_first_failure_counts(self, turn):
        turn.fail("action")
        await WhatsAppOutput().send_response("2", {"custom": {"no": 1}})
        assert turn.failure == "action"

    async def test_outside_of_a_turn_nothing_is_raised(self):
        await WhatsAppOutput().send_response("2", {"text": "Hello"})


class Graph:
    """A Graph client that notes what it is asked for."""

    def __init__(self) -> None:
        self.ticks: list[str] = []
        self.fails = False
        self.go_on = threading.Event()
        self.go_on.set()

    def mark_read(self, body):
        self.go_on.wait(10)
        self.ticks.append(body["message_id"])
        if self.fails:
            raise RuntimeError("Graph is away")


class TestReceipts:
    def test_are_sent_from_a_thread_of_their_own(self, until):
        graph = Graph()
        receipts = Receipts(graph)
        receipts.start()
        receipts.read("wamid.1")
        receipts.read("wamid.2")
        until(lambda: graph.ticks == ["wamid.1", "wamid.2"])
        receipts.stop()

    def test_one_that_fails_is_let_go(self, until):
        graph = Graph()
        graph.fails = True
        receipts = Receipts(graph)
        receipts.start()
        receipts.read("wamid.1")
        receipts.read("wamid.2")
        until(lambda: graph.ticks == ["wamid.1", "wamid.2"])
        receipts.stop()

    def test_too_many_waiting_keep_nobody_waiting(self, monkeypatch, until):
        monkeypatch.setattr(receipts_module, "MOST_WAITING", 3)
        graph = Graph()
        graph.go_on.clear()
        receipts = Receipts(graph)
        receipts.start()
        for n in range(50):
            receipts.read(f"wamid.{n}")
        graph.go_on.set()
        until(lambda: len(graph.ticks) >= 3)
        assert len(graph.ticks) <= 4
        receipts.stop()
