"""Process notes: a counsellor's own working thoughts, apart from the file, for the author alone; never archived (篇4 二)."""

from sqlalchemy.orm import Session

from counsel.access.gate import keys_of, require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import Recorder, recording
from counsel.confidentiality.permissions import Permission
from counsel.core.errors import InvalidError
from counsel.keys.boxes import create_box, open_box
from counsel.keys.grants import Reader
from counsel.keys.rotation import open_for_writing
from counsel.keys.trust import holder_row
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import case_facts
from counsel.pathway.sessions.models import ProcessBox
from counsel.records.services import item_of, open_bodies, save_draft, start_item

KIND = "process"
LONGEST = 20_000


def write_process_note(db: Session, *, actor: SignedIn, case: Case, text: str, seen_version: int) -> int:
    """Save one's working note on a case; it stays a draft for ever and can be emptied.

    :raises ConflictError: another tab was faster; :raises InvalidError: too long.

    Records: ``pathway:process:written``.
    """
    require(db, actor, Permission.PROCESS_NOTE, case_facts(db, case), object_id=case.case_id)
    if len(text) > LONGEST:
        raise InvalidError(text="too_long")
    keyring = keys_of(db, actor)
    with recording(db) as record:
        row = db.get(ProcessBox, (case.case_id, keyring.holder_id))
        if row is None:
            me = holder_row(db, keyring.holder_id, keyring.version)
            assert me is not None
            box = create_box(db, kind="process", readers=[Reader(me, "author")], granter=keyring)
            db.add(ProcessBox(case_id=case.case_id, author_id=keyring.holder_id, box_id=box.box_id))
            start_item(db, box=box, kind=KIND, author=keyring.holder_id, content={"text": text})
            version = 1
        else:
            item = item_of(db, row.box_id, KIND)
            assert item is not None
            box = open_for_writing(db, keyring, row.box_id)
            place = {"item": item, "author": keyring.holder_id, "seen_version": seen_version}
            version = save_draft(db, box=box, content={"text": text}, **place)  # type: ignore[arg-type]
        _line(record, actor, case, "written")
    return version


def _line(record: Recorder, actor: SignedIn, case: Case, what: str) -> None:
    record.by(actor, f"pathway:process:{what}", subject_id=case.client_id, object_id=case.case_id)


def read_process_note(db: Session, *, actor: SignedIn, case: Case) -> tuple[str, int]:
    """Open one's working note: text and version, empty and 0 when there is none.

    Records: ``pathway:process:read``. Rule: 篇4 三.
    """
    require(db, actor, Permission.PROCESS_NOTE, case_facts(db, case), object_id=case.case_id)
    keyring = keys_of(db, actor)
    row = db.get(ProcessBox, (case.case_id, keyring.holder_id))
    item = item_of(db, row.box_id, KIND) if row is not None else None
    if row is None or item is None:
        return "", 0
    with recording(db) as record:
        text = str(open_bodies(db, box=open_box(db, keyring, row.box_id), item=item)[0]["text"])
        _line(record, actor, case, "read")
    return text, item.draft_version
