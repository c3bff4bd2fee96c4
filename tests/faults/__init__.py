"""Planted faults: whether the state machines would notice if a promise were broken."""
