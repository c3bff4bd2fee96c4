"""What somebody wants billed, what can be billed at all, and why something cannot.

Section 31(3)(c) of the CGST Act 2017 and rule 49 of the CGST Rules 2017 say what a bill of supply
holds; notification 12/2017 exempts health care by a clinical establishment (SAC 9993).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import List, Optional

from clinic.models.bills import BANK, UPI
from clinic.profile_billing import SAC

MOST_LINES = 20
MOST_OF_ONE = 200
LARGEST_PAISE = 50_000_000
LONGEST_DESCRIPTION = 60
LONGEST_NAME = 80
LONGEST_ADDRESS = 200
LONGEST_REASON = 200
# a bill is written in a language of which `words/bill.yml` has the words
LANGUAGES = ("en", "hi")
# a UTR: 12 digits of a UPI payment, 16 or 22 letters and digits of NEFT and RTGS
_UTR = re.compile(r"[A-Za-z0-9]{12,22}")
_REFERENCE = re.compile(r"[\w ./:-]{1,40}", re.ASCII)


class BillRefused(Exception):
    """A bill or a payment cannot be; `code` says why and holds no word of it.

    Of a bill: `not_set_up` (`clinic.yml` has no `billing`), `contact`, `patient`, `address`,
    `no_lines`, `too_many_lines`, `description`, `quantity`, `price`, `taxable` (not health care),
    `total` (nothing, or too much), `billed` (this visit has a bill), `year_full`, `key_reused`.
    Of what becomes of it: `not_found`, `cancelled`, `how`, `reference_needed`, `reference`,
    `repeated` (this reference stands on the bill already), `amount`, `over` (more than is due),
    `reason`, `key_reused`.
    `line` is the line it is about, counted from 1.
    """

    def __init__(self, code: str, line: Optional[int] = None) -> None:
        super().__init__(code)
        self.code = code
        self.line = line


@dataclass(frozen=True)
class Done:
    """The bill or payment that was asked for; `repeated` where its cause had made it before."""

    id: int
    repeated: bool = False


@dataclass(frozen=True)
class NewLine:
    """A line to bill: so many of something, at so many paise each."""

    description: str
    quantity: int
    unit_paise: int
    sac: str

    @property
    def paise(self) -> int:
        """What the line comes to."""
        return self.quantity * self.unit_paise


@dataclass(frozen=True)
class NewBill:
    """A bill to issue. `patient` is who was treated, `recipient` whom it is made out to."""

    contact_id: int
    patient: str
    recipient: str
    lines: List[NewLine]
    language: str = "en"
    address: Optional[str] = None
    appointment_id: Optional[int] = None
    course_id: Optional[int] = None

    @property
    def paise(self) -> int:
        """What it comes to."""
        return sum(line.paise for line in self.lines)


def financial_year(day: date) -> int:
    """The year in which the financial year of that day began, on 1 April."""
    return day.year if day.month >= 4 else day.year - 1


def keep_until(year: int) -> date:
    """The last day on which tax law wants a bill of that financial year kept.

    72 months from the due date of the year's annual return, which is 31 December after its end
    (CGST Act 2017, sections 36 and 44).
    """
    return date(year + 1 + 6, 12, 31)


def tidy(words: str) -> str:
    """The words on one line, without what cannot be printed."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())


def check(wanted: NewBill) -> None:
    """Refuse what cannot be billed.

    Raises:
        BillRefused.
    """
    for name in (wanted.patient, wanted.recipient):
        if not 0 < len(tidy(name)) <= LONGEST_NAME:
            raise BillRefused("patient")
    if len(tidy(wanted.address or "")) > LONGEST_ADDRESS:
        raise BillRefused("address")
    if not wanted.lines:
        raise BillRefused("no_lines")
    if len(wanted.lines) > MOST_LINES:
        raise BillRefused("too_many_lines")
    for number, line in enumerate(wanted.lines, 1):
        _check_line(line, number)
    if not 0 < wanted.paise <= LARGEST_PAISE:
        raise BillRefused("total")


def _check_line(line: NewLine, number: int) -> None:
    if not 0 < len(tidy(line.description)) <= LONGEST_DESCRIPTION:
        raise BillRefused("description", number)
    if not 1 <= line.quantity <= MOST_OF_ONE:
        raise BillRefused("quantity", number)
    if not 0 <= line.unit_paise <= LARGEST_PAISE:
        raise BillRefused("price", number)
    if not re.fullmatch(SAC, line.sac):
        raise BillRefused("taxable", number)


def checked_reference(how: str, reference: Optional[str]) -> Optional[str]:
    """The reference as it is kept; None where there is none and none is needed.

    Raises:
        BillRefused: `reference_needed` for a transfer without one, `reference` for no such thing.
    """
    given = tidy(reference or "")
    transferred = how in (UPI, BANK)
    if not given:
        if transferred:
            raise BillRefused("reference_needed")
        return None
    if not (_UTR if transferred else _REFERENCE).fullmatch(given):
        raise BillRefused("reference")
    return given.upper()
