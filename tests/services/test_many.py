"""Many boxes and many texts at once open exactly what one by one opens, and fail where one by one fails."""

import pytest
from sqlalchemy import delete, select, text, update

from counsel.audit.models import AuditLine
from counsel.core.errors import RefusedError, TamperError, UnreadableError
from counsel.keys.boxes import open_box
from counsel.keys.locks import erase_lock
from counsel.keys.many import open_boxes
from counsel.keys.models import Box, Grant
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import caseload
from counsel.pathway.referral.transfer import add_second_reader, end_second_reader
from counsel.pathway.sessions.services import begin_session, read_notes, write_note
from counsel.records.models import Body, Item
from tests.conftest import Centre
from tests.story import NOTE_CONTENT, in_counselling, open_the_centre, received


def noted(centre: Centre, notes: int = 3) -> Case:
    """A case with some signed notes, and one with an addendum."""
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    for number in range(1, notes + 1):
        begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
        content = {**NOTE_CONTENT, "data": f"第{number}次"}
        write_note(centre.db, actor=lan, case=case, number=number, content=content, seen_version=0, sign=True)
    return case


def test_all_at_once_opens_what_one_by_one_opens(centre: Centre) -> None:
    """Own box and shared box, before and after a new epoch; whoever has no key gets none of them."""
    case = noted(centre)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    assert lan.keyring is not None and qiu.keyring is not None and qiu.holder_id is not None
    ids = [case.shared_box_id, case.box_id]
    for _round in range(2):
        many = open_boxes(centre.db, lan.keyring, ids)
        for box_id in ids:
            assert many[box_id].keys == open_box(centre.db, lan.keyring, box_id).keys
        assert open_boxes(centre.db, qiu.keyring, ids) == {}
        add_second_reader(centre.db, actor=lan, case=case, holder_id=qiu.holder_id)
        end_second_reader(centre.db, actor=lan, case=case, holder_id=qiu.holder_id)


def test_an_erased_lock_and_a_foreign_wrap_open_nothing_and_hide_nothing(centre: Centre) -> None:
    """One box whose lock is gone is absent; a wrap moved from another grant opens nothing."""
    case = noted(centre, 1)
    lan = centre.school["lan"]
    other = received(centre, "S2024002")
    caseload(centre.db, actor=lan)
    assert lan.keyring is not None
    wraps = dict(centre.db.execute(select(Grant.box_id, Grant.own_wrap).where(Grant.holder_id == lan.holder_id)).all())
    centre.db.execute(update(Grant).where(Grant.box_id == other.box_id).values(own_wrap=wraps[case.box_id]))
    centre.db.commit()
    centre.db.expire_all()
    assert set(open_boxes(centre.db, lan.keyring, [case.box_id, other.box_id])) == {case.box_id}
    erase_lock(centre.house, case.box_id)
    assert open_boxes(centre.db, lan.keyring, [case.box_id]) == {}
    covers = {row.case_id: cover.initial for row, cover in caseload(centre.db, actor=lan)}
    assert covers[case.case_id] == covers[other.case_id] == "?"


def test_all_notes_are_read_with_one_line_and_nobody_else_reads_them(centre: Centre) -> None:
    """Newest first; a colleague, the director and the client are refused by rule."""
    case = noted(centre)
    lan = centre.school["lan"]
    rows = read_notes(centre.db, actor=lan, case=case)
    assert [(session.number, texts[0]["data"]) for session, texts in rows] == [(3, "第3次"), (2, "第2次"), (1, "第1次")]
    lines = centre.db.scalars(select(AuditLine).where(AuditLine.tag == "pathway:notes:read")).all()
    assert [(line.subject_id, line.detail) for line in lines] == [(case.client_id, "3")]
    for who in ("qiu", "director", "S2024001", "admin"):
        with pytest.raises(RefusedError):
            read_notes(centre.db, actor=centre.school[who], case=case)


def loosened(centre: Centre) -> None:
    """Take away what keeps signed bodies from being changed, as an intruder in the database would."""
    names = {"sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'bodies'"}
    if centre.backend == "sqlite":
        for (name,) in centre.db.execute(text(names["sqlite"])).all():
            centre.db.execute(text(f"DROP TRIGGER {name}"))
    else:
        centre.db.execute(text("ALTER TABLE bodies DISABLE TRIGGER ALL"))
    centre.db.commit()


def test_the_authors_own_mark_is_worth_a_signature_and_no_more(centre: Centre) -> None:
    """A false mark falls back to the signature; a false signature under a false mark is found; another reader needs none."""
    case = noted(centre, 1)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    assert qiu.holder_id is not None
    loosened(centre)
    centre.db.execute(update(Body).where(Body.revision > 0).values(own_mac=b"x" * 32))
    centre.db.commit()
    assert len(read_notes(centre.db, actor=lan, case=case)) == 1
    add_second_reader(centre.db, actor=lan, case=case, holder_id=qiu.holder_id)
    assert len(read_notes(centre.db, actor=centre.school["qiu"], case=case)) == 1
    centre.db.execute(update(Body).where(Body.revision > 0).values(signature=b"y" * 64))
    centre.db.commit()
    centre.db.expire_all()
    for who in ("lan", "qiu"):
        with pytest.raises(TamperError):
            read_notes(centre.db, actor=centre.school[who], case=case)


def test_a_mark_moved_to_another_note_is_not_believed(centre: Centre) -> None:
    """The mark stands under item, revision, bytes and signature: with another note's mark the signature is asked, and fails."""
    case = noted(centre, 2)
    loosened(centre)
    notes = select(Item.item_id).where(Item.kind == "note")
    first, second = centre.db.scalars(select(Body).where(Body.revision > 0, Body.item_id.in_(notes))).all()
    values = {"own_mac": second.own_mac, "signature": second.signature}
    centre.db.execute(update(Body).where(Body.item_id == first.item_id).values(**values))
    centre.db.commit()
    centre.db.expire_all()
    with pytest.raises(TamperError):
        read_notes(centre.db, actor=centre.school["lan"], case=case)


def test_a_box_that_is_gone_is_absent(centre: Centre) -> None:
    """A row deleted in the database hides itself, not the others."""
    case = noted(centre, 1)
    lan = centre.school["lan"]
    assert lan.keyring is not None
    centre.db.execute(delete(Grant).where(Grant.box_id == case.shared_box_id))
    centre.db.execute(update(Box).where(Box.box_id == case.shared_box_id).values(parent_id=None, parent_wrap=None))
    centre.db.commit()
    centre.db.expire_all()
    assert set(open_boxes(centre.db, lan.keyring, [case.box_id, case.shared_box_id])) == {case.box_id}
    with pytest.raises(UnreadableError):
        open_box(centre.db, lan.keyring, case.shared_box_id)
