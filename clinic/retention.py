"""What is let go of by the clock: what was only kept to get something done, and is done.

Consents, notices given and the audit log are evidence and stay (`clinic.models.append_only`,
`clinic.models.audit`); so does the message log, which is the clinic's record. Bills are held by tax
law until `keep_until`, and the database refuses to let go of one before (`clinic.models.bills`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Dict, List

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from clinic.bills.keeping import let_go
from clinic.database import Database
from clinic.models import CannedReply, DeadLetter, Exercise, StoredFile, WebhookDelivery
from clinic.models.outgoing import WAITING

# far longer than an event is looked for (`clinic.webhooks.LOOK_BACK`), so that none is told anew
DELIVERIES_KEPT = timedelta(days=30)
# a programmer looks at what could not be read; WhatsApp sends it again for seven days
DEAD_LETTERS_KEPT = timedelta(days=30)
# of a ready answer or an exercise that was removed or given another file
FILES_KEPT = timedelta(days=1)
AT_ONCE = 500


def purge(database: Database, moment: datetime) -> Dict[str, int]:
    """Delete what has had its time; how many rows of which table.

    It goes in transactions of a few rows each, so that nobody waits long for it.
    """
    counts: Dict[str, int] = {}
    for model, over in _rules(moment):
        removed = AT_ONCE
        while removed == AT_ONCE:
            with database.transaction() as session:
                removed = _remove(session, model, over)
            name = str(model.__tablename__)
            counts[name] = counts.get(name, 0) + removed
    counts["bills"] = 0
    gone = AT_ONCE
    while gone == AT_ONCE:
        with database.transaction() as session:
            gone = let_go(session, moment, AT_ONCE)
        counts["bills"] += gone
    return counts


def _rules(moment: datetime) -> List[Any]:
    """Each table of which rows go, and which."""
    told = (
        WebhookDelivery.state != WAITING,
        WebhookDelivery.created_at < moment - DELIVERIES_KEPT,
    )
    unread = (DeadLetter.created_at < moment - DEAD_LETTERS_KEPT,)
    orphaned = (
        StoredFile.created_at < moment - FILES_KEPT,
        ~exists().where(CannedReply.file_id == StoredFile.id),
        ~exists().where(Exercise.file_id == StoredFile.id),
    )
    return [(WebhookDelivery, told), (DeadLetter, unread), (StoredFile, orphaned)]


def _remove(session: Session, model: Any, over: Any) -> int:
    ids = session.execute(select(model.id).where(*over).order_by(model.id).limit(AT_ONCE)).scalars()
    # asked again with the deletion: a file may have found its use in between (PostgreSQL)
    gone = session.execute(
        delete(model)
        .where(model.id.in_(list(ids)), *over)
        .execution_options(synchronize_session=False)
    )
    return int(gone.rowcount)
