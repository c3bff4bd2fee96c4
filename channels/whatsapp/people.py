"""Who an update is about, and the errors it carries: what all kinds of updates share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from channels.whatsapp.updates import WireError
from channels.whatsapp.values import identifier, mapping, objects, phone, string, whole


@dataclass(frozen=True)
class Person:
    """One patient as far as a webhook names them."""

    phone: str | None
    bsuid: str | None
    name: str | None = None


@dataclass(frozen=True)
class Surroundings:
    """What a change's value says about all updates in it.

    `crowd` is how many updates share these contacts: with one update and one contact there is
    nobody else the contact could be.
    """

    phone_number_id: str | None
    people: tuple[Person, ...]
    crowd: int

    @classmethod
    def of(cls, value: dict[str, Any], crowd: int) -> Surroundings:
        people = tuple(
            Person(
                phone(contact.get("wa_id")),
                identifier(contact.get("user_id")),
                string(mapping(contact.get("profile")).get("name")),
            )
            for contact in objects(value.get("contacts"))
        )
        number_id = identifier(mapping(value.get("metadata")).get("phone_number_id"))
        return cls(number_id, people, crowd)

    def person(self, number: str | None, bsuid: str | None) -> Person:
        """The patient with this number or BSUID, completed from the list of contacts.

        A contact that agrees in one id lends the other one and the name. Without any match,
        the only contact of the only update lends its name, and its ids if the update has none:
        a health message must never be filed under a neighbour in the same batch.
        """
        for other in self.people:
            if (bsuid and other.bsuid == bsuid) or (
                number and other.phone == number and not (bsuid and other.bsuid)
            ):
                return Person(number or other.phone, bsuid or other.bsuid, other.name)
        if len(self.people) == 1 and self.crowd == 1:
            only = self.people[0]
            if number is None and bsuid is None:
                return only
            return Person(number, bsuid, only.name)
        return Person(number, bsuid)


def wire_errors(value: Any) -> list[WireError]:
    """The `errors` list of a message or a status; `error_data` may be an object or a text."""
    if not isinstance(value, list):
        return []
    return [_wire_error(item) for item in value]


def _wire_error(item: Any) -> WireError:
    if not isinstance(item, dict):
        return WireError(whole(item), string(item), None)
    data = item.get("error_data")
    details = string(data) or string(mapping(data).get("details")) or string(item.get("details"))
    title = string(item.get("title")) or string(item.get("message"))
    return WireError(whole(item.get("code")), title, details)
