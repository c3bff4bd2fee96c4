"""Insert a row unless its unique key is already there, on either database."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Dict, Optional, Tuple

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.sql.schema import Table

from clinic.database import connection_of


def insert_new(session: Session, model: Any, values: Dict[str, Any]) -> Optional[int]:
    """Insert `values`; the new primary key, or None where a unique key already stood."""
    table: Table = model.__table__
    row = {**_defaults(table), **values}
    # SQLite 3.34 knows no RETURNING
    returning = session.get_bind().dialect.name != "sqlite"
    statement = _statement(table, tuple(sorted(row)), returning)
    result = connection_of(session).execute(statement, row)
    if returning:
        return result.scalar_one_or_none()
    return result.lastrowid if result.rowcount == 1 else None


def put(session: Session, model: Any, values: Dict[str, Any]) -> None:
    """Write a row whole, over the one that has its primary key if there is one."""
    statement = _put_statement(model.__table__, tuple(sorted(values)))
    connection_of(session).execute(statement, values)


def _defaults(table: Table) -> Dict[str, Any]:
    return {
        column.name: column.default.arg(None) if column.default.is_callable else column.default.arg
        for column in table.columns
        if column.default is not None
    }


@lru_cache(maxsize=64)
def _put_statement(table: Table, names: Tuple[str, ...]) -> TextClause:
    keys = [column.name for column in table.primary_key.columns]
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name not in keys)
    listed = ", ".join(f'"{key}"' for key in keys)
    return _bound(table, names, f"ON CONFLICT ({listed}) DO UPDATE SET {changes}")


@lru_cache(maxsize=64)
def _statement(table: Table, names: Tuple[str, ...], returning: bool) -> TextClause:
    """Written once for each set of columns: SQLAlchemy compiles its own form anew every time."""
    ending = "ON CONFLICT DO NOTHING"
    if returning:
        key = table.primary_key.columns.values()[0].name
        ending += f' RETURNING "{key}"'
    return _bound(table, names, ending)


def _bound(table: Table, names: Tuple[str, ...], ending: str) -> TextClause:
    columns = ", ".join(f'"{name}"' for name in names)
    places = ", ".join(f":{name}" for name in names)
    sql = f'INSERT INTO "{table.name}" ({columns}) VALUES ({places}) {ending}'  # noqa: S608 - names of our own tables
    return text(sql).bindparams(
        *(bindparam(name, type_=table.columns[name].type) for name in names)
    )
