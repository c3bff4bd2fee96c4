"""`sandhi calendar`: the secret address of a clinician's calendar feed."""

from __future__ import annotations

import typer

from sandhi.console import Refusal, open_database, out


def calendar(
    clinician: str = typer.Argument(..., help="Code of the clinician, as in clinic.yml."),
    rotate: bool = typer.Option(
        False, "--rotate", help="Make a new address; the old one shows nothing any more."
    ),
) -> None:
    """Print the address of a clinician's read-only calendar feed, for their calendar program.

    Only a hash of the secret is kept, so an address is shown once; --rotate makes another.
    """
    from clinic.database import now
    from clinic.icalendars import has_feed, new_feed
    from clinic.scheduling.errors import UnknownClinician
    from clinic.settings import settings

    configured = settings()
    try:
        with open_database().transaction() as session:
            if has_feed(session, clinician) and not rotate:
                raise Refusal(
                    f"'{clinician}' has a feed, and its address is not kept in readable form: "
                    "use --rotate for a new one."
                )
            token = new_feed(session, clinician, now())
    except UnknownClinician:
        raise Refusal(f"There is no clinician '{clinician}'.") from None
    base = configured.inbox_public_url or f"http://{configured.host}:{configured.inbox_port}"
    out.print(f"{base}/calendar/{token}.ics", soft_wrap=True)
