"""The calendar: what is free, and taking, moving and giving back a slot."""
