"""`/api/v1/appointments`: the visits of a patient or of some days, and booking one."""

from __future__ import annotations

from datetime import datetime
from typing import Tuple
from zoneinfo import ZoneInfo

from flask import Response, jsonify

from clinic.models import Appointment
from inbox.api import base
from inbox.api.shapes import AppointmentBody, AppointmentItem, AppointmentQuery, as_moment
from inbox.appointment_desk import book, list_appointments
from inbox.house import house

api = base.api_blueprint("appointments")


@api.get("/appointments")
@base.may_do("see_appointments")
def index() -> Response:
    """Visits by their start, soonest first."""
    query = base.read_query(AppointmentQuery)
    after = None
    if query.cursor is not None:
        micros, appointment_id = base.read_cursor(query.cursor, 2)
        after = (base.moment_of(micros), appointment_id)
    zone = house().zone()
    with house().database.reading() as session:
        found = list_appointments(
            session,
            query.limit + 1,
            after,
            query.phone,
            query.contact_id,
            as_moment(query.from_, zone),
            as_moment(query.to, zone),
        )
        items = [item_of(appointment, zone).dict() for appointment in found[: query.limit]]
    more = None
    if len(found) > query.limit:
        last = found[query.limit - 1]
        more = base.write_cursor(base.stamp(last.starts_at), int(last.id))
    return jsonify(items=items, next=more)


@api.post("/appointments")
@base.may_do("book")
def create() -> Tuple[Response, int]:
    """Book a visit at once; the same Idempotency-Key again books nothing new."""
    key = base.read_key()
    body = base.read_body(AppointmentBody)
    appointment_id = book(
        body.phone,
        datetime.fromisoformat(body.starts_at),
        body.clinician,
        body.service,
        body.name,
        key,
    )
    with house().database.reading() as session:
        appointment = session.get(Appointment, appointment_id)
        assert appointment is not None  # noqa: S101 - booked above, and never deleted
        item = item_of(appointment, house().zone())
    return jsonify(item.dict()), 201


def item_of(appointment: Appointment, zone: ZoneInfo) -> AppointmentItem:
    """A visit as the API shows it."""
    return AppointmentItem(
        id=appointment.id,
        contact_id=appointment.contact_id,
        phone=appointment.contact.phone,
        starts_at=base.local(appointment.starts_at, zone),
        clinician=appointment.clinician.code,
        service=appointment.service.code,
        status=appointment.status,
        version=appointment.version,
    )
