"""What every command of the tool shares: where it writes, how it refuses, its database."""

from __future__ import annotations

from typing import Any, Optional

from rich.console import Console

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Refusal(Exception):
    """The command cannot be carried out; the message says what is wrong and what to do."""


def refuse_if(problems: list[str]) -> None:
    """Stop with these sentences, if there are any."""
    if problems:
        raise Refusal("\n".join(problems))


def open_database() -> Any:
    """The clinic database.

    Raises:
        Refusal: if DATABASE_URL names none that can be used.
    """
    from clinic.database import database

    try:
        return database()
    except (ValueError, OSError) as error:
        raise Refusal(f"DATABASE_URL: {error}") from None


def contact_of(session: Any, phone: str) -> int:
    """The id of the contact with that number.

    Raises:
        Refusal: if nobody has written from it.
    """
    import phonenumbers

    from clinic.contacts import find_contact

    try:
        number = phonenumbers.parse(phone, "IN")
    except phonenumbers.NumberParseException:
        raise Refusal("The phone number is not one: write it as +91 90000 00011.") from None
    said = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    contact = find_contact(session, phone=said)
    if contact is None:
        raise Refusal("Nobody of that number is known here: the patient writes first.")
    return int(contact.id)


def rupees_to_paise(rupees: Optional[str]) -> Optional[int]:
    """An amount such as `4800` or `4800.50` in paise.

    Raises:
        Refusal: if it is none.
    """
    from decimal import Decimal, InvalidOperation

    if rupees is None:
        return None
    try:
        paise = Decimal(rupees.replace(",", "").removeprefix("₹").strip()) * 100
        if paise != paise.to_integral_value():
            raise InvalidOperation
    except InvalidOperation:
        raise Refusal("A price is an amount of rupees, such as 4800 or 4800.50.") from None
    return int(paise)
