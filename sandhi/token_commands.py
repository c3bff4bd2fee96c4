"""`sandhi token`: keys to the inbox API for programs."""

from __future__ import annotations

from typing import List

import typer
from rich.table import Table

from sandhi.console import Refusal, open_database, out

app = typer.Typer(no_args_is_help=True, help="Keys to the inbox API, each with its scopes.")


@app.command()
def add(
    label: str = typer.Argument(..., help="What the token is for."),
    scope: List[str] = typer.Option(
        ..., "--scope", help="May be given several times: handoffs:read, messages:write ..."
    ),
) -> None:
    """Make a token; it is printed once."""
    from clinic import tokens

    try:
        with open_database().transaction() as session:
            token, clear = tokens.add(session, label, scope)
            number = int(token.id)
    except tokens.TokenError as error:
        raise Refusal(str(error)) from None
    out.print(f"Token {number}, shown this once: {clear}", soft_wrap=True)


@app.command("list")
def list_all() -> None:
    """Every token."""
    from clinic import tokens

    table = Table("token", "for", "scopes", "made", "last used", "state", box=None)
    with open_database().reading() as session:
        for token in tokens.everything(session):
            used = token.last_used_at
            table.add_row(
                str(token.id),
                token.label,
                token.scopes,
                token.created_at.isoformat(timespec="minutes"),
                used.isoformat(timespec="minutes") if used else "never",
                "revoked" if token.revoked_at else "active",
            )
    out.print(table)


@app.command()
def revoke(number: int = typer.Argument(..., help="As `sandhi token list` shows it.")) -> None:
    """End a token at once."""
    from clinic import tokens

    try:
        with open_database().transaction() as session:
            tokens.revoke(session, number)
    except tokens.TokenError as error:
        raise Refusal(str(error)) from None
    out.print(f"Token {number} is revoked.")
