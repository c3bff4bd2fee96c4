"""Offering a free time of the day to somebody who waits, as staff do it; one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Dict, Type

from clinic.audit import record
from clinic.database import now
from clinic.logs import logger
from clinic.models import Appointment, SlotOffer
from clinic.scheduling import errors
from clinic.scheduling.errors import SchedulingError
from clinic.waitlist_by_hand import offer_slot
from inbox.errors import Refusal
from inbox.house import house
from inbox.visits import WHY

log = logger("inbox")

OFFERED = "waitlist_offered"
WHY_NOT_OFFERED: Dict[Type[SchedulingError], str] = {
    errors.SlotTaken: "Somebody else has just taken this time. Nobody was asked.",
    errors.NotWaiting: "This patient is not on the waitlist any more.",
    errors.OfferStands: "This patient has another offer and has not answered it yet.",
    errors.AskedBefore: "This patient was asked about this time before.",
    errors.PersonAnswers: (
        "A person has this conversation: offer the time there, or hand it back first."
    ),
    errors.NoConsent: "This patient has not agreed to care messages. Call them instead.",
    errors.NotReachable: (
        "WhatsApp would not carry the offer: 24 hours are over, and no template is approved. "
        "Call them instead."
    ),
    errors.NotAtThisHour: "Patients are not asked at this hour. Try again in the morning.",
    errors.TooSoon: "This time begins before an answer may come. Call them instead.",
}


def offer(waiting_id: int, clinician: str, starts_at: datetime, by: str) -> datetime:
    """Ask who waits about this time; until when it is kept for them.

    Raises:
        Refusal: 409, with the reason as a sentence; nobody was asked.
    """
    try:
        with house().database.transaction() as session:
            offer_id = offer_slot(session, waiting_id, clinician, starts_at, now(), house().texts)
            made = session.get(SlotOffer, offer_id)
            kept = session.get(Appointment, made.appointment_id)
            subject = f"contact:{kept.contact_id}"
            record(session, by, OFFERED, subject, {"offer": offer_id, "visit": int(kept.id)})
            until: datetime = kept.held_until
    except SchedulingError as error:
        why = WHY_NOT_OFFERED.get(type(error)) or WHY.get(type(error), "That cannot be done.")
        raise Refusal(409, "not_offered", why) from None
    log.info("slot offered", offer=offer_id)
    return until
