"""What the clinic writes of its own accord about visits and courses, and when.

`replan` follows every change of a visit; `clinic.reminders.deciding` decides at the moment of
sending. Import `deciding` and `missed` from their modules: the calendar imports this package.
"""

from clinic.reminders.planning import replan, replan_all

__all__ = ["replan", "replan_all"]
