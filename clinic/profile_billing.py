"""What a bill of supply says of the clinic: the `billing:` section of `clinic.yml`.

Physiotherapy by a clinical establishment is health care exempt from GST (SAC 9993), for which a
bill of supply is written (CGST Rules 2017, rule 49). Goods and wellness are taxable and need a tax
invoice: nothing of that kind can be said here.
"""

from __future__ import annotations

from typing import Optional

from pydantic import Field, validator
from stdnum.exceptions import ValidationError
from stdnum.in_ import gstin

from clinic.profile_values import Name, Part

# the service accounting codes of human health services, 4, 6 or 8 digits
SAC = r"^9993([0-9]{2}){0,2}$"
# with the financial year and a running number it stays within the 16 signs of a serial
SERIAL_PREFIX = r"^[A-Z0-9]{1,4}$"
# NPCI, "UPI Linking Specifications": a virtual payment address
UPI_ID = r"^[A-Za-z0-9._-]{2,200}@[A-Za-z][A-Za-z0-9]{1,63}$"


class Billing(Part):
    """The supplier on the clinic's bills, their numbering, and where a UPI payment goes.

    `address` is the clinic's where it is left out; a clinic that is not registered has no `gstin`.
    """

    legal_name: str = Field(..., min_length=1, max_length=120)
    address: Optional[Name] = None
    gstin: Optional[str] = None
    sac: str = Field("9993", regex=SAC)
    serial_prefix: str = Field(..., regex=SERIAL_PREFIX)
    upi_id: Optional[str] = Field(None, regex=UPI_ID)
    upi_name: Optional[str] = Field(None, min_length=1, max_length=50)

    @validator("gstin")
    def _with_a_right_checksum(cls, value: Optional[str]) -> Optional[str]:
        if value is None:
            return None
        try:
            return str(gstin.validate(value))
        except ValidationError:
            raise ValueError(
                "is no GSTIN: 15 characters whose last one checks the others; leave it out where "
                "the clinic is not registered"
            ) from None

    @property
    def payee(self) -> str:
        """Whom a UPI app names: `upi_name`, else the legal name."""
        return self.upi_name or self.legal_name
