"""No reminder is ever wrong: random histories of visits, people, workers and the clock."""

from __future__ import annotations

from clinic.database import Database
from clinic.profile import Profile, Reminders
from tests.clinic import machines
from tests.clinic.reminders_machine import Reminding
from tests.clinic.reminders_truth import QUIET_FROM, QUIET_UNTIL


def test_no_reminder_is_ever_wrong(hasty: Database, small_profile: Profile) -> None:
    quiet = {"quiet_from": f"{QUIET_FROM:%H:%M}", "quiet_until": f"{QUIET_UNTIL:%H:%M}"}
    profile = small_profile.copy(update={"reminders": Reminders.parse_obj(quiet)})
    machines.run(lambda: Reminding(hasty, profile), examples=16, steps=60)
