"""The UPI intent link of a bill and its QR code; it confirms nothing, staff see the money come.

Source: NPCI, "UPI Linking Specifications" (pa, pn, am, cu, tn, tr).
"""

from __future__ import annotations

from typing import List, Tuple
from urllib.parse import quote, urlencode

import segno


def upi_link(upi_id: str, name: str, paise: int, serial: str) -> str:
    """The link that opens any UPI app with payee and amount filled in."""
    fields = {
        "pa": upi_id,
        "pn": name,
        "am": f"{paise // 100}.{paise % 100:02}",
        "cu": "INR",
        "tn": serial,
        "tr": serial,
    }
    return "upi://pay?" + urlencode(fields, quote_via=quote, safe="@")


def qr_runs(link: str) -> Tuple[int, List[Tuple[int, int, int]]]:
    """A QR code as dark runs (column, row, length) on a square of so many modules a side."""
    code = segno.make(link, error="m", micro=False, boost_error=False)
    runs: List[Tuple[int, int, int]] = []
    for y, row in enumerate(code.matrix):
        x = 0
        while x < len(row):
            begin = x
            while x < len(row) and row[x]:
                x += 1
            if x > begin:
                runs.append((begin, y, x - begin))
            x += 1
    return len(code.matrix), runs
