"""Views of material: bring it in, in parts where the browser can, read it, give it up."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from flask import Blueprint, Response, flash, jsonify, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as BaseResponse

from counsel.access.gate import refuse
from counsel.access.sign_ins import SignedIn
from counsel.confidentiality.permissions import Permission
from counsel.core.database import house_of
from counsel.core.errors import InvalidError
from counsel.core.ids import parse_id
from counsel.pathway.cases.dossier import signed_items
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import find_case
from counsel.pathway.material.reading import Held, bytes_of, find_material, materials_in, open_material
from counsel.pathway.material.services import begin, bring_part, finish, give_up
from counsel.records.inspecting import PICTURE
from counsel.records.material import PART_BYTES, length_of_part, parts_in, parts_of
from counsel.records.models import Item, Material
from counsel.records.scanning import is_scanning
from counsel.web.forms import clean
from counsel.web.messages import problem_words
from counsel.web.page import go, page, whole

blueprint = Blueprint("material", __name__)
ADD, READ = Permission.CASE_FOLLOW_UP, Permission.CASE_READ
KIND_WORDS = {
    "record": _l("case record"),
    "test": _l("test data"),
    "letter": _l("letter"),
    "audio": _l("sound recording"),
    "video": _l("video recording"),
    "other": _l("other"),
}
BROUGHT = ("record", "test", "letter", "other")
SMALL = 5 * 1024 * 1024  # what a form without script may carry in one request
MOST_DIGITS = 15
RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})$")


@page(blueprint, "/cases/<case>/material", READ, ("GET", "POST"))
def material(db: Session, actor: SignedIn, case: str) -> Any:
    """Everything that was brought into a case; a form to bring in more."""
    permission = ADD if request.method == "POST" else READ
    found = find_case(db, actor=actor, case_id=parse_id(case), permission=permission)
    if request.method == "GET":
        return _list(db, actor, found)
    file = request.files.get("file")
    try:
        row = begin(db, actor=actor, case=found, **_typed(file))
        if request.form.get("do") == "parts":
            return parts_follow(row)
        assert file is not None
        bring_whole(db, actor, row, file)
    except InvalidError as error:
        return _refused(db, actor, found, error)
    flash(_("Looked through, sealed and kept."))
    return go(url_for("material.material", case=found.case_id))


def _typed(file: FileStorage | None) -> dict[str, Any]:
    """Return what was typed, and how long the file is: as announced for one that comes in parts, else as it came."""
    return {
        "kind": request.form.get("kind", ""),
        "title": clean(request.form.get("title")),
        "remark": clean(request.form.get("remark")),
        "proves": parse_id(request.form.get("proves", "")),
        "strip": request.form.get("strip") == "y",
        "size": announced() if request.form.get("do") == "parts" else came(file),
    }


def came(file: FileStorage | None) -> int:
    """Return how many bytes of a file have come with the form."""
    return len(file.stream.getbuffer()) if file is not None and isinstance(file.stream, BytesIO) else 0


def announced() -> int:
    """Return how many bytes the sender says will come; more digits than any file has are none."""
    size = request.form.get("size", "")
    return int(size) if size.isascii() and size.isdecimal() and len(size) <= MOST_DIGITS else 0


def parts_follow(row: Material) -> Any:
    """Tell the browser where the parts of a file go, and how long each is."""
    return jsonify(at=url_for("material.bring", material=row.material_id), part=PART_BYTES)


def bring_whole(db: Session, actor: SignedIn, row: Material, file: FileStorage) -> None:
    """Take a file that came with its form as the parts it would have come in, and keep it."""
    size = len(file.stream.getbuffer())  # type: ignore[attr-defined]
    for number in range(parts_of(size)):
        bring_part(db, actor=actor, row=row, number=number, read=file.stream.read, length=length_of_part(size, number))
    finish(db, actor=actor, row=row)


def _refused(db: Session, actor: SignedIn, case: Case, error: InvalidError) -> Any:
    problems = {name: problem_words(code) for name, code in error.problems.items()}
    if request.form.get("do") == "parts":
        return jsonify(problems=problems), 422
    return _list(db, actor, case, problems), 422


def _signed(db: Session, case: Case) -> list[Item]:
    """Return the signed forms, which a scanned paper can prove."""
    return [item for item in signed_items(db, case).values() if item.state == "signed"]


def _list(db: Session, actor: SignedIn, case: Case, problems: dict[str, str] | None = None) -> str:
    place: dict[str, Any] = {"rows": materials_in(db, actor=actor, case=case), "forms": _signed(db, case)}
    place |= {"kinds": BROUGHT, "said": KIND_WORDS, "problems": problems or {}, "scanned": is_scanning(db)}
    place |= {"most": house_of(db).settings.document_most_mib, "small": SMALL // 1024 // 1024, "typed": request.form}
    return render_template("material/material.html", case=case, **place)


@page(blueprint, "/material/<material>/parts", ADD, ("GET", "POST"))
def bring(db: Session, actor: SignedIn, material: str) -> Any:
    """Which parts have arrived; or take the next one, whose number is in the address and whose bytes are the body."""
    row, _case = find_material(db, actor=actor, material_id=parse_id(material), permission=ADD)
    if request.method == "GET":
        return jsonify(have=[part.number for part in parts_in(db, row)], of=row.parts, state=row.state)
    number, length = whole(request.args.get("number", "")), request.content_length or 0
    try:
        bring_part(db, actor=actor, row=row, number=-1 if number is None else number, read=request.stream.read, length=length)
    except InvalidError as error:
        return _wrong(error)
    return jsonify(have=number)


def _wrong(error: InvalidError) -> Any:
    return jsonify(problems={name: problem_words(code) for name, code in error.problems.items()}), 422


@page(blueprint, "/material/<material>/done", ADD, ("POST",))
def done(db: Session, actor: SignedIn, material: str) -> Any:
    """All parts have arrived: look through it and keep it, or give it up."""
    row, case = find_material(db, actor=actor, material_id=parse_id(material), permission=ADD)
    if request.form.get("do") == "give_up":
        give_up(db, actor=actor, row=row)
        return go(url_for(_page_of(row), case=case.case_id))
    try:
        finish(db, actor=actor, row=row)
    except InvalidError as error:
        return _wrong(error)
    flash(
        _("Looked through, sealed and kept.") if row.consent_id is None else _("Sealed and kept, for those who were agreed to.")
    )
    return jsonify(to=url_for(_page_of(row), case=case.case_id))


def _page_of(row: Material) -> str:
    return "material.material" if row.consent_id is None else "material.recordings"


@page(blueprint, "/material/<material>", READ)
def one(db: Session, actor: SignedIn, material: str) -> Any:
    """One material: shown here when it is a picture, else saved as a file whose name says nothing."""
    row, case = find_material(db, actor=actor, material_id=parse_id(material), permission=READ)
    if row.consent_id is not None:
        refuse(db, actor, READ, row.material_id)  # a recording has a rule of its own
    held, box = open_material(db, actor=actor, row=row)
    asked = asked_range(held)
    start, length = asked or (0, held.size)
    body = bytes_of(db, held_=held, box=box, start=start, length=length)
    how = "inline" if held.type is not None and held.type.family == PICTURE else "attachment"
    return answer_range(held, case, body, (start, length), partial=asked is not None, how=how)


def asked_range(held: Held) -> tuple[int, int] | None:
    """Return (first byte, how many) that was asked for; None for all of it, and for a range that makes no sense."""
    asked = RANGE.match(request.headers.get("Range", ""))
    if asked is None or int(asked[1]) >= held.size:
        return None
    first, last = int(asked[1]), min(int(asked[2]) if asked[2] else held.size - 1, held.size - 1)
    return (first, last - first + 1) if first <= last else None


def answer_range(
    held: Held, case: Case, body: Iterator[bytes], span: tuple[int, int], *, partial: bool, how: str
) -> BaseResponse:
    """Answer with bytes of opened material under a name that says nothing, and nothing in them may run."""
    found = held.type
    assert found is not None
    response = Response(body, status=206 if partial else 200, mimetype=found.mime)
    start, length = span
    response.headers["Content-Length"], response.headers["Accept-Ranges"] = str(length), "bytes"
    if partial:
        response.headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{held.size}"
    response.headers["Content-Disposition"] = f'{how}; filename="{case.case_no:04}-{held.row.number}.{found.name}"'
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
