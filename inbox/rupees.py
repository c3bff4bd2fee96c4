"""Rupees as staff type them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation


def paise_of(given: str) -> int:
    """An amount typed as rupees, `1,200` or `600.50`, in paise.

    Raises:
        ValueError: if it is none, or has parts of a paisa.
    """
    try:
        paise = Decimal(given.replace(",", "").strip()) * 100
        whole = paise == paise.to_integral_value()
    except InvalidOperation:
        whole = False
    if not whole or not 0 <= paise < 10**12:
        raise ValueError("no amount in rupees")
    return int(paise)


def rupees_of(paise: int) -> str:
    """An amount as it would be typed: `1200`, `600.50`."""
    rupees, rest = divmod(paise, 100)
    return f"{rupees}.{rest:02}" if rest else str(rupees)
