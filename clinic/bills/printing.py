"""A bill on one page of A4. The same bill in the same state gives the same bytes.

The letters are Mukta's (Ek Type, SIL OFL), which has Latin, Devanagari and the rupee; HarfBuzz
puts Devanagari together as it is written. A sign that Mukta lacks prints as an empty box.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Dict, Sequence, Tuple

import fontpkg
import phonenumbers
from babel.numbers import format_decimal
from fpdf import FPDF

from clinic.bills.drafts import bill_words
from clinic.bills.issuing import day_words
from clinic.bills.upi import qr_runs, upi_link
from clinic.models import Bill
from clinic.models.bills import CANCELLED

LEFT, RIGHT, TOP = 18.0, 192.0, 18.0
WIDTH = RIGHT - LEFT
# what, how wide in mm, to which side
COLUMNS: Tuple[Tuple[str, float, str], ...] = (
    ("description", 88.0, "L"),
    ("sac", 18.0, "L"),
    ("quantity", 14.0, "R"),
    ("rate", 26.0, "R"),
    ("amount", 28.0, "R"),
)
ACCENT, INK, QUIET, LINE = (15, 110, 102), (22, 33, 31), (85, 99, 95), (213, 221, 219)
SOFT, RED, PALE_RED = (238, 245, 244), (179, 38, 30), (250, 226, 224)
QR_SIDE = 34.0


def bill_pdf(bill: Bill, due_paise: int) -> bytes:
    """The bill as a PDF; with a UPI code while something is due and the clinic has a UPI id."""
    page = _Page(bill)
    page.head()
    page.parties()
    page.table()
    page.sums(due_paise)
    page.foot()
    return bytes(page.pdf.output())


def money(paise: int) -> str:
    """An amount with paise, as Indian papers write it: `1,12,500.00`."""
    return str(format_decimal(Decimal(paise) / 100, "#,##,##0.00", locale="en_IN"))


class _Page:
    def __init__(self, bill: Bill) -> None:
        self._bill = bill
        self._supplier: Dict[str, str] = dict(bill.supplier)
        self._words = bill_words(str(bill.language))
        self.pdf = pdf = FPDF(format="A4")
        # what would make two prints of one bill differ
        pdf.set_creation_date(bill.issued_at)
        pdf.set_title(f"{self._words['title']} {bill.serial}")
        pdf.set_lang(f"{bill.language}-IN")
        pdf.set_auto_page_break(False)
        for style, weight in (("", 400), ("B", 600)):
            pdf.add_font("Mukta", style, fontpkg.path("Mukta", weight))
        pdf.add_page()
        pdf.set_text_shaping(True)
        self._y = TOP

    def head(self) -> None:
        """Who supplies, and what paper this is."""
        if self._bill.state == CANCELLED:
            self._stamp()
        y = self._y
        self._text(LEFT, y, 110, self._supplier["name"], 15, bold=True)
        self._text(RIGHT - 62, y, 62, self._words["title"], 15, ACCENT, "R", bold=True)
        y += 8
        phone = phonenumbers.format_number(
            phonenumbers.parse(self._supplier["phone"]),
            phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        )
        lines = [f"{self._words['phone']} {phone}"]
        if self._supplier["gstin"]:
            lines.append(f"{self._words['gstin']} {self._supplier['gstin']}")
        below = self._block(LEFT, y, 110, self._supplier["address"], 9.5, QUIET)
        for line in lines:
            below = self._block(LEFT, below, 110, line, 9.5, QUIET)
        number = f"{self._words['number']} {self._bill.serial}"
        self._text(RIGHT - 62, y, 62, number, 11, align="R", bold=True)
        day = f"{self._words['date']} {day_words(self._bill.day)}"
        self._text(RIGHT - 62, y + 6, 62, day, 9.5, QUIET, "R")
        under = y + 12
        if self._bill.state == CANCELLED:
            self._text(RIGHT - 62, under, 62, self._words["cancelled"], 11, RED, "R", bold=True)
            under += 6
        self._y = max(below, under) + 5
        self._rule(ACCENT, 0.6)

    def parties(self) -> None:
        """Whom it is made out to, and who was treated where that is somebody else."""
        bill = self._bill
        self._y += 4
        half = WIDTH / 2
        self._text(LEFT, self._y, half, self._words["recipient"], 8.5, QUIET)
        below = self._block(LEFT, self._y + 4.5, half, bill.recipient_name, 11, bold=True)
        if bill.recipient_address:
            below = self._block(LEFT, below, half, bill.recipient_address, 9.5, QUIET)
        if str(bill.patient.name).casefold() != str(bill.recipient_name).casefold():
            self._text(LEFT + half, self._y, half, self._words["patient"], 8.5, QUIET)
            self._text(LEFT + half, self._y + 4.5, half, bill.patient.name, 11)
        self._y = below + 5

    def table(self) -> None:
        """The lines, lower the more there are, so that all of them stay on one page."""
        self.pdf.set_fill_color(*SOFT)
        self.pdf.rect(LEFT, self._y, WIDTH, 7.5, style="F")
        self._row([self._words[name] for name, _wide, _side in COLUMNS], 7.5, 8.5, QUIET, True)
        height = 8.5 if len(self._bill.lines) <= 10 else 6.2
        for line in self._bill.lines:
            cells = [
                str(line.description),
                str(line.sac),
                str(line.quantity),
                money(int(line.unit_paise)),
                money(int(line.amount_paise)),
            ]
            self._row(cells, height, 10, INK, False)
            self._rule(LINE, 0.2)

    def sums(self, due_paise: int) -> None:
        """What it comes to, what came, what is due, and how to pay that."""
        total = int(self._bill.total_paise)
        cancelled = self._bill.state == CANCELLED
        rows = [(self._words["total"], f"₹{money(total)}", True)]
        if not cancelled and due_paise < total:
            rows.append((self._words["received"], f"₹{money(total - due_paise)}", False))
        if not cancelled and due_paise:
            rows.append((self._words["due"], f"₹{money(due_paise)}", True))
        self._y += 3
        top = self._y
        for label, amount, bold in rows:
            self._text(RIGHT - 84, self._y, 48, label, 11, align="R", bold=bold)
            self._text(RIGHT - 36, self._y, 36, amount, 11, align="R", bold=bold)
            self._y += 7
        if not cancelled and not due_paise:
            said = self._words["paid"]
            self._text(RIGHT - 84, self._y, 84, said, 11, ACCENT, "R", bold=True)
        if due_paise and self._supplier["upi_id"]:
            self._upi(top, due_paise)

    def foot(self) -> None:
        """Why there is no tax on it and no signature under it."""
        self._y = 279.0
        self._rule(LINE, 0.2)
        self._text(LEFT, 281, WIDTH, self._words["exempt"], 8, QUIET)

    def _upi(self, top: float, due_paise: int) -> None:
        supplier = self._supplier
        link = upi_link(supplier["upi_id"], supplier["upi_name"], due_paise, str(self._bill.serial))
        side, runs = qr_runs(link)
        module = QR_SIDE / side
        self.pdf.set_fill_color(*INK)
        for x, y, length in runs:
            self.pdf.rect(LEFT + x * module, top + y * module, length * module, module, style="F")
        beside = LEFT + QR_SIDE + 4
        self._text(beside, top, 46, self._words["pay"], 10, bold=True)
        self._text(beside, top + 5.5, 46, supplier["upi_id"], 9)
        self._block(beside, top + 11, 46, self._words["pay_hint"], 8, QUIET)

    def _stamp(self) -> None:
        pdf = self.pdf
        with pdf.rotation(35, 105, 150):
            self._text(5, 135, 200, self._words["cancelled"].upper(), 72, PALE_RED, "C", True)

    def _row(
        self,
        cells: Sequence[str],
        height: float,
        size: float,
        colour: Tuple[int, int, int],
        bold: bool,
    ) -> None:
        x = LEFT
        for text, (_name, wide, side) in zip(cells, COLUMNS, strict=True):
            self._text(x + 1, self._y, wide - 2, text, size, colour, side, bold, height)
            x += wide
        self._y += height

    def _text(
        self,
        x: float,
        y: float,
        wide: float,
        text: str,
        size: float,
        colour: Tuple[int, int, int] = INK,
        align: str = "L",
        bold: bool = False,
        high: float = 6.0,
    ) -> None:
        """One line of text, smaller where it would not fit."""
        pdf = self.pdf
        pdf.set_font("Mukta", "B" if bold else "", size)
        needed = pdf.get_string_width(text)
        if needed > wide:
            pdf.set_font_size(size * wide / needed * 0.99)
        pdf.set_text_color(*colour)
        pdf.set_xy(x, y)
        pdf.c_margin = 0
        pdf.cell(wide, high, text, align=align)

    def _block(
        self,
        x: float,
        y: float,
        wide: float,
        text: str,
        size: float,
        colour: Tuple[int, int, int] = INK,
        bold: bool = False,
    ) -> float:
        """Text on as many lines as it needs; where it ends."""
        pdf = self.pdf
        pdf.set_font("Mukta", "B" if bold else "", size)
        pdf.set_text_color(*colour)
        pdf.set_xy(x, y)
        pdf.c_margin = 0
        pdf.multi_cell(wide, size * 0.48, text, align="L", new_x="LEFT", new_y="NEXT")
        return float(pdf.get_y())

    def _rule(self, colour: Tuple[int, int, int], thick: float) -> None:
        self.pdf.set_draw_color(*colour)
        self.pdf.set_line_width(thick)
        self.pdf.line(LEFT, self._y, RIGHT, self._y)
