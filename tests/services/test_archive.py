"""T25: handed in, counted, sealed: only then the archive holds the key and the counsellor does not, and nothing changes."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of
from counsel.archive.catalogue import Wanted, catalogue, handed_in_by, late, late_of, waiting, years
from counsel.archive.completeness import lacking
from counsel.archive.hand_over import accept, find_volume, hand_in, read_defects, read_manifest, send_back, volume_of
from counsel.archive.manifest import entries_in, entries_of
from counsel.archive.models import Volume
from counsel.archive.retention import due_on, keep_until
from counsel.audit.models import AuditLine
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now, today
from counsel.core.database import writing
from counsel.core.errors import InvalidError, RefusedError, TransitionError, UnreadableError
from counsel.keys.boxes import open_box
from counsel.keys.models import Box, Grant
from counsel.keys.trust import group_id
from counsel.outbox.notices import notices_of
from counsel.pathway.cases.models import Case, CaseMove
from counsel.pathway.cases.services import find_case
from counsel.pathway.closing.evaluation import waive_evaluation
from counsel.pathway.closing.services import close_case, end_counselling
from counsel.pathway.closing.volume import missing_parts
from counsel.pathway.material.erasing import erase_what_ended
from counsel.pathway.material.services import begin
from counsel.pathway.sessions.services import read_note
from counsel.records.models import Body, Item, Material
from counsel.records.services import items_in
from counsel.risk.reports import oblige
from counsel.safeguarding.disclosure.models import Disclosure
from counsel.safeguarding.disclosure.services import start
from tests.conftest import Centre
from tests.services.test_ending import report, with_session
from tests.services.test_many import loosened
from tests.services.test_material import SCAN, kept
from tests.services.test_power import cut_everywhere
from tests.services.test_recordings import asked, recorded, say
from tests.services.test_volume import closed
from tests.together import together


def handed(centre: Centre, case: Case, **changes: Any) -> Volume:
    """A closed case, handed in by its counsellor."""
    place = {"pages": 12, "retention": "D10", "remark": "纸质签字页在内", **changes}
    return hand_in(centre.db, actor=centre.school["lan"], case=case, **place)


def sealed(centre: Centre, case: Case, volume: Volume, **changes: Any) -> None:
    """Counted and signed for by the archivist."""
    shen = centre.school["archive"]
    items = [entry.item for entry in entries_in(read_manifest(centre.db, actor=shen, volume=volume))]
    place = {"counted": items, "pages": 12, "place": "3架2盒", **changes}
    accept(centre.db, actor=shen, volume=volume, case=case, **place)


def opens(centre: Centre, who: str, box_id: Any) -> bool:
    """Whether somebody's keys open a box."""
    try:
        open_box(centre.db, keys_of(centre.db, centre.school[who]), box_id)
    except UnreadableError:
        return False
    return True


def holds_key(centre: Centre, box_id: Any) -> bool:
    """Whether the archive has a grant of a box's present epoch."""
    box = centre.db.get_one(Box, box_id)
    grants = select(Grant).where(Grant.box_id == box_id, Grant.epoch == box.epoch)
    return centre.db.scalar(grants.where(Grant.holder_id == group_id(centre.house, "archive"))) is not None


def test_handed_in_counted_and_sealed(centre: Centre) -> None:
    """R4-06: the list signed by the counsellor, counted by the archivist, one signature; then the keys change hands."""
    case = closed(centre)
    lan, shen = centre.school["lan"], centre.school["archive"]
    volume = handed(centre, case)
    assert (volume.state, volume.code, case.state, case.handed_in) == ("submitted", None, "closed", True)
    assert not opens(centre, "archive", case.box_id) and opens(centre, "lan", case.box_id)
    assert [row for row, _days in waiting(centre.db, actor=shen)] == [volume]
    assert [one.kind for one in notices_of(centre.db, shen.holder_id)] == ["volume"]
    content = read_manifest(centre.db, actor=shen, volume=volume)
    assert entries_in(content) == entries_of(centre.db, case) and content["pages"] == 12
    assert {entry.kind for entry in entries_in(content)} >= {"F02", "F03", "F04", "F05", "note", "F10"}
    sealed(centre, case, volume)
    year = case.closed_on.year  # type: ignore[union-attr]
    assert (volume.state, volume.code) == ("sealed", f"QZ001-XL·{year}-D10-ZX-0001") and case.state == "archived"
    assert volume.escrow_sealed is None and volume.place == "3架2盒"
    for box_id in (case.box_id, case.shared_box_id):
        assert holds_key(centre, box_id) and not any(opens(centre, who, box_id) for who in ("archive", "lan", "director"))
    assert opens(centre, "S2024001", case.shared_box_id) and not opens(centre, "S2024001", case.box_id)
    assert centre.db.scalars(select(CaseMove.rule).where(CaseMove.rule == "T25")).all() == ["T25"]
    for permission in (Permission.CASE_READ, Permission.NOTE_READ, Permission.CASE_WRITE, Permission.CASE_FOLLOW_UP):
        with pytest.raises(RefusedError):
            find_case(centre.db, actor=lan, case_id=case.case_id, permission=permission)
    assert [row.code for row in handed_in_by(centre.db, actor=lan)] == [volume.code]
    assert [row.code for row in catalogue(centre.db, actor=shen)] == [volume.code]
    assert years(centre.db, actor=shen) == [(year, 1)]


def test_nobody_else_hands_in_counts_or_looks(centre: Centre) -> None:
    """R4-07: refused as if nothing were there, before, while it waits, and afterwards."""
    case = closed(centre)
    for who in ("qiu", "director", "archive", "admin", "teacher", "leader", "desk", "S2024001"):
        with pytest.raises(RefusedError):
            hand_in(centre.db, actor=centre.school[who], case=case, pages=0, retention="D10")
    volume = handed(centre, case)
    others = ("lan", "qiu", "director", "admin", "teacher", "leader", "desk", "manager", "expert", "supervisor", "S2024001")
    for who in others:
        with pytest.raises(RefusedError):
            find_volume(centre.db, actor=centre.school[who], volume_id=volume.volume_id)
        for look in (catalogue, waiting, late, years):
            with pytest.raises(RefusedError):
                look(centre.db, actor=centre.school[who])  # type: ignore[operator]
    assert not opens(centre, "qiu", volume.box_id) and not opens(centre, "director", volume.box_id)
    sealed(centre, case, volume)
    with pytest.raises(RefusedError):
        find_volume(centre.db, actor=centre.school["archive"], volume_id=volume.volume_id)


def test_while_it_waits_nothing_of_it_changes(centre: Centre) -> None:
    """The counsellor reads and writes nothing; handed in twice is told so; the key waits outside the grants."""
    case = closed(centre)
    lan = centre.school["lan"]
    volume = handed(centre, case)
    with pytest.raises(RefusedError):
        handed(centre, case)
    with pytest.raises(RefusedError):
        begin(centre.db, actor=lan, case=case, kind="letter", title="x", size=5)
    with pytest.raises(RefusedError):
        find_case(centre.db, actor=lan, case_id=case.case_id, permission=Permission.CASE_FOLLOW_UP)
    assert find_case(centre.db, actor=lan, case_id=case.case_id, permission=Permission.CASE_READ) is case
    assert read_note(centre.db, actor=lan, case=case, number=1).content
    archive = group_id(centre.house, "archive")
    granted = select(Grant).where(Grant.holder_id == archive, Grant.box_id.in_([case.box_id, case.shared_box_id]))
    assert centre.db.scalars(granted).all() == [] and volume.escrow_sealed is not None


def test_sent_back_it_is_the_counsellors_again(centre: Centre) -> None:
    """With what is wrong; the archive's keys are destroyed; handed in anew the list is a new one, and the old one stays."""
    case = closed(centre)
    lan, shen = centre.school["lan"], centre.school["archive"]
    volume = handed(centre, case)
    for flaws, words in ((), "x"), (("nothing",), "x"), (("other",), " "):
        with pytest.raises(InvalidError):
            send_back(centre.db, actor=shen, volume=volume, case=case, flaws=flaws, words=words)
    send_back(centre.db, actor=shen, volume=volume, case=case, flaws=["pages", "unsigned"], words="第3页缺签名")
    assert (volume.state, volume.round, volume.escrow_sealed, case.handed_in) == ("returned", 2, None, False)
    said = read_defects(centre.db, actor=lan, volume=volume)
    assert said["words"] == "第3页缺签名" and said["flaws"] == ["pages", "unsigned"]
    assert "volume" in [one.kind for one in notices_of(centre.db, lan.holder_id)]
    kept(centre, case, SCAN, title="签字页")
    again = handed(centre, case, pages=13)
    assert again is volume and (volume.state, volume.pages) == ("submitted", 13)
    assert [entry.kind for entry in entries_in(read_manifest(centre.db, actor=shen, volume=volume))].count("material") == 1
    assert sorted(item.number for item in items_in(centre.db, [volume.box_id]) if item.kind == "manifest") == [1, 2]
    sealed(centre, case, volume, pages=13)
    child = centre.db.get_one(Box, centre.db.scalars(select(Material.box_id)).one())
    assert child.parent_id == case.box_id and not opens(centre, "archive", child.box_id)


def test_what_is_not_as_it_was_signed_for_is_found(centre: Centre) -> None:
    """R4-06: a text altered, one taken away, one put there: by digest and by count, whoever did it; nothing is sealed."""
    case = closed(centre)
    volume = handed(centre, case)
    loosened(centre)
    note = centre.db.scalars(select(Item).where(Item.box_id == case.box_id, Item.kind == "note")).one()
    mine, columns = (Body.item_id == note.item_id, Body.revision == 1), Body.__table__.columns
    true = dict(centre.db.execute(select(*columns).where(*mine)).mappings().one())
    altered = true["sealed"][:-1] + bytes([true["sealed"][-1] ^ 1])
    for spoil in (
        update(Body).where(*mine).values(sealed=altered),
        delete(Body).where(*mine),
        update(Item).where(Item.item_id == note.item_id).values(number=7),
    ):
        directly(centre, spoil)
        with pytest.raises(InvalidError) as found:
            sealed(centre, case, volume)
        assert found.value.problems == {"contents": "not_as_signed"}
        directly(centre, delete(Body).where(*mine), Body.__table__.insert().values(**true))
        directly(centre, update(Item).where(Item.item_id == note.item_id).values(number=1))
    assert volume.state == "submitted" and case.state == "closed"
    sealed(centre, case, volume)


def directly(centre: Centre, *statements: Any) -> None:
    """What somebody does who writes to the database itself."""
    for statement in statements:
        centre.db.execute(statement)
    centre.db.commit()
    centre.db.expire_all()


def test_every_item_is_counted_and_the_pages_add_up(centre: Centre) -> None:
    """One that was not checked, one page too many, a shelf without end: beside the field, and nothing has moved."""
    case = closed(centre)
    volume = handed(centre, case)
    for changes, problems in (
        ({"counted": []}, {"contents": "check_all"}),
        ({"pages": 13}, {"pages": "count_again"}),
        ({"pages": None}, {"pages": "count_again"}),
        ({"place": "x" * 61}, {"place": "too_long"}),
    ):
        with pytest.raises(InvalidError) as found:
            sealed(centre, case, volume, **changes)
        assert found.value.problems == problems
    assert (volume.state, case.state) == ("submitted", "closed") and not opens(centre, "archive", case.box_id)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"pages": None}, "pages"), ({"pages": -1}, "pages"), ({"retention": "D5"}, "retention"), ({"remark": "x" * 501}, "remark")],
)
def test_what_cannot_be_handed_in_says_so(sqlite_centre: Centre, changes: dict[str, Any], field: str) -> None:
    """Beside the field; the case stays as it was."""
    case = closed(sqlite_centre)
    with pytest.raises(InvalidError) as found:
        handed(sqlite_centre, case, **changes)
    assert set(found.value.problems) == {field} and not case.handed_in and volume_of(sqlite_centre.db, case) is None


def test_an_open_disclosure_and_an_owed_report_hold_it_back(centre: Centre) -> None:
    """G13: one's own, unsent or not looked at yet; what duty tells about the same client leaves no trace here."""
    case = closed(centre)
    lan = centre.school["lan"]
    assert lan.holder_id is not None
    row = start(centre.db, actor=lan, client_id=case.client_id, case=case)
    assert lacking(centre.db, actor=lan, case=case) == ["disclosure"]
    with pytest.raises(TransitionError, match="G13"):
        handed(centre, case, retention="D30")
    directly(centre, update(Disclosure).values(sender_id=centre.school["qiu"].holder_id))
    directly(centre, update(Box).where(Box.box_id == row.box_id).values(parent_id=None))
    assert lacking(centre.db, actor=lan, case=case) == []
    directly(centre, delete(Disclosure).where(Disclosure.disclosure_id == row.disclosure_id))
    with writing(centre.db):
        oblige(centre.db, actor=lan, client_id=case.client_id, case_id=case.case_id, age=16)
    assert lacking(centre.db, actor=lan, case=case) == ["report"]
    with pytest.raises(TransitionError, match="G13"):
        handed(centre, case, retention="D30")


def test_without_an_archive_there_is_nobody_to_hand_it_to(centre: Centre) -> None:
    """The group was never founded: told so, nothing is half done."""
    case = closed(centre)
    centre.db.execute(text("DELETE FROM holders WHERE holder_id = :id"), {"id": _raw(centre, group_id(centre.house, "archive"))})
    centre.db.commit()
    centre.db.expire_all()
    with pytest.raises(TransitionError, match="ARCHIVE"):
        handed(centre, case)
    assert not case.handed_in and volume_of(centre.db, case) is None


def _raw(centre: Centre, number: Any) -> Any:
    return number.hex if centre.backend == "sqlite" else number


def test_a_recording_stays_behind_and_is_remarked(centre: Centre) -> None:
    """Nobody agreed that the archive hears it: the list says until when it lies where it is; taken back, it goes as before."""
    case = closed_with_recording(centre)
    row = centre.db.scalars(select(Material)).one()
    volume = handed(centre, case)
    (one,) = read_manifest(centre.db, actor=centre.school["archive"], volume=volume)["recordings"]
    assert (one["session"], one["medium"], one["until"]) == ("1", "audio", str(row.keep_until))
    sealed(centre, case, volume)
    assert not opens(centre, "archive", row.box_id)
    item = centre.db.get_one(Item, row.consent_id)
    say(centre, case, item, agreed=False, who="client")
    assert erase_what_ended(centre.db) == "1 recordings" and row.state == "erased"


def closed_with_recording(centre: Centre) -> Case:
    """A closed case with a recording that everybody still stands by."""
    case = with_session(centre)
    item = asked(centre, case)
    say(centre, case, item)
    recorded(centre, case, item)
    lan = centre.school["lan"]
    end_counselling(centre.db, actor=centre.school["S2024001"], case=case)
    report(centre, case)
    waive_evaluation(centre.db, actor=lan, case=case, reason="withdrawn")
    close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    return case


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bodies SET sealed = 'x' WHERE item_id IN (SELECT item_id FROM items WHERE kind = 'note')",
        "DELETE FROM bodies WHERE item_id IN (SELECT item_id FROM items WHERE kind = 'F10')",
        "DELETE FROM items WHERE kind = 'F03'",
        "UPDATE items SET number = 9 WHERE kind = 'F03'",
        "UPDATE cases SET state = 'closed'",
        "UPDATE volumes SET state = 'returned', number = NULL",
        "UPDATE volumes SET code = 'QZ001-XL·1999-D10-ZX-0001'",
        "DELETE FROM volumes",
    ],
)
def test_sealed_is_immutable_by_trigger(centre: Centre, statement: str) -> None:
    """A19: whoever writes to the database itself, counsellor after a complaint or administrator: the database refuses."""
    case = closed(centre)
    volume = handed(centre, case)
    sealed(centre, case, volume)
    with pytest.raises(DBAPIError):
        centre.db.execute(text(statement))
    centre.db.rollback()


def test_nothing_is_put_into_a_sealed_volume(centre: Centre) -> None:
    """Neither a form nor material, by any hand; only the client's answers still come: a yes can always be taken back."""
    case = closed(centre)
    volume = handed(centre, case)
    sealed(centre, case, volume)
    item = {"item_id": case.case_id, "box_id": case.box_id, "kind": "note", "number": 9, "author_id": case.counsellor_id}
    item |= {"on_day": date(2026, 1, 1), "state": "draft", "revision": 0, "draft_version": 1}
    with pytest.raises(DBAPIError):
        centre.db.execute(Item.__table__.insert().values(**item))
    centre.db.rollback()


def test_numbers_have_no_gap_under_many_hands(centre: Centre) -> None:
    """Two archivists at once at the same volume: one seals, the other is told; the number is given once."""
    case = closed(centre)
    volume = handed(centre, case)
    shen = centre.school["archive"]
    content = read_manifest(centre.db, actor=shen, volume=volume)
    place = {"counted": [entry.item for entry in entries_in(content)], "pages": 12, "place": ""}
    ids = volume.volume_id, case.case_id

    def seal(db: Session, _number: int) -> Callable[[], object]:
        mine, its = db.get_one(Volume, ids[0]), db.get_one(Case, ids[1])
        return partial(accept, db, actor=centre.school["archive"], volume=mine, case=its, **place)  # type: ignore[arg-type]

    assert together(centre, seal) == ["done", "told"] and volume.number == 1


def test_cut_off_anywhere_a_hand_over_is_whole_or_as_it_was(centre: Centre) -> None:
    """The power fails at each write of handing in, of sending back, of sealing: old state or new state, and both show."""
    case = closed(centre)
    shen = centre.school["archive"]
    missing_parts(centre.db, actor=centre.school["lan"], case=case)  # what is read first leaves symmetric keys behind
    assert cut_everywhere(centre, lambda: handed(centre, case), audit=False) > 5
    volume = centre.db.scalars(select(Volume)).one()
    read_manifest(centre.db, actor=shen, volume=volume)

    def back() -> None:
        send_back(centre.db, actor=shen, volume=volume, case=case, flaws=["order"], words="")

    assert cut_everywhere(centre, back) > 3
    handed(centre, case)
    assert cut_everywhere(centre, lambda: sealed(centre, case, volume), audit=False) > 10
    assert case.state == "archived" and holds_key(centre, case.box_id)


def test_keys_that_were_put_by_belong_to_one_volume(centre: Centre) -> None:
    """Moved to another row, or altered, they open nothing, and nothing is sealed."""
    case = closed(centre)
    volume = handed(centre, case)
    true = volume.escrow_sealed
    assert true is not None
    volume.escrow_sealed = true[:-1] + bytes([true[-1] ^ 1])
    centre.db.commit()
    with pytest.raises(UnreadableError):
        sealed(centre, case, volume)
    assert case.state == "closed" and volume.state == "submitted"


def test_the_counsellor_reads_on_as_long_as_the_setting_says(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two weeks by setting; what was there, and by key too, until its day."""
    object.__setattr__(centre.house.settings, "reading_window", 14)
    case = closed(centre)
    volume = handed(centre, case)
    sealed(centre, case, volume)
    lan = centre.school["lan"]
    assert find_case(centre.db, actor=lan, case_id=case.case_id, permission=Permission.NOTE_READ) is case
    assert read_note(centre.db, actor=lan, case=case, number=1).content
    with time_machine.travel(now() + timedelta(days=16), tick=True):
        with pytest.raises(RefusedError):
            find_case(centre.db, actor=lan, case_id=case.case_id, permission=Permission.NOTE_READ)
        assert not opens(centre, "lan", case.box_id)


def test_who_is_late_is_listed(centre: Centre) -> None:
    """R4-05: thirty days, and never past the end of the term; the archivist sees numbers, the counsellor the own cases."""
    case = closed(centre)
    lan, shen = centre.school["lan"], centre.school["archive"]
    assert due_on(centre.db, date(2026, 3, 1)) == date(2026, 3, 31)
    assert due_on(centre.db, date(2026, 7, 1)) == date(2026, 7, 15) and due_on(centre.db, date(2026, 12, 20)) == date(2027, 1, 19)
    assert late(centre.db, actor=shen) == [] and late_of(centre.db, actor=lan) == []
    assert case.closed_on is not None
    due = due_on(centre.db, case.closed_on)
    days = (due - today(centre.settings.time_zone)).days
    with time_machine.travel(now() + timedelta(days=days + 3), tick=True):
        assert late(centre.db, actor=shen) == [(case, 3)]
        assert late_of(centre.db, actor=lan) == [(case, due)] and late_of(centre.db, actor=centre.school["qiu"]) == []
        assert late_of(centre.db, actor=centre.school["director"]) == [(case, due)]
        handed(centre, case)
        assert late(centre.db, actor=shen) == []


def test_how_long_a_volume_is_kept(centre: Centre) -> None:
    """Ten or thirty years from the closing, never before the client is twenty-one, leap days included."""
    assert keep_until(date(2026, 5, 1), "D10", date(2009, 3, 1)) == date(2036, 5, 1)
    assert keep_until(date(2012, 2, 29), "D10", None) == date(2022, 2, 28)
    assert keep_until(date(2020, 5, 1), "D10", date(2012, 2, 29)) == date(2033, 2, 28)
    assert keep_until(date(2026, 5, 1), "D30", date(2009, 3, 1)) == date(2056, 5, 1)
    case = closed(centre)
    volume = handed(centre, case, retention="D30")
    assert volume.keep_until.year == case.closed_on.year + 30  # type: ignore[union-attr]


def test_the_catalogue_goes_page_by_page(centre: Centre) -> None:
    """By code, year, period and counsellor; the last page as the first, nothing twice and nothing left out."""
    shen, lan = centre.school["archive"], centre.school["lan"]
    place = {"box_id": lan.holder_id, "counsellor_id": lan.holder_id, "keep_until": date(2040, 1, 1), "state": "sealed"}
    place |= {"submitted_on": date(2026, 1, 1), "round": 1, "items": 1, "pages": 0}
    for number in range(1, 121):
        row = Volume(case_id=UUID(int=number), volume_id=UUID(int=number), case_no=number, **place)
        row.year, row.retention = 2020 + number % 3, ("D10", "D30")[number % 2]
        row.number, row.code = number, f"C-{number}"
        centre.db.add(row)
    centre.db.commit()
    seen: list[str | None] = []
    after = None
    while True:
        rows = catalogue(centre.db, actor=shen, wanted=Wanted(after=after))
        seen += [row.code for row in rows[:50]]
        if len(rows) <= 50:
            break
        last = rows[49]
        assert last.number is not None
        after = (last.year, last.retention, last.number)
    assert len(seen) == len(set(seen)) == 120
    assert [row.code for row in catalogue(centre.db, actor=shen, wanted=Wanted(code="C-7"))] == ["C-7"]
    found = catalogue(centre.db, actor=shen, wanted=Wanted(year=2021, retention="D30", counsellor=lan.holder_id))
    assert found and {(row.year, row.retention) for row in found} == {(2021, "D30")}
    assert catalogue(centre.db, actor=shen, wanted=Wanted(counsellor=centre.school["qiu"].holder_id)) == []


def test_the_index_of_names_is_the_archives_and_sealed(centre: Centre) -> None:
    """Who the volume is about lies in its own box; neither the list nor any file of the instance has it in clear."""
    case = closed(centre)
    volume = handed(centre, case)
    assert "苏未名" not in str(read_manifest(centre.db, actor=centre.school["archive"], volume=volume))
    for path in [path for path in centre.settings.instance.rglob("*") if path.is_file()]:
        assert "苏未名".encode() not in path.read_bytes(), path
    lines = centre.db.scalars(select(AuditLine.tag).where(AuditLine.tag.like("archive:%"))).all()
    assert "archive:volume:submitted" in lines and "archive:manifest:read" in lines
    assert centre.db.get_one(Box, volume.box_id).kind == "volume"
