"""The simulator itself: takes sends from the business, sends for the patients, reports statuses."""

from __future__ import annotations

import threading
from typing import Any, Dict, List, Optional, Tuple

from channels.simulator import rules, webhooks
from channels.simulator.config import SimulatorConfig
from channels.simulator.content import check_content
from channels.simulator.dispatcher import Dispatcher, Job
from channels.simulator.limits import RateLimits
from channels.simulator.media import MediaShelf
from channels.simulator.mischief import Mischief, PlannedStatus
from channels.simulator.patient import (
    OrderError,
    act_of,
    identity_of,
    message_of,
    number_changed,
    number_in,
)
from channels.simulator.refusal import broken
from channels.simulator.refused import RefusedLog
from channels.simulator.state import Bubble, Clock, Contact, Store, new_wamid
from channels.simulator.template_book import TemplateBook
from channels.simulator.validate import bsuid_of, check_product, check_read, envelope, phone_of

# Invented patients that the chat page starts with.
DEMO_PATIENTS: Tuple[Tuple[Optional[str], Optional[str], str], ...] = (
    (None, "IN.8420713650917", "Meera Iyer"),
    ("+919000000104", None, "Imran Sheikh"),
    ("+919000000103", None, "Kavita Joshi"),
    ("+919000000102", None, "Rohan Kulkarni"),
    ("+919000000101", None, "Asha Verma"),
)


class Simulator:
    """One business number, its patients, and the clinic's webhook. Safe to use from threads."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.clock = Clock()
        self.closing = threading.Event()
        self.mischief = Mischief()
        self.refused = RefusedLog()
        self.dispatcher = Dispatcher(config, self._taken)
        self.store = Store(config.contact_limit, config.transcript_limit)
        self._fresh()

    def _fresh(self) -> None:
        config = self.config
        self.media = MediaShelf(config, self.clock.now)
        self.templates = TemplateBook(self.clock.now)
        self.limits = RateLimits(config)
        self.held: List[Job] = []
        self.receipts: List[Dict[str, Any]] = []
        with self.store.lock:
            self.store.clear()
            for phone, bsuid, name in DEMO_PATIENTS:
                self.store.contact(phone, bsuid, name)

    def reset(self) -> None:
        """Back to the first minute: no messages, files, templates, orders or pending webhooks."""
        self.dispatcher.clear()
        self.mischief.clear()
        self.refused.clear()
        self.clock.offset = 0.0
        self._fresh()

    def close(self) -> None:
        """Stop the webhooks and wake whoever waits."""
        self.closing.set()
        self.dispatcher.close()
        with self.store.lock:
            self.store.changed.notify_all()

    # --- from the business ---

    def send(self, body: Any) -> Dict[str, Any]:
        """Take a message of the business's, as `POST /{number}/messages` does.

        Returns Meta's answer with the wamid.

        Raises:
            RefusalError: any of `rules.py`.
        """
        kind, message = envelope(body)
        phone, bsuid = phone_of(message), bsuid_of(message)
        shown = check_content(kind, message[kind], self.media.mime_of, self.templates)
        store = self.store
        with store.lock:
            now = self.clock.now()
            self.limits.take_number(now)
            contact = store.contact(phone, bsuid)
            if not contact.on_whatsapp:
                raise broken(rules.NOT_ON_WHATSAPP)
            in_window = self.in_window(contact, now)
            if kind != "template" and not in_window:
                raise broken(rules.WINDOW)
            category = shown["category"] if shown else "service"
            if category == "marketing" and contact.marketing_stopped:
                raise broken(rules.MARKETING_STOPPED)
            self.limits.take_pair(contact.key, now)
            bubble = Bubble(
                new_wamid(),
                contact,
                "out",
                now,
                message,
                status="accepted",
                shown=shown,
                pricing=webhooks.pricing_of(category, in_window),
            )
            store.add(bubble)
        self._schedule_statuses(bubble, {"to": contact.key, "type": kind})
        recipient: Dict[str, Any] = {"input": message.get("to") or bsuid}
        if phone:
            recipient["wa_id"] = phone[1:]
        else:
            recipient["user_id"] = bsuid
        return {
            "messaging_product": "whatsapp",
            "contacts": [recipient],
            "messages": [{"id": bubble.wamid}],
        }

    def in_window(self, contact: Contact, now: float) -> bool:
        """Whether the patient wrote in the last 24 hours."""
        return contact.last_inbound is not None and now - contact.last_inbound < rules.DAY

    def mark_read(self, body: Dict[str, Any]) -> Dict[str, Any]:
        """Blue ticks on a patient's message, and the typing indicator if asked for.

        Raises:
            RefusalError: not a message this number received, or a malformed body.
        """
        check_product(body)
        with self.store.lock:
            now = self.clock.now()
            typing = check_read(body, self._received)
            bubble = self.store.bubble(body["message_id"])
            if bubble is None:
                raise broken(rules.READ_TARGET)
            for earlier in bubble.contact.transcript:
                if earlier.direction == "in" and earlier.at <= bubble.at:
                    self.store.advance(earlier.wamid, "read")
            if typing:
                bubble.contact.typing_until = now + rules.TYPING_SHOWN
                self.store.touch()
            self.receipts.append(
                {"message_id": bubble.wamid, "typing": typing, "at": now, "to": bubble.contact.key}
            )
            del self.receipts[:-2000]
        return {"success": True}

    def _received(self, wamid: str) -> bool:
        bubble = self.store.bubble(wamid)
        return bubble is not None and bubble.direction == "in"

    # --- statuses ---

    def _schedule_statuses(self, bubble: Bubble, facts: Dict[str, str]) -> None:
        config = self.config
        usual = [
            PlannedStatus(config.sent_after, "sent"),
            PlannedStatus(config.delivered_after, "delivered"),
        ]
        if config.auto_read:
            usual.append(PlannedStatus(config.read_after, "read"))
        planned, hold = self.mischief.plan(usual, facts)
        jobs = [(status.delay, self._status_job(bubble, status)) for status in planned]
        if hold:
            with self.store.lock:
                self.held.extend(job for _, job in jobs)
        else:
            self.dispatcher.schedule_all(jobs)

    def _status_job(self, bubble: Bubble, planned: PlannedStatus) -> Job:
        def build() -> Dict[str, Any]:
            now = self.clock.now()
            with self.store.lock:
                self.store.advance(bubble.wamid, planned.status)
            return webhooks.status_of(bubble, planned.status, now, planned.code, planned.details)

        return Job(build, is_status=True)

    def send_status(
        self, wamid: str, status: str, code: Optional[int] = None, details: str = ""
    ) -> bool:
        """Report a status of an accepted message now; False where there is no such message."""
        with self.store.lock:
            bubble = self.store.bubble(wamid)
        if bubble is None or bubble.direction != "out":
            return False
        self.dispatcher.schedule(
            self._status_job(bubble, PlannedStatus(0.0, status, code, details))
        )
        return True

    def release(self, reverse: bool = False) -> int:
        """Deliver the statuses held back, newest first if `reverse`; how many there were."""
        with self.store.lock:
            held, self.held = self.held, []
        self.dispatcher.schedule_all([(0.0, job) for job in (reversed(held) if reverse else held)])
        return len(held)

    # --- from the patients ---

    def receive(self, order: Dict[str, Any]) -> str:
        """A patient does something on the phone; see the control API for the order's fields.

        Returns the wamid (empty for a marketing preference, which has none).

        Raises:
            OrderError: the order makes no sense.
        """
        act = act_of(order)
        change, wamid, contact = self.prepare(order)
        if act == "new_phone":
            with self.store.lock:
                self.store.renumber(
                    contact, "+" + change["value"]["messages"][0]["system"]["wa_id"]
                )
        delay = number_in(order, "delay", 0.0)
        copies = int(number_in(order, "duplicate", 0))
        self.dispatcher.schedule(Job(lambda: change, wamid=wamid), delay)
        for _ in range(copies):
            self.dispatcher.schedule(Job(lambda: change, alone=True, wamid=wamid), delay)
        return wamid

    def prepare(self, order: Dict[str, Any]) -> Tuple[Dict[str, Any], str, Contact]:
        """The webhook change for an order, entered in the transcript but not delivered.

        Raises:
            OrderError: the order makes no sense.
        """
        act = act_of(order)
        phone, bsuid = identity_of(order)
        with self.store.lock:
            contact = self.store.contact(phone, bsuid, order.get("name"))
            contact.name = contact.name or contact.key
            now = number_in(order, "timestamp", self.clock.now())
            if act == "preference":
                if order[act] not in ("stop", "resume"):
                    raise OrderError("preference must be stop or resume")
                contact.marketing_stopped = order[act] == "stop"
                return (
                    webhooks.preference_change(self.config, contact, order[act], now),
                    "",
                    contact,
                )
            if act == "new_phone":
                message = number_changed(contact, str(order[act]))
            else:
                message = message_of(act, order[act], self.media)
            message = self._addressed(message, contact, order, now)
            if act != "new_phone":
                contact.last_inbound = max(contact.last_inbound or 0.0, now)
                self.store.add(Bubble(message["id"], contact, "in", now, message, status="sent"))
            change = webhooks.message_change(self.config, contact, message)
            return change, message["id"], contact

    def _addressed(
        self, message: Dict[str, Any], contact: Contact, order: Dict[str, Any], now: float
    ) -> Dict[str, Any]:
        outer: Dict[str, Any] = {}
        context: Dict[str, Any] = {}
        if order.get("reply_to"):
            context = {"from": self.config.display_phone_number, "id": order["reply_to"]}
        if order.get("forwarded"):
            context["forwarded"] = True
        if context:
            outer["context"] = context
        if order.get("referral"):
            outer["referral"] = order["referral"]
        if contact.phone:
            outer["from"] = webhooks.wa_id(contact)
        if contact.bsuid:
            outer["from_user_id"] = contact.bsuid
        outer["id"] = order.get("wamid") or new_wamid()
        outer["timestamp"] = str(int(now))
        # A raw message may say otherwise about everything.
        return {**outer, **message}

    def _taken(self, wamids: List[str]) -> None:
        with self.store.lock:
            for wamid in wamids:
                self.store.advance(wamid, "delivered")
