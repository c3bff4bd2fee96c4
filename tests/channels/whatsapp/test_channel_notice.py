"""The privacy notice: after the first answer, once, and what is decided whoever answers."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from clinic.consent import allows, history, of_contact, record
from clinic.guardians import guardian_of
from clinic.handoffs import open_handoff, resolve_handoff
from clinic.models import Contact, NoticeGiven, Referral
from clinic.models.consent import PURPOSES
from clinic.setup import write_profile

RED_FLAG = {"red_flag": "chest_pain", "clinical": True, "route": "red_flag"}


def hand_over(line, contact: int) -> int:
    with line.db.transaction() as session:
        return int(open_handoff(session, contact, "request").id)


def granted(line, contact: int) -> list[str]:
    with line.db.reading() as session:
        return [purpose for purpose in PURPOSES if allows(session, contact, purpose)]


def given(line) -> list[tuple[str, str]]:
    with line.db.reading() as session:
        rows = session.execute(select(NoticeGiven).order_by(NoticeGiven.id)).scalars()
        return [(str(row.version), str(row.language)) for row in rows]


def token(line, contact: int, title: str) -> str:
    choices = line.notices(contact)[-1].content["choices"]
    return next(choice["id"] for choice in choices if choice["title"] == title)


class TestTheNotice:
    async def test_follows_the_first_answer_and_is_given_once(self, any_line):
        contact = any_line.arrives("is there parking?")
        any_line.arrives("and a lift?")
        assert await any_line.works_off(contact) == ["answered", "answered"]
        answer, notice, second = any_line.messages(contact, "out")
        assert "parking" in answer.text and "lift" in second.text
        assert (notice.purpose, notice.text) == ("notice", any_line.text("utter_notice"))
        assert given(any_line) == [("2026-11", "en")]

    @pytest.mark.parametrize(
        ("words", "language"),
        [("kal kitne baje khulta hai?", "hinglish"), ("पार्किंग कहाँ है?", "hi")],
    )
    async def test_speaks_the_language_of_the_answer(self, line, words, language):
        contact = line.arrives(words)
        line.conversation._ask_rasa = lambda opening: line.conversation._say(
            opening, "utter_clarify"
        )
        await line.works_off(contact)
        notice = line.notices(contact)[0]
        assert notice.text == line.text("utter_notice", language)
        assert given(line) == [("2026-11", language)]

    @pytest.mark.parametrize("language", ["en", "hi", "hinglish"])
    async def test_names_purposes_version_and_where_to_complain(self, line, language):
        said = line.text("utter_notice", language)
        for part in ("2026-11", "privacy@tarang-physio.example", "STOP", "Data Protection Board"):
            assert part in said
        choices = line.texts.bubble("utter_notice", language).choices
        assert [choice.payload for choice in choices] == [
            '/consent_give{"purpose": "care"}',
            "/consent_choose",
            "/consent_withdraw",
        ]

    async def test_is_given_again_when_it_says_something_new(self, line, demo_profile):
        contact = line.arrives("hello")
        await line.works_off(contact)
        privacy = demo_profile.privacy.copy(update={"notice_version": "2027-01"})
        write_profile(line.db, demo_profile.copy(update={"privacy": privacy}))
        line.texts._facts._known.clear()
        line.arrives("hello again")
        await line.works_off(contact)
        assert [version for version, _ in given(line)] == ["2026-11", "2027-01"]
        assert len(line.notices(contact)) == 2

    async def test_a_turn_that_is_not_committed_gives_none(self, line, monkeypatch):
        from sqlalchemy.exc import OperationalError

        contact = line.arrives("hello")

        def gone(*_args):
            raise OperationalError("commit", {}, Exception("gone"))

        with monkeypatch.context() as patch, pytest.raises(OperationalError):
            patch.setattr("clinic.turns.mark_handled", gone)
            await line.works_off(contact)
        assert (line.notices(contact), given(line)) == ([], [])
        await line.works_off(contact)
        assert (len(line.notices(contact)), len(given(line))) == (1, 1)

    async def test_never_stands_beside_an_emergency_or_a_handoff(self, any_line):
        any_line.rasa.gate = lambda text: RED_FLAG
        contact = any_line.arrives(None, "media", content={"media": {"id": "1"}})
        assert await any_line.works_off(contact) == ["handoff"]
        any_line.arrives("seene mein dard hai")
        await any_line.works_off(contact)
        assert len(any_line.said(contact)) == 2, "the emergency text is missing"
        assert any_line.notices(contact) == []
        with any_line.db.transaction() as session:
            resolve_handoff(session, any_line.handoff(contact).id, "Neha", "answered", True)
        any_line.rasa.gate = lambda text: {}
        any_line.arrives("thank you")
        await any_line.works_off(contact)
        assert len(any_line.notices(contact)) == 1, "it was forgotten"

    async def test_a_failed_turn_brings_none(self, line):
        async def broken(_message):
            raise RuntimeError("no model")

        line.rasa.before = broken
        contact = line.arrives("hello")
        assert await line.works_off(contact) == ["failure"]
        assert line.notices(contact) == []

    async def test_who_says_stop_is_asked_nothing(self, any_line):
        contact = any_line.arrives("hello")
        with any_line.db.transaction() as session:
            session.get(Contact, contact).opted_out_at = session.get(Contact, contact).created_at
        await any_line.works_off(contact)
        assert (len(any_line.said(contact)), any_line.notices(contact)) == (1, [])


class TestItsButtons:
    async def test_reach_rasa_as_what_they_mean(self, line):
        contact = line.arrives("hello")
        await line.works_off(contact)
        line.taps(token(line, contact, "Yes, care messages"), "Yes, care messages")
        await line.works_off(contact)
        parsed = line.rasa.heard[-1].parse_data
        assert parsed["intent"]["name"] == "consent_give"
        assert {"purpose": "care"}.items() <= {
            e["entity"]: e["value"] for e in parsed["entities"]
        }.items()

    async def test_count_while_a_person_has_the_conversation(self, any_line):
        contact = any_line.arrives("hello")
        await any_line.works_off(contact)
        hand_over(any_line, contact)
        any_line.taps(token(any_line, contact, "Yes, care messages"), "Yes, care messages")
        assert await any_line.works_off(contact) == ["staff"]
        assert granted(any_line, contact) == ["care"]
        with any_line.db.reading() as session:
            (kept,) = history(session, contact)
        assert (kept.how, kept.notice_version) == ("button", "2026-11")
        assert kept.wamid == any_line.messages(contact, "in")[-1].wamid
        assert len(any_line.said(contact)) == 1, "the bot spoke into a person's conversation"


class TestStop:
    STOPS = ("STOP", "stop!", "Stop messages", "बंद", "बंद करो।", "band karo", "UNSUBSCRIBE 🙏")

    @pytest.mark.parametrize("words", STOPS)
    async def test_needs_no_reading(self, line, words):
        contact = line.arrives(words)
        await line.works_off(contact)
        assert line.rasa.heard[-1].parse_data["intent"]["name"] == "opt_out"

    @pytest.mark.parametrize(
        "words", ["please stop the pain", "band karo meri booking", "bus stop"]
    )
    async def test_inside_a_sentence_is_left_to_the_model(self, line, words):
        contact = line.arrives(words)
        await line.works_off(contact)
        assert line.rasa.heard[-1].parse_data is None

    @pytest.mark.parametrize("words", STOPS)
    async def test_counts_while_a_person_has_the_conversation(self, line, words):
        contact = line.arrives("hello")
        await line.works_off(contact)
        with line.db.transaction() as session:
            record(session, contact, "care", True, how="button")
        hand_over(line, contact)
        line.arrives(words)
        await line.works_off(contact)
        assert granted(line, contact) == []
        with line.db.reading() as session:
            assert session.get(Contact, contact).opted_out_at is not None
            assert of_contact(session, contact)["care"].how == "words"

    async def test_counts_when_the_assistant_is_broken(self, any_line):
        async def broken(_message):
            raise RuntimeError("no model")

        contact = any_line.arrives("hello")
        with any_line.db.transaction() as session:
            record(session, contact, "care", True, how="button")
        any_line.rasa.before = broken
        any_line.arrives("STOP")
        await any_line.works_off(contact)
        assert granted(any_line, contact) == []


class TestAReferral:
    AD = {
        "source_type": "ad",
        "source_id": "120226305854810726",
        "headline": "Back to your walk",
        "ctwa_clid": "Aff-n8ZTODiE79d22",
        "source_url": "https://fb.me/3cr4",
    }

    def kept(self, line) -> list[Referral]:
        with line.db.reading() as session:
            return list(session.execute(select(Referral)).scalars())

    async def test_is_kept_with_the_message_that_told_it(self, any_line):
        contact = any_line.arrives("I saw your ad", content={"referral": self.AD})
        (ad,) = self.kept(any_line)
        assert (ad.contact_id, ad.source_type, ad.source_id) == (
            contact,
            "ad",
            self.AD["source_id"],
        )
        assert (ad.headline, ad.ctwa_clid) == (self.AD["headline"], self.AD["ctwa_clid"])
        assert ad.wamid == any_line.messages(contact, "in")[0].wamid

    @pytest.mark.parametrize(
        "referral", [{}, {"source_id": ["x"], "headline": None}, {"source_type": "y" * 500}]
    )
    async def test_of_strange_form_costs_nobody_a_message(self, any_line, referral):
        contact = any_line.arrives("hello", content={"referral": referral})
        assert await any_line.works_off(contact) == ["answered"]
        assert len(self.kept(any_line)) == 1

    async def test_is_unreadable_at_rest(self, line):
        from sqlalchemy import text

        line.arrives("hello", content={"referral": self.AD})
        with line.db.reading() as session:
            row = session.execute(text("SELECT headline, ctwa_clid, wamid FROM referrals")).one()
        assert all(isinstance(value, bytes) for value in row)


async def test_an_age_under_eighteen_is_asked_about_instead_of_the_notice(any_line):
    from assistant.nlu.details import details

    def answer_with_age(store_result):
        def result_of(turn, tracker):
            found = [e for e in details(tracker.latest_message.text) if e.entity == "age"]
            result = store_result(turn, tracker)
            result.age = found[0].value if found else None
            return result

        return result_of

    store = any_line.rasa.store
    store._result_of = answer_with_age(store._result_of)
    contact = any_line.arrives("my son is 9 years old, where do I park?")
    any_line.arrives("thanks")
    await any_line.works_off(contact)
    question, notice = any_line.notices(contact)
    assert question.text == any_line.text("utter_guardian_question")
    assert notice.text == any_line.text("utter_notice")
    with any_line.db.reading() as session:
        assert guardian_of(session, contact).state == "asked"
