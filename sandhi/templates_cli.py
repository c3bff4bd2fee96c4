"""`sandhi templates`: check their files, submit them for review, see what became of them."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import typer
from rich.table import Table

from clinic.settings import settings
from clinic.templates import APPROVED, UTILITY, TemplateBook, TemplateError, Wording, keep_status
from sandhi.console import Refusal, out
from sandhi.writing import template_book

# what WhatsApp lets us edit; nothing else than waiting helps a template in review
EDITABLE = (APPROVED, "REJECTED", "PAUSED")
_WAIT = "submit again when WhatsApp has reviewed it, or give the file a new `name`."
_LIMITED = (
    "WhatsApp takes one edit of an approved template in 24 hours and ten in 30 days: submit again "
    "later, or give the file a new `name`."
)

app = typer.Typer(
    no_args_is_help=True,
    help="Message templates, which alone may go 24 hours after a patient last wrote.",
)


@app.command()
def validate() -> None:
    """Check every file of data/templates against WhatsApp's limits; needs no network."""
    book = _book()
    out.print(f"{len(list(book))} templates are in order.")


@app.command()
def submit() -> None:
    """Submit for review what WhatsApp does not have yet, or has in other words; may be repeated.

    An approved template that is edited may not go again before its new words are approved, and
    WhatsApp takes one such edit in 24 hours and ten in 30 days.
    """
    problems = submit_missing()
    status()
    if problems:
        raise Refusal("\n".join(problems))


@app.command()
def status() -> None:
    """Ask WhatsApp for status and category of each template, and store them for the worker."""
    book = _book()
    table = Table("template", "language", "status", "category", "may go")
    for wording, remote in _read(book):
        found = remote.status if remote else "not submitted"
        table.add_row(
            wording.name,
            wording.code,
            found,
            remote.category if remote else "",
            _may_go(wording, remote),
        )
    out.print(table)


def submit_missing() -> List[str]:
    """Submit what WhatsApp lacks, and edit what differs; one sentence for each it did not take.

    Raises:
        Refusal: if WhatsApp cannot be asked at all.
    """
    from channels.whatsapp.graph import GraphError

    problems: List[str] = []
    with out.status("Submitting"):
        for wording, remote in _read(_book()):
            about = f"{wording.name} ({wording.code})"
            if remote is not None and not _differs(wording, remote):
                continue
            if remote is not None and remote.status not in EDITABLE:
                problems.append(f"{about} was changed, but is {remote.status}: {_WAIT}")
                continue
            try:
                _keep(_submitted(wording, remote))
            except GraphError as error:
                advice = f" {_LIMITED}" if remote is not None else ""
                problems.append(
                    f"{about} was refused: code {error.code}, "
                    f"{error.title or 'no reason given'}.{advice}"
                )
    return problems


def _submitted(wording: Wording, remote: Any) -> Any:
    from channels.whatsapp.template_admin import edit
    from channels.whatsapp.template_admin import submit as submit_one

    if remote is None:
        return submit_one(_client(), _account(), wording)
    return edit(_client(), remote, wording)


def _differs(wording: Wording, remote: Any) -> bool:
    """Whether the file says something else, or another category that can still be changed."""
    moved = remote.category != wording.category and remote.status != APPROVED
    return bool(remote.digest != wording.digest or moved)


def _may_go(wording: Wording, remote: Any) -> str:
    if remote is None:
        return "no: run `sandhi templates submit`"
    if remote.digest != wording.digest:
        return "no: its file was changed; run `sandhi templates submit`"
    if remote.category != UTILITY:
        return "no: WhatsApp counts it as another category"
    if remote.status == APPROVED:
        return "yes"
    return f"no: {remote.reason}" if remote.reason else "no: not approved"


def _read(book: TemplateBook) -> List[Tuple[Wording, Any]]:
    """Each template with what WhatsApp has of it, which is stored on the way."""
    from channels.whatsapp.graph import GraphError
    from channels.whatsapp.template_admin import remote_templates

    try:
        remote: Dict[Tuple[str, str], Any] = {
            (one.name, one.language): one for one in remote_templates(_client(), _account())
        }
    except GraphError as error:
        raise Refusal(
            f"WhatsApp did not list the templates (code {error.code}, {error.title}): check "
            "WHATSAPP_BUSINESS_ACCOUNT_ID, WHATSAPP_ACCESS_TOKEN and WHATSAPP_GRAPH_URL."
        ) from None
    found = [(wording, remote.get((wording.name, wording.code))) for wording in book]
    for _, one in found:
        if one is not None:
            _keep(one)
    return found


def _keep(remote: Any) -> None:
    from clinic.database import database

    with database().transaction() as session:
        keep_status(
            session,
            remote.name,
            remote.language,
            status=remote.status,
            category=remote.category,
            digest=remote.digest,
            reason=remote.reason,
        )


def _book() -> TemplateBook:
    try:
        return template_book()
    except TemplateError as error:
        raise Refusal(str(error)) from None


def _account() -> str:
    account = settings().whatsapp_business_account_id
    if not account:
        raise Refusal(
            "WHATSAPP_BUSINESS_ACCOUNT_ID is not set: it stands beside the phone number's id in "
            "your app's dashboard at Meta."
        )
    return account


def _client() -> Any:
    from channels.whatsapp.graph import GraphClient

    configured = settings()
    try:
        return GraphClient(
            configured.whatsapp_graph_url,
            configured.whatsapp_api_version,
            configured.whatsapp_phone_number_id,
            configured.whatsapp_access_token,
        )
    except ValueError as error:
        raise Refusal(f"The WhatsApp settings are wrong: {error}") from None
