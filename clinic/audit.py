"""What staff looked at and changed: ids and codes, never words."""

from __future__ import annotations

from typing import Any, Dict, Optional

from sqlalchemy.orm import Session

from clinic.logs import logger

log = logger("audit")


def record(
    session: Session, who: str, what: str, subject: str, detail: Optional[Dict[str, Any]] = None
) -> None:
    """Note that `who` did `what` to `subject` (`contact:12`, `handoff:7`)."""
    log.info("audit", what=what, subject=subject, **(detail or {}))
