"""Doing a piece of work once for one cause, however often it is asked for."""

from __future__ import annotations

from typing import Any, Callable, Dict

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from clinic.models import DoneWork
from clinic.upsert import insert_new


def once(session: Session, cause: str, work: Callable[[], Dict[str, Any]]) -> Dict[str, Any]:
    """The result of `work` for `cause`: done now, or read from when it was done.

    The claim, the work and its result are one SAVEPOINT of the caller's transaction, so that
    work that raises leaves no trace and may be tried again under the same cause. A second
    process with the same cause waits for the first to commit and then reads its result.

    Args:
        cause: what asked for it and which work it is, such as `wamid.X:book`; ≤ 300 characters.
        work: returns plain JSON values.
    """
    with session.begin_nested():
        if insert_new(session, DoneWork, {"cause": cause, "result": {}}) is None:
            done = session.execute(select(DoneWork.result).where(DoneWork.cause == cause))
            return dict(done.scalar_one())
        result = work()
        session.execute(update(DoneWork).where(DoneWork.cause == cause).values(result=result))
        return dict(result)
