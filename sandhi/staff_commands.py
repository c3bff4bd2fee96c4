"""`sandhi staff`: the accounts of the inbox."""

from __future__ import annotations

import sys
from typing import Any, Callable, Optional

import typer
from rich.table import Table

from sandhi.console import Refusal, open_database, out

app = typer.Typer(no_args_is_help=True, help="Accounts of the people who answer patients.")

LOGIN = typer.Argument(..., help="The login; an e-mail will do.")
BY = "cli"


@app.command()
def add(
    login: str = LOGIN,
    name: str = typer.Option(..., "--name", help="The name colleagues see."),
    role: str = typer.Option(..., "--role", help="front_desk, physiotherapist or manager."),
    ask: bool = typer.Option(False, "--ask", help="Type a password instead of getting one."),
    password_stdin: bool = typer.Option(
        False, "--password-stdin", help="Read the password from standard input."
    ),
) -> None:
    """Add an account. Without --ask a password is made, printed once, and changed at first use."""
    from clinic import staff

    given = _given_password(ask, password_stdin)
    password = given or staff.generate_password()

    def work(session: Any) -> None:
        staff.add(session, login, name, role, password, by=BY, must_change=given is None)

    _do(work)
    out.print(f"{login} can sign in as {role}.", soft_wrap=True)
    if given is None:
        _print_password(password)


@app.command("list")
def list_all() -> None:
    """Every account."""
    from clinic import staff

    table = Table("login", "name", "role", "two-step", "state", "last seen", box=None)
    with open_database().reading() as session:
        for person in staff.everyone(session):
            seen = person.last_seen_at
            table.add_row(
                person.login,
                person.name,
                person.role,
                "on" if person.totp_secret else "off",
                "active" if person.active else "shut",
                seen.isoformat(timespec="minutes") if seen else "never",
            )
    out.print(table)


@app.command()
def role(login: str = LOGIN, new_role: str = typer.Argument(..., metavar="ROLE")) -> None:
    """Give another role: front_desk, physiotherapist or manager."""
    from clinic import staff

    _do(lambda session: staff.set_role(session, _person(session, login), new_role, BY))
    out.print(f"{login} is {new_role} from now on.", soft_wrap=True)


@app.command()
def disable(login: str = LOGIN) -> None:
    """Shut an account; its sessions end now."""
    from clinic import staff

    _do(lambda session: staff.set_active(session, _person(session, login), False, BY))
    out.print(f"{login} cannot sign in any more.", soft_wrap=True)


@app.command()
def enable(login: str = LOGIN) -> None:
    """Open an account that was shut."""
    from clinic import staff

    _do(lambda session: staff.set_active(session, _person(session, login), True, BY))
    out.print(f"{login} can sign in again.", soft_wrap=True)


@app.command()
def reset(login: str = LOGIN) -> None:
    """A new password (printed once), two-step sign-in off, locks off, signed out everywhere."""
    from clinic import staff

    password = staff.generate_password()
    _do(lambda session: staff.reset(session, _person(session, login), password, BY))
    out.print(f"{login} was reset.", soft_wrap=True)
    _print_password(password)


def _do(work: Callable[[Any], None]) -> None:
    from clinic.staff import StaffError

    try:
        with open_database().transaction() as session:
            work(session)
    except StaffError as error:
        raise Refusal(str(error)) from None


def _person(session: Any, login: str) -> Any:
    from clinic import staff

    person = staff.find(session, login)
    if person is None:
        raise Refusal(f"There is no account {login}: `sandhi staff list` shows all.")
    return person


def _given_password(ask: bool, from_stdin: bool) -> Optional[str]:
    if ask and from_stdin:
        raise Refusal("Use --ask or --password-stdin, not both.")
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if ask:
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return None


def _print_password(password: str) -> None:
    out.print(f"Password, shown this once: {password}", soft_wrap=True)
