"""Who may do and see what: one table of rules, and the places that keep to it."""
