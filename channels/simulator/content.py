"""The content of a message by its type, and what a template will look like."""

from __future__ import annotations

from typing import Any, Dict, Optional

from channels.simulator.template_book import TemplateBook
from channels.simulator.template_send import check_template
from channels.simulator.validate import (
    MimeOf,
    check_contacts,
    check_location,
    check_media,
    check_reaction,
    check_text,
)
from channels.simulator.validate_interactive import check_interactive


def check_content(
    kind: str, content: Any, mime_of: MimeOf, book: TemplateBook
) -> Optional[Dict[str, Any]]:
    """Check the object under the message's type; for a template, what the phone shows of it.

    Raises:
        RefusalError: as Meta refuses.
    """
    if kind == "template":
        return check_template(content, book, mime_of)
    if kind == "text":
        check_text(content)
    elif kind == "interactive":
        check_interactive(content, mime_of)
    elif kind == "location":
        check_location(content)
    elif kind == "contacts":
        check_contacts(content)
    elif kind == "reaction":
        check_reaction(content)
    else:
        check_media(kind, content, mime_of)
    return None
