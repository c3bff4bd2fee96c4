"""Rasa custom actions, one file per conversation. Words come from the domain's responses."""
