"""Which ad or post a contact came from, kept with the message that told it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Mapping, Optional

from sqlalchemy.orm import Session

from clinic.models import Referral
from clinic.upsert import insert_new

LONGEST_TYPE, LONGEST_ID = 20, 64


def keep_referral(
    session: Session, contact_id: int, wamid: str, referral: Mapping[str, Any], at: datetime
) -> Optional[int]:
    """Keep a referral as WhatsApp tells it (`source_type`, `source_id`, `headline`, `ctwa_clid`).

    Whatever of it is missing or no text is left out.

    Returns:
        The row's id, or None where this message's referral is kept already.
    """
    return insert_new(
        session,
        Referral,
        {
            "contact_id": contact_id,
            "source_type": (_text(referral, "source_type") or "unknown")[:LONGEST_TYPE],
            "source_id": (_text(referral, "source_id") or "")[:LONGEST_ID] or None,
            "headline": _text(referral, "headline"),
            "ctwa_clid": _text(referral, "ctwa_clid"),
            "wamid": wamid,
            "at": at,
        },
    )


def _text(referral: Mapping[str, Any], name: str) -> Optional[str]:
    value = referral.get(name)
    return str(value).replace("\x00", "") if isinstance(value, (str, int)) else None
