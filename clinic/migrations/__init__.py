"""Alembic migrations of the clinic database."""
