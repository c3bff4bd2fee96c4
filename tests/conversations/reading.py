"""What a patient reads, as WhatsApp brings it: the worker's letters, known by their response.

`Post` is the worker of a clinic in this process, with its real passes; `Reader` is a patient who
reads only what it has sent, each bubble of it in their language and nothing else:

    asha.until(visit.starts_at - timedelta(hours=1))
    assert asha.read.says("utter_reminder", visit_words="Wed 9 Dec, 10:00 am")
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Dict, List, Optional, Set, Tuple

from ruamel.yaml import YAML
from sqlalchemy import func, select

from channels.whatsapp.render import Recipient, render
from clinic.bubbles import Template, bubble_from_json, choices_of, text_of
from clinic.database import now
from clinic.delivery import Report
from clinic.models import Message
from clinic.sending import Letter
from clinic.texts import PLACEHOLDER
from tests.conversations.chat import Patient, Reply
from tests.conversations.engine import PUNE, Clinic
from tests.house import ROOT
from tests.reminding import approve_templates, book, writer
from worker.loop import run_once
from worker.sending import Outbox

LANGUAGES = ("en", "hi", "hinglish")
DEVANAGARI = re.compile(r"[\u0900-\u097f]")
# the worker sweeps every hour; what it does by the clock is a matter of days
SWEEP_AT = (9, 19)
# a response of so few letters of its own (a price, a line of a list) proves no language
FEWEST_LETTERS = 8


class Post:
    """The clinic's worker, and a WhatsApp that takes every letter."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.letters: List[Letter] = []
        approve_templates(clinic.database)
        self._outbox = Outbox(clinic.database, self, threads=1, per_second=100_000, writer=writer())

    def send(self, letter: Letter) -> Report:
        """Take a letter (`worker.sending.Sender`)."""
        self.letters.append(letter)
        return Report(letter.message_id, wamid=f"wamid.out.{letter.message_id}")

    def works(self) -> None:
        """One pass over everything that is due now."""
        run_once(self.clinic.database, self._outbox)

    def until(self, moment: datetime) -> None:
        """Time passes; the worker is there whenever something is due, and for its sweeps."""
        while (next_at := self._next()) is not None and next_at < moment:
            self.clinic.moves_to(next_at)
            self.works()
        self.clinic.moves_to(moment)
        self.works()

    def _next(self) -> Optional[datetime]:
        local = now().astimezone(PUNE)
        sweeps = [
            (local + timedelta(days=days)).replace(hour=hour, minute=0, second=0, microsecond=0)
            for days in (0, 1)
            for hour in SWEEP_AT
        ]
        with self.clinic.database.reading() as session:
            due = session.execute(
                select(func.min(Message.due_at)).where(Message.state == "planned")
            ).scalar_one()
        moments = [*sweeps, *([] if due is None else [due + timedelta(seconds=1)])]
        return min(moment for moment in moments if moment > local)

    def close(self) -> None:
        self._outbox.close()


class Read(Reply):
    """Bubbles that came to a patient of one language."""

    def __init__(self, numbered: List[Any], language: str) -> None:
        super().__init__(numbered)
        self.language = language

    def says(self, response: str, **facts: object) -> bool:
        """Whether a bubble says this response of the domain, or template, with these facts."""
        pattern = _pattern(_words_of(response, self.language), facts)
        return any(pattern.search(text_of(bubble)) for bubble in self.bubbles)

    @property
    def names(self) -> List[str]:
        """The responses and templates that can be recognised, sorted."""
        return sorted({name for bubble in self.bubbles for name in _names(bubble, self.language)})


class Reader(Patient):
    """A patient whose phone shows what the worker has sent, the notice too."""

    def __init__(self, post: Post, language: str, name: str) -> None:
        super().__init__(post.clinic, post.clinic.patient(name).phone, name)
        self.post = post
        self.language = language
        self.read = Read([], language)
        self._read_up_to = 0

    def until(self, moment: datetime) -> Read:
        """Live until then; what came meanwhile."""
        self.post.until(moment)
        return self.fresh()

    def fresh(self) -> Read:
        """What came since the last reading, in order."""
        self.post.works()
        mine = [one for one in self.post.letters if one.contact_id == self.id]
        new, self._read_up_to = mine[self._read_up_to :], len(mine)
        numbered = [(one.message_id, bubble_from_json(one.content)) for one in new]
        for number, bubble in numbered:
            render(bubble, Recipient(self.phone), f"m{number}")
            faults = foreign(bubble, self.language)
            assert not faults, f"not in {self.language}: {faults} of {text_of(bubble)!r}"
        self.read = Read(numbered, self.language)
        return self.read


def foreign(bubble: Any, language: str) -> List[str]:
    """What of a bubble is not in this language: its words, or titles of its buttons."""
    faults = []
    if not _names(bubble, language):
        faults.append("no response of this language")
    for title in [*(choice.title for choice in choices_of(bubble))]:
        only_elsewhere = title in _titles()[0] and title not in _titles_of(language)
        script = bool(DEVANAGARI.search(title)) != (language == "hi") and any(
            letter.isalpha() for letter in title
        )
        if only_elsewhere or script:
            faults.append(title)
    if language != "hi" and DEVANAGARI.search(text_of(bubble)):
        faults.append("Devanagari")
    return faults


def _names(bubble: Any, language: str) -> Set[str]:
    text = text_of(bubble)
    if isinstance(bubble, Template):
        return {
            name
            for name in _templates()
            if (wording := book().wording(name, language)).name == bubble.name
            and wording.code == bubble.language
        }
    return {
        name
        for name, said in _responses().items()
        if _letters(said[language]) >= FEWEST_LETTERS and _pattern(said[language], {}).search(text)
    }


def _words_of(name: str, language: str) -> str:
    if name in _responses():
        return _responses()[name][language]
    return book().wording(name, language).body


def _letters(words: str) -> int:
    return sum(letter.isalpha() for letter in PLACEHOLDER.sub("", words))


def _pattern(words: str, facts: Dict[str, object]) -> "re.Pattern[str]":
    """The words as a line or paragraph of a bubble, what is not among the facts left open."""
    return _compiled(words, tuple(sorted((name, str(value)) for name, value in facts.items())))


@cache
def _compiled(words: str, facts: Tuple[Tuple[str, str], ...]) -> "re.Pattern[str]":
    known = dict(facts)
    unknown = set(known) - set(PLACEHOLDER.findall(words))
    assert not unknown, f"{words!r} has no {unknown}"
    parts, end = [], 0
    for found in PLACEHOLDER.finditer(words):
        parts.append(re.escape(words[end : found.start()]))
        parts.append(re.escape(known[found[1]]) if found[1] in known else ".*?")
        end = found.end()
    parts.append(re.escape(words[end:].rstrip()))
    return re.compile(rf"(?:\A|\n){''.join(parts).strip()}(?=\n|\Z)", re.DOTALL)


@lru_cache(maxsize=1)
def _responses() -> Dict[str, Dict[str, str]]:
    """The words of every response that has some, by name and language."""
    responses = {}
    for name, variations in _domain().items():
        said = {_language(one): str(one["text"]) for one in variations if "text" in one}
        if said:
            responses[name] = {language: said.get(language, said["en"]) for language in LANGUAGES}
    return responses


@lru_cache(maxsize=1)
def _titles() -> Tuple[Set[str], Dict[str, Set[str]]]:
    """Titles of buttons that are fixed words: of all languages, and of each."""
    of_each: Dict[str, Set[str]] = {language: set() for language in LANGUAGES}
    for variations in _domain().values():
        for one in variations:
            titles = {str(button["title"]) for button in one.get("buttons") or []}
            of_each[_language(one)] |= titles
    for wording in book():
        language = "hinglish" if wording.name.endswith("_hinglish") else wording.code
        of_each[language] |= set(wording.buttons)
    return set().union(*of_each.values()), of_each


def _titles_of(language: str) -> Set[str]:
    return _titles()[1][language]


@lru_cache(maxsize=1)
def _templates() -> Set[str]:
    return {wording.name for wording in book() if not wording.name.endswith("_hinglish")}


def _language(variation: Dict[str, Any]) -> str:
    conditions = variation.get("condition") or [{"value": "en"}]
    return str(conditions[0]["value"])


@lru_cache(maxsize=1)
def _domain() -> Dict[str, List[Dict[str, Any]]]:
    yaml = YAML(typ="safe")
    files = sorted((ROOT / "domain").glob("*.yml"))
    contents = [yaml.load(file) or {} for file in files]
    return {name: said for one in contents for name, said in (one.get("responses") or {}).items()}
