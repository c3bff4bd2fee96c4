"""A refusal in Meta's words: the error envelope of the Graph API."""

from __future__ import annotations

import secrets
from typing import Any, Dict, Optional

from channels.simulator.rules import ERRORS, ErrorKind, Rule


class RefusalError(Exception):
    """Raised where a rule is broken; the Graph endpoints answer it as Meta does."""

    def __init__(
        self,
        code: int,
        details: str,
        rule: str = "",
        subcode: Optional[int] = None,
        http_status: Optional[int] = None,
    ) -> None:
        kind = ERRORS.get(code, ErrorKind("Unknown error"))
        super().__init__(f"{code}: {rule}")
        self.code = code
        self.rule = rule
        self.details = details
        self.subcode = subcode
        self.title = kind.title
        self.http_status = http_status or kind.http_status

    def envelope(self) -> Dict[str, Any]:
        """The JSON body of the answer."""
        message = self.title if self.code in (0, 1, 2, 190) else f"(#{self.code}) {self.title}"
        error: Dict[str, Any] = {
            "message": message,
            "type": "OAuthException",
            "code": self.code,
            "error_data": {"messaging_product": "whatsapp", "details": self.details},
            "fbtrace_id": "A" + secrets.token_urlsafe(16),
        }
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        return {"error": error}


def broken(rule: Rule, what: str = "") -> RefusalError:
    """The refusal that `rule` calls for; `what` names the offending field or value."""
    details = rule.says.format(limit=int(rule.limit) if rule.limit else "", what=what)
    return RefusalError(rule.code, details, rule.name, rule.subcode)
