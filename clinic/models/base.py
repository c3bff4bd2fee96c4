"""The declarative base and the column types that every table shares."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData
from sqlalchemy.orm import declarative_base

# names given by rule, so that a migration can name what it alters on both databases
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite numbers rows by itself only where the type is INTEGER
BigId = BigInteger().with_variant(Integer, "sqlite")

Base = declarative_base(metadata=MetaData(naming_convention=NAMING))
