"""The words the worker needs: the domain's responses and the templates' files."""

from __future__ import annotations

from clinic.reminders.deciding import ReminderWriter
from clinic.templates import TemplateBook
from clinic.texts import Texts
from sandhi.surroundings import ROOT

DOMAIN = ROOT / "domain"
TEMPLATES = ROOT / "data" / "templates"


def template_book() -> TemplateBook:
    """The templates of `data/templates/`.

    Raises:
        clinic.templates.TemplateError: if a file breaks a rule of WhatsApp's.
    """
    return TemplateBook.load(TEMPLATES)


def reminder_writer() -> ReminderWriter:
    """Who writes reminders and nudges.

    Raises:
        clinic.templates.TemplateError: as `template_book`.
    """
    return ReminderWriter(Texts.load(DOMAIN), template_book())
