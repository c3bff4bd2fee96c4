"""Ready answers: the list, writing one, taking one away."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

from flask import Blueprint, flash, redirect, request, url_for
from flask import render_template as render
from ruamel.yaml import YAML

from clinic.audit import record
from clinic.canned import GAPS, CannedError, list_canned, save_canned, store_file
from clinic.models import CannedReply, StoredFile
from clinic.profile_values import LANGUAGES
from inbox.access.viewer import allowed, needs
from inbox.api.base import ID
from inbox.attachments import uploaded_file
from inbox.errors import Refusal
from inbox.house import house
from inbox.language import t
from inbox.staff import me

pages = Blueprint("canned", __name__)

SUGGESTED = Path(__file__).resolve().parents[2] / "data" / "canned.yml"
WRONG = {
    "title": "Give it a title of at most 60 characters.",
    "empty": "Write the words in one language at least, or add a file.",
    "too_long": "The words may have at most 1024 characters in each language.",
    "not_found": "There is no such ready answer.",
}


@pages.get("/answers")
@needs("reply")
def page() -> str:
    """Every ready answer."""
    return _page()


@pages.get(f"/answers/{ID.format('canned_id')}")
@needs("reply")
def one(canned_id: int) -> str:
    """One of them, to be changed."""
    with house().database.reading() as db:
        row = _row(db, canned_id)
        file = db.get(StoredFile, row.file_id) if row.file_id is not None else None
    return _page(editing=row, file=file)


@pages.post("/answers")
@needs("reply")
def save() -> Any:
    """Write a new one, or the one that the form names anew."""
    canned_id = request.form.get("id", type=int)
    words = {code: request.form.get(f"text_{code}", "").replace("\r\n", "\n") for code in LANGUAGES}
    clinical = request.form.get("clinical") == "1" and allowed("use_clinical_replies")
    title = request.form.get("title", "")
    try:
        found = uploaded_file()
        with house().database.transaction() as db:
            file_id = None
            if canned_id is not None:
                standing = _row(db, canned_id)
                keeps = request.form.get("drop_file") != "1"
                file_id = standing.file_id if keeps else None
            if found is not None:
                file_id = store_file(db, *found)
            row = save_canned(db, canned_id, title, words, clinical, me(), file_id)
            record(db, me(), "canned_written", f"canned:{row.id}")
    except CannedError as error:
        gap = t("There is no such gap: {gap}.", gap="{" + error.gap + "}")
        flash(gap if error.code == "gap" else t(WRONG[error.code]), "bad")
        return _page(typed=_typed(canned_id, title, words, clinical)), 422
    except Refusal as refusal:
        flash(refusal.message, "bad")
        return _page(typed=_typed(canned_id, title, words, clinical)), refusal.status
    flash(t("Kept."), "good")
    return redirect(url_for("canned.page"))


@pages.post(f"/answers/{ID.format('canned_id')}/remove")
@needs("reply")
def remove(canned_id: int) -> Any:
    """Take one away; what was sent with it stays as it was."""
    with house().database.transaction() as db:
        row = _row(db, canned_id)
        file = db.get(StoredFile, row.file_id) if row.file_id is not None else None
        db.delete(row)
        db.flush()
        if file is not None:
            db.delete(file)
        record(db, me(), "canned_removed", f"canned:{canned_id}")
    flash(t("Removed."), "good")
    return redirect(url_for("canned.page"))


@pages.post("/answers/suggested")
@needs("reply")
def suggested() -> Any:
    """Begin with the answers that come along, where there are none yet."""
    entries: List[Dict[str, Any]] = YAML(typ="safe", pure=True).load(SUGGESTED)["canned"]
    with house().database.transaction() as db:
        if not list_canned(db, clinical=True):
            for entry in entries:
                save_canned(db, None, entry["title"], entry["texts"], False, me())
            record(db, me(), "canned_written", "canned:suggested")
    return redirect(url_for("canned.page"))


def _row(db: Any, canned_id: int) -> CannedReply:
    row = db.get(CannedReply, canned_id)
    if row is None or (row.clinical and not allowed("use_clinical_replies")):
        raise Refusal(404, "not_found", t(WRONG["not_found"]))
    return row


def _typed(canned_id: Optional[int], title: str, words: Dict[str, str], clinical: bool) -> Any:
    return {"id": canned_id, "title": title, "texts": words, "clinical": clinical}


def _page(editing: Any = None, file: Any = None, typed: Any = None) -> str:
    with house().database.reading() as db:
        rows = list_canned(db, allowed("use_clinical_replies"))
    return render(
        "canned.html",
        rows=rows,
        editing=typed or editing,
        file=file,
        clinician=allowed("use_clinical_replies"),
        gaps=GAPS,
    )
