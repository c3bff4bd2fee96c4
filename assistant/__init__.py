"""Rasa's own parts of Sandhi: language and time understanding, memory, words, the server."""
