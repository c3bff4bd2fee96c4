"""A clinic in the middle of an ordinary Monday: something to see on every page of the inbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Dict, List

from sqlalchemy import select

from clinic import consent, waitlist
from clinic.absence import add_leave
from clinic.attendance import mark
from clinic.bills.issuing import issue
from clinic.bills.paying import NewPayment, cancel, pay
from clinic.bills.terms import NewBill, NewLine
from clinic.bubbles import Choice, Choices, Text
from clinic.canned import save_canned, store_file
from clinic.contacts import ensure_contact
from clinic.course_plans import Plan, author
from clinic.database import Database, now
from clinic.exercises import Draft, DraftExercise, programmes
from clinic.guardians import record_guardian
from clinic.handoffs import open_handoff
from clinic.inbound import Arrival, store_arrival
from clinic.models import Contact, ExerciseOccasion, Handoff, Message
from clinic.notes import add_note
from clinic.outbox import plan
from clinic.staff_replies import reply
from clinic.texts import Texts
from clinic.waitlist_offers import offer_freed_slots
from tests.inbox.at_the_desk import MONDAY, ROOT, at, open_clinic, visit

PHONE = "+9190000001{:02}"
PATIENTS = ("Kavita Joshi", "Rohan Kulkarni", "Asha Verma", "Imran Sheikh", "Sunita Rao")
PATIENTS += ("Joseph D'Souza", "Farida Khan", "Suresh Kulkarni")
# what the house says it is when it is opened: a Monday morning, half past eleven
MOMENT = at(11, 30)


@dataclass(frozen=True)
class Busy:
    """Where to look: contacts by what they show, and a few ids."""

    contacts: Dict[str, int]
    handoffs: Dict[str, int]
    visit: int
    answer: int
    programme: int
    bills: List[int]

    def paths(self) -> List[str]:
        """The address of every page, with each of its looks."""
        talk = f"/conversations/{self.contacts['flag']}"
        views = ("mine", "physiotherapists", "unread", "late", "all", "snoozed", "resolved")
        return [
            "/",
            *(f"/?view={view}" for view in views),
            "/?reason=request",
            *(f"/conversations/{contact}" for contact in self.contacts.values()),
            *(f"{talk}/book", f"{talk}/plans", f"/conversations/{self.contacts['course']}/plans"),
            f"{talk}/exercises",
            *(f"/conversations/{self.contacts[name]}/exercises" for name in ("course", "bot")),
            f"/conversations/{self.contacts['course']}/exercises/{self.programme}",
            *(f"/visits/{self.visit}", f"/visits/{self.visit}/move"),
            *("/day", "/day?date=2026-11-24", "/day?date=2026-11-29", "/day?clinician=neha"),
            f"/day/book?clinician=neha&at={at(16).isoformat().replace('+', '%2B')}",
            *(f"/conversations/{self.contacts['bot']}/bills", f"{talk}/bills"),
            *(f"/conversations/{self.contacts['course']}/bills?course=1",),
            *(f"/bills/{bill}" for bill in self.bills),
            *("/answers", f"/answers/{self.answer}", "/search"),
            *("/account", "/staff", "/audit", "/nowhere"),
        ]


def furnish(db: Database, me: str = "Asha", colleague: str = "Binu") -> Busy:
    """Fill the house; the clock has to stand at `MOMENT` or a little after."""
    open_clinic(db)
    contacts = {
        "flag": _someone(db, 1, "Kavita Joshi"),
        "desk": _someone(db, 2, "Rohan Kulkarni"),
        "course": _someone(db, 3, "Asha Verma"),
        "closed": _someone(db, 4, "Imran Sheikh"),
        "bot": _someone(db, 5, "Sunita Rao"),
        "hindi": _someone(db, 6, "मीरा पाटिल", "hi"),
        "late": _someone(db, 7, "Joseph D'Souza"),
        "done": _someone(db, 8, "Farida Khan"),
        "silent": _someone(db, 9, None),
    }
    _talk(db, contacts)
    handoffs = _handoffs(db, contacts, me, colleague)
    booked = _calendar(db, contacts)
    _care(db, contacts)
    with db.transaction() as session:
        pdf = store_file(session, b"%PDF-1.4 invented", "application/pdf", "route-to-clinic.pdf")
        words = {"en": "We are next to the post office, {name}.", "hi": "हम डाकघर के पास हैं, {name}।"}
        save_canned(session, None, "How to find us", words, False, me, pdf)
        shown = save_canned(session, None, "Thanks", {"en": "Thank you, {name}!"}, False, me)
        save_canned(session, None, "Ice and rest", {"en": "Use ice as you were shown."}, True, me)
        answer = int(shown.id)
    programme = _exercises(db, contacts)
    return Busy(contacts, handoffs, booked, answer, programme, _bills(db, contacts))


def _someone(db: Database, number: int, name: Any, language: str = "en") -> int:
    with db.transaction() as session:
        contact = ensure_contact(session, PHONE.format(number), None, name)
        contact.language = language
        session.flush()
        return int(contact.id)


def _says(db: Database, contact_id: int, text: str, minutes: int, **more: Any) -> int:
    """The patient says something `minutes` ago."""
    with db.transaction() as session:
        phone = session.get(Contact, contact_id).phone
        number = f"wamid.busy{contact_id}.{minutes}.{len(text)}"
        fields: Dict[str, Any] = {"kind": "text", "text": text, **more}
        store_arrival(
            session,
            Arrival(number, phone=phone, sent_at=now() - timedelta(minutes=minutes), **fields),
        )
        return contact_id


def _bot(
    db: Database, contact_id: int, text: str, minutes: int, state: str = "read", *titles: str
) -> int:
    """The assistant says something `minutes` ago, offering `titles`."""
    bubble: Any = Text(text=text)
    if titles:
        choices = [Choice(title=title, payload=f"/pick{n}") for n, title in enumerate(titles)]
        bubble = Choices(text=text, choices=choices)
    with db.transaction() as session:
        number = plan(session, contact_id, bubble, cause=f"turn:{contact_id}{minutes}:1")
        message = session.get(Message, number)
        message.state = state
        message.occurred_at = now() - timedelta(minutes=minutes)
        return int(message.id)


def _talk(db: Database, who: Dict[str, int]) -> None:
    _says(db, who["flag"], "Hello, I want to come for my shoulder on Thursday", 60 * 20)
    _bot(db, who["flag"], "Which day suits you?", 60 * 20 - 1, "read", "Thu 26 Nov", "Fri 27 Nov")
    _says(db, who["flag"], "chest mein dard hai aur saans phool rahi hai", 4)
    _bot(db, who["flag"], "Please call 112 now, or go to the nearest hospital.", 4, "delivered")
    _says(db, who["desk"], "can I speak to someone at the reception?", 50)
    _bot(db, who["desk"], "A colleague will read this and answer.", 50, "delivered")
    media = {"media": {"kind": "image", "id": "m1", "mime_type": "image/jpeg", "caption": None}}
    _says(db, who["course"], "", 35, kind="media", content=media)
    voice = {"media": {"kind": "audio", "id": "m2", "mime_type": "audio/ogg", "voice": True}}
    _says(db, who["course"], "", 34, kind="media", content=voice)
    _says(db, who["closed"], "my knee is swollen since the last session", 60 * 30)
    failed = _bot(db, who["closed"], "Are you still there?", 60 * 2, "failed")
    with db.transaction() as session:
        session.get(Message, failed).detail = "131047: re-engagement message"
    _says(db, who["bot"], "what are your timings?", 15)
    _bot(db, who["bot"], "Monday to Saturday, 8 am to 8 pm.", 15, "read")
    _says(db, who["hindi"], "मुझे रिसेप्शन से बात करनी है", 12)
    _says(db, who["late"], "asdf qwer", 60 * 3)
    _bot(db, who["late"], "Hello?", 60 * 3 - 2, "unknown")
    _says(db, who["done"], "parking kahan hai?", 55)


def _handoffs(db: Database, who: Dict[str, int], me: str, colleague: str) -> Dict[str, int]:
    wanted = (
        ("flag", "red_flag", 4, {"red_flag": "chest_pain"}),
        ("desk", "request", 50, {}),
        ("course", "media", 34, {}),
        ("closed", "clinical", 60 * 30, {}),
        ("hindi", "request", 12, {}),
        ("late", "unsure", 60 * 3, {}),
        ("done", "failure", 54, {}),
    )
    made: Dict[str, int] = {}
    for name, reason, minutes, more in wanted:
        with db.transaction() as session:
            row = open_handoff(session, who[name], reason, **more)
            row.opened_at = now() - timedelta(minutes=minutes)
            made[name] = int(row.id)
    with db.transaction() as session:
        add_note(session, who["flag"], colleague, "Her sister has our number too.")
        add_note(session, who["desk"], me, "Called once, no answer.")
        mine = session.get(Handoff, made["desk"])
        mine.status, mine.claimed_by, mine.claimed_at = "claimed", me, now()
    with db.transaction() as session:
        reply(session, who["desk"], "Yes, good morning! How can I help?", me, "busy1")
        later = now() + timedelta(hours=3)
        reply(session, who["desk"], "Shall we call you this afternoon?", me, "busy2", due_at=later)
    return made


def _calendar(db: Database, who: Dict[str, int]) -> int:
    early = at(8) - timedelta(days=1)
    came = visit(db, who["bot"], at(9), "Sunita Rao", "neha", early)
    missed = visit(db, who["late"], at(10), "Joseph D'Souza", "neha", early)
    booked = visit(db, who["flag"], at(17), "Kavita Joshi", "neha", early)
    visit(db, who["desk"], at(18), "Rohan Kulkarni", "arjun", early)
    with db.transaction() as session:
        mark(session, came, "completed", "staff:1", now=now())
        mark(session, missed, "no_show", "staff:1", now=now())
        add_leave(session, "farah", at(16), at(18), now())
    return booked


def _exercises(db: Database, who: Dict[str, int]) -> int:
    """Two have exercises at home: one who is getting on with them, and one whom they hurt."""
    with db.transaction() as session:
        file = store_file(session, b"%PDF-1.4 invented", "application/pdf", "bridge.pdf")
        first = DraftExercise("Bridge", "Lie down and lift the hips slowly.", "10 times", file)
        second = DraftExercise("Small steps", "Beside a table.")
        begun = at(11) - timedelta(days=3)
        times = {"times": ["09:00", "18:00"], "weekdays": range(7)}
        made = []
        for name, patient in (("course", "Asha Verma"), ("bot", "Sunita Rao")):
            days = (MONDAY - timedelta(days=3), MONDAY + timedelta(days=20))
            given = Draft(patient, *days, **times, exercises=[first, second])
            made.append(programmes.write(session, who[name], given, "staff:1", begun))
    with db.transaction() as session:
        answers = ["done", "partly", "hurts", None]
        rows = session.execute(select(ExerciseOccasion).order_by(ExerciseOccasion.message_id))
        for number, occasion in enumerate(rows.scalars()):
            occasion.version = 1
            occasion.answer = answers[number % len(answers)]
            session.get(Message, occasion.message_id).state = "read"
        programmes.pause(session, made[1], who["bot"], now(), why="hurts")
    return made[0]


def _care(db: Database, who: Dict[str, int]) -> None:
    words = {"expect": "Three visits a week at first.", "why_finish": "Strength comes last."}
    with db.transaction() as session:
        author(
            session,
            Plan(
                *(who["course"], "Asha Verma", "neha", 12, "staff:1"),
                per_week=3,
                price_paise=720000,
                pricing="package",
                **words,
            ),
            now(),
        )
        record_guardian(session, who["desk"], "Suresh Kulkarni", "father", True)
        for name in ("bot", "course"):
            consent.record(session, who[name], "care", True, how="button")
        consent.record(session, who["course"], "marketing", False, how="button")
        wanted = waitlist.Wanted("session", MONDAY, MONDAY + timedelta(days=3), clinician="neha")
        waitlist.join(session, who["bot"], wanted, now())
        anybody = waitlist.Wanted("session", MONDAY, MONDAY + timedelta(days=6))
        waitlist.join(session, who["course"], anybody, now() + timedelta(seconds=1))
    with db.transaction() as session:
        offer_freed_slots(session, now(), Texts.load(ROOT / "domain"))


def _bills(db: Database, who: Dict[str, int]) -> List[int]:
    """One of each kind: due, paid in part, paid, cancelled, made out to somebody else in Hindi."""
    name, made = "Sunita Rao", []
    with db.transaction() as session:
        for number in range(5):
            lines = [NewLine("Physiotherapy session, 23-11-2026", 1 + number, 60000, "9993")]
            wanted = NewBill(who["bot"], name, name, lines)
            if number == 4:
                wanted = NewBill(
                    *(who["course"], "Asha Verma", "कविता वर्मा", lines * 3, "hi"),
                    address="12 Invented Road, Kothrud, Pune 411038",
                )
            made.append(issue(session, wanted, "staff:1", f"busy:{number}", now()).id)
        transfer = NewPayment(50000, "upi", "412345678901")
        pay(session, made[1], transfer, "staff:1", "busy:1", now())
        pay(session, made[2], NewPayment(180000, "cash"), "staff:1", "busy:2", now())
        pay(session, made[3], NewPayment(100000, "card"), "staff:1", "busy:3", now())
        cancel(session, made[3], "Billed twice", "staff:1", now())
    return made
