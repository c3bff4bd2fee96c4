"""The clinic itself: settings, database models and services; no Rasa, no web, no HTTP."""
