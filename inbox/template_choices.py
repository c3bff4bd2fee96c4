"""The templates for one patient, each as it would be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional

from sqlalchemy.orm import Session

from clinic.bubbles import Template
from clinic.canned import values_for
from clinic.database import now
from clinic.models import Contact
from clinic.setup import NoProfile
from inbox.staff import me
from inbox.template_book import staff_templates


@dataclass(frozen=True)
class TemplateChoice:
    """A template filled for a patient; `bubble` is None where a fact is missing."""

    name: str
    bubble: Optional[Template]


def template_choices(session: Session, contact: Contact) -> List[TemplateChoice]:
    """Every template that staff may send this patient, filled; none without a profile."""
    language = str(contact.language)
    try:
        values = values_for(session, contact, language, me(), now())
    except NoProfile:
        return []
    return [TemplateChoice(one.name, one.filled(language, values)) for one in staff_templates()]
