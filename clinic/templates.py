"""Message templates: the files that people edit, and which of them WhatsApp has approved.

Outside the 24-hour window only an approved template may go. A file of `data/templates/` holds
one template in every language; what Meta limits is checked here, before anything is submitted.
Source: Meta, "Message templates" (components, limits) and "Template guidelines", 2025-2026.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.bubbles import Choice, Template
from clinic.database import now
from clinic.models import MessageTemplate
from clinic.profile_values import LANGUAGES
from clinic.texts import PLACEHOLDER

FOLDER = Path(__file__).resolve().parent.parent / "data" / "templates"
UTILITY = "UTILITY"
APPROVED = "APPROVED"
NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
BODY, FOOTER, BUTTON, BUTTONS = 1024, 60, 25, 10
KEYS = {"name", "category", "examples", "texts"}
TEXT_KEYS = {"name", "language", "body", "footer", "buttons"}
# a body may not be mostly variables: Meta refuses fewer than about three words for each
WORDS_PER_VARIABLE = 3


class TemplateError(Exception):
    """A file cannot be used; one line for each fault, naming file and place."""


@dataclass(frozen=True)
class Wording:
    """A template in one language, as WhatsApp knows it: `name` and `code`, numbered variables."""

    name: str
    code: str
    category: str
    body: str
    parameters: Tuple[str, ...]
    examples: Tuple[str, ...]
    buttons: Tuple[str, ...]
    footer: Optional[str] = None

    @property
    def numbered_body(self) -> str:
        """The body with {{1}}, {{2}} … for its variables, in the order of first use."""
        return _numbered(self.body, self.parameters)

    @property
    def digest(self) -> str:
        """SHA-256 of what a patient reads, hex."""
        return words_digest(self.numbered_body, self.footer, self.buttons)

    def bubble(self, facts: Mapping[str, object], payloads: Sequence[str]) -> Template:
        """The message: variables filled from `facts`, and what each button means.

        Raises:
            KeyError: if a variable has no fact.
            ValueError: if there is not one payload for each button.
        """
        if len(payloads) != len(self.buttons):
            raise ValueError(f"template {self.name} has {len(self.buttons)} buttons")
        values = {name: str(facts[name]) for name in self.parameters}
        return Template(
            name=self.name,
            language=self.code,
            text=PLACEHOLDER.sub(lambda found: values[found[1]], self.body),
            body=[values[name] for name in self.parameters],
            buttons=[
                Choice(title=title, payload=payload)
                for title, payload in zip(self.buttons, payloads, strict=True)
            ],
        )


class TemplateBook:
    """Every template of `data/templates/`, by its name and the patient's language."""

    def __init__(self, wordings: Mapping[Tuple[str, str], Wording]) -> None:
        self._wordings = dict(wordings)

    @classmethod
    def load(cls, folder: Path) -> TemplateBook:
        """Read and check every file of a folder.

        Raises:
            TemplateError: if any breaks a rule.
        """
        wordings: Dict[Tuple[str, str], Wording] = {}
        faults: List[str] = []
        for file in sorted(folder.glob("*.yml")):
            content = _content(file, faults)
            found = [f"{file.name}: {fault}" for fault in _faults(content)]
            faults += found
            if content and not found:
                for language in LANGUAGES:
                    wordings[str(content["name"]), language] = _wording(content, language)
        names = [(wording.name, wording.code) for wording in wordings.values()]
        for twice in sorted({name for name in names if names.count(name) > 1}):
            faults.append(f"{twice[0]} ({twice[1]}) is defined twice")
        if faults:
            raise TemplateError("\n".join(faults))
        return cls(wordings)

    def __iter__(self) -> Iterator[Wording]:
        return iter(self._wordings.values())

    def wording(self, name: str, language: str) -> Wording:
        """A template in the patient's language, English for one it does not have.

        Raises:
            KeyError: if no file defines it.
        """
        found = self._wordings.get((name, language))
        return found if found is not None else self._wordings[name, "en"]


@lru_cache(maxsize=1)
def house_templates() -> TemplateBook:
    """The templates of the house, read once.

    Raises:
        TemplateError: as `TemplateBook.load`.
    """
    return TemplateBook.load(FOLDER)


def words_digest(body: str, footer: Optional[str], buttons: Sequence[str]) -> str:
    """SHA-256 of a template's words, hex; the body with numbered variables."""
    words = json.dumps([body.strip(), footer or "", list(buttons)], ensure_ascii=False)
    return hashlib.sha256(words.encode()).hexdigest()


def usable(session: Session) -> Set[Tuple[str, str, str]]:
    """Name, language code and digest of every template that may go as a utility message."""
    rows = session.execute(
        select(MessageTemplate.name, MessageTemplate.language, MessageTemplate.digest).where(
            MessageTemplate.status == APPROVED, MessageTemplate.category == UTILITY
        )
    )
    return {(str(name), str(language), str(digest)) for name, language, digest in rows}


def approved(session: Session, wording: Wording) -> bool:
    """Whether this template may go as a utility message, with just these words."""
    row = session.get(MessageTemplate, (wording.name, wording.code))
    return row is not None and (row.status, row.category, row.digest) == (
        APPROVED,
        UTILITY,
        wording.digest,
    )


def keep_status(
    session: Session,
    name: str,
    language: str,
    *,
    status: Optional[str] = None,
    category: Optional[str] = None,
    digest: Optional[str] = None,
    reason: Optional[str] = None,
) -> None:
    """Store what WhatsApp says of a template; what it does not say stays as it was."""
    row = session.get(MessageTemplate, (name, language), with_for_update=True)
    if row is None:
        row = MessageTemplate(name=name, language=language, status="UNKNOWN", category="UNKNOWN")
        session.add(row)
    row.status = status or row.status
    row.category = category or row.category
    row.digest = digest or row.digest
    row.reason = reason[:200] if reason else None
    row.updated_at = now()
    session.flush()


def _content(file: Path, faults: List[str]) -> Dict[str, Any]:
    try:
        content = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError):
        faults.append(f"{file.name}: not a YAML file in UTF-8")
        return {}
    if not isinstance(content, dict):
        faults.append(f"{file.name}: must be `key: value` lines")
        return {}
    return content


def _faults(content: Dict[str, Any]) -> List[str]:
    if not content:
        return []
    faults = [f"unknown key {key}" for key in sorted(set(map(str, content)) - KEYS)]
    if not NAME.fullmatch(str(content.get("name", ""))):
        faults.append("name: small Latin letters, digits and _, at most 100")
    if content.get("category") != "utility":
        faults.append("category: must be utility; nothing else carries a reminder")
    texts = content.get("texts")
    if not isinstance(texts, dict):
        return [*faults, "texts: is missing"]
    missing = [language for language in LANGUAGES if not isinstance(texts.get(language), dict)]
    faults += [f"texts.{language}: is missing" for language in missing]
    examples = content.get("examples") or {}
    for language in LANGUAGES:
        if language not in missing:
            given = texts[language]
            faults += [f"texts.{language}.{fault}" for fault in _text_faults(given, examples)]
    if not missing:
        counts = {len(texts[language].get("buttons") or []) for language in LANGUAGES}
        used = {frozenset(PLACEHOLDER.findall(str(texts[x].get("body")))) for x in LANGUAGES}
        if len(counts) > 1:
            faults.append("texts: every language needs the same buttons, in the same order")
        if len(used) > 1:
            faults.append("texts: every language needs the same variables")
    return faults


def _text_faults(text: Dict[str, Any], examples: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(set(map(str, text)) - TEXT_KEYS):
        yield f"{key}: unknown key"
    if "name" in text and not NAME.fullmatch(str(text["name"])):
        yield "name: small Latin letters, digits and _, at most 100"
    if not LANGUAGE_CODE.fullmatch(str(text.get("language", ""))):
        yield "language: must be a code of WhatsApp's, such as en, en_IN or hi"
    body = str(text.get("body") or "").strip()
    if not 1 <= len(body) <= BODY:
        yield f"body: 1 to {BODY} characters"
        return
    names = list(dict.fromkeys(PLACEHOLDER.findall(body)))
    rest = PLACEHOLDER.sub("", body)
    if "{" in rest or "}" in rest:
        yield "body: has a brace that is not part of a {variable}"
    if PLACEHOLDER.match(body) or body.endswith("}"):
        yield "body: may not begin or end with a variable"
    if re.search(r"\}\s*\{", body):
        yield "body: two variables may not stand side by side"
    if len(rest.split()) < WORDS_PER_VARIABLE * len(names):
        yield "body: has too few words for its variables"
    if re.search(r"\n{3,}|\t| {5,}", body):
        yield "body: no tabs, no two empty lines, no more than four blanks"
    for name in names:
        if not str(examples.get(name) or "").strip():
            yield f"body: {{{name}}} needs an example, which Meta's reviewers read"
    if len(str(text.get("footer") or "")) > FOOTER or "{" in str(text.get("footer") or ""):
        yield f"footer: at most {FOOTER} characters and no variable"
    buttons = text.get("buttons") or []
    if not isinstance(buttons, list) or len(buttons) > BUTTONS:
        yield f"buttons: a list of at most {BUTTONS}"
        return
    titles = [str(title) for title in buttons]
    if any(not 1 <= len(title) <= BUTTON or "{" in title for title in titles):
        yield f"buttons: each has 1 to {BUTTON} characters and no variable"
    if len(set(titles)) < len(titles):
        yield "buttons: two are the same"


def _wording(content: Dict[str, Any], language: str) -> Wording:
    text = content["texts"][language]
    body = str(text["body"]).strip()
    parameters = tuple(dict.fromkeys(PLACEHOLDER.findall(body)))
    return Wording(
        name=str(text.get("name") or content["name"]),
        code=str(text["language"]),
        category=str(content["category"]).upper(),
        body=body,
        parameters=parameters,
        examples=tuple(str(content["examples"][name]) for name in parameters),
        buttons=tuple(str(title) for title in text.get("buttons") or []),
        footer=str(text["footer"]) if text.get("footer") else None,
    )


def _numbered(body: str, parameters: Sequence[str]) -> str:
    return PLACEHOLDER.sub(lambda found: f"{{{{{parameters.index(found[1]) + 1}}}}}", body)
