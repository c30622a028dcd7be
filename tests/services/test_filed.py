"""What is filed: read by ticket for a client who came back, found by name with a reason, looked at for its integrity."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from counsel.access.accounts import unlock
from counsel.access.models import Account
from counsel.archive.integrity import Integrity, check_integrity
from counsel.archive.manifest import BESIDE, differences, entries_of
from counsel.archive.models import Ticket, Volume
from counsel.archive.names import search_names
from counsel.archive.sheets import sheets_of
from counsel.archive.tickets import ask, drop, earlier_volumes, find_ticket, give_back, open_tickets, serve
from counsel.audit.models import AuditLine
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now
from counsel.core.database import writing
from counsel.core.errors import ConflictError, InvalidError, RefusedError
from counsel.keys.boxes import open_box
from counsel.keys.models import Box
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import find_case
from counsel.pathway.sessions.services import read_note
from counsel.people.conflicts import declare
from counsel.people.recovery import change_passphrase
from counsel.people.staff import staff_name
from counsel.records.models import Body, Item
from counsel.records.services import items_in
from tests.conftest import Centre
from tests.school import WORDS
from tests.services.test_archive import directly, handed, opens, sealed
from tests.services.test_many import loosened
from tests.services.test_material import SCAN, files_of, kept
from tests.services.test_power import cut_everywhere
from tests.services.test_recordings import listening
from tests.services.test_volume import closed
from tests.story import received


def came_back(centre: Centre, who: str = "lan") -> tuple[Case, Volume, Case]:
    """A filed case, its volume, and the new case of the same client."""
    case = closed(centre)
    volume = handed(centre, case)
    sealed(centre, case, volume)
    return case, volume, received(centre, who=who)


def test_a_returning_clients_counsellor_reads_by_ticket(centre: Centre) -> None:
    """R4-07, A17: without one it opens for nobody, the archive included; with one for the reader alone, until it is back."""
    old, volume, new = came_back(centre, "qiu")
    qiu, lan, shen = centre.school["qiu"], centre.school["lan"], centre.school["archive"]
    for who in ("qiu", "lan", "archive", "director"):
        assert not opens(centre, who, old.box_id)
    assert earlier_volumes(centre.db, new) == [volume]
    ticket = ask(centre.db, actor=qiu, case=new, volume_id=volume.volume_id)
    with pytest.raises(ConflictError):
        ask(centre.db, actor=qiu, case=new, volume_id=volume.volume_id)
    assert open_tickets(centre.db, actor=shen) == [(ticket, volume)] and not opens(centre, "qiu", old.box_id)
    serve(centre.db, actor=shen, ticket=ticket)
    assert find_case(centre.db, actor=qiu, case_id=old.case_id, permission=Permission.CASE_READ) is old
    assert read_note(centre.db, actor=qiu, case=old, number=1).content
    assert not opens(centre, "archive", old.box_id) and not opens(centre, "lan", old.box_id)
    with pytest.raises(RefusedError):
        find_case(centre.db, actor=qiu, case_id=old.case_id, permission=Permission.CASE_WRITE)
    with pytest.raises(ConflictError):
        serve(centre.db, actor=shen, ticket=ticket)
    epoch, before = centre.db.get_one(Box, old.box_id).epoch, sheets_of(centre.db, actor=shen, volume_id=volume.volume_id)
    give_back(centre.db, actor=shen, ticket=ticket)
    after = sheets_of(centre.db, actor=shen, volume_id=volume.volume_id)
    assert not before.openings and before.seal != after.seal  # each opening stands on the sheet with its reason
    (opened,) = after.openings
    assert (opened["purpose"], opened["reader"]) == ("returning", staff_name(centre.db, qiu.holder_id))
    assert centre.db.get_one(Box, old.box_id).epoch == epoch + 1 and not opens(centre, "qiu", old.box_id)
    with pytest.raises(RefusedError):
        find_case(centre.db, actor=qiu, case_id=old.case_id, permission=Permission.CASE_READ)
    assert [item.kind for item in items_in(centre.db, [volume.box_id])].count("opening") == 1
    assert opens(centre, "S2024001", old.shared_box_id)
    again = ask(centre.db, actor=qiu, case=new, volume_id=volume.volume_id)
    serve(centre.db, actor=shen, ticket=again)
    assert opens(centre, "qiu", old.box_id) and not opens(centre, "lan", old.box_id)
    tags = centre.db.scalars(
        select(AuditLine.tag).where(AuditLine.tag.like("archive:ticket:%"), AuditLine.subject_id == old.client_id)
    )
    assert sorted(tags) == ["archive:ticket:asked"] * 2 + ["archive:ticket:returned"] + ["archive:ticket:served"] * 2
    assert lan.holder_id not in {row.reader_id for row, _volume in open_tickets(centre.db, actor=shen)}


def test_nobody_else_gets_a_ticket(centre: Centre) -> None:
    """Not the old counsellor, not a teacher, a leader, a parent's desk, not the director, not for another client's volume."""
    old, volume, new = came_back(centre, "qiu")
    for who in ("lan", "director", "teacher", "leader", "desk", "admin", "archive", "supervisor", "S2024001"):
        with pytest.raises(RefusedError):
            ask(centre.db, actor=centre.school[who], case=new, volume_id=volume.volume_id)
    other = received(centre, "S2024002", who="qiu")
    with pytest.raises(RefusedError):
        ask(centre.db, actor=centre.school["qiu"], case=other, volume_id=volume.volume_id)
    ticket = ask(centre.db, actor=centre.school["qiu"], case=new, volume_id=volume.volume_id)
    for who in ("lan", "director", "admin", "teacher", "qiu"):
        with pytest.raises(RefusedError):
            find_ticket(centre.db, actor=centre.school[who], ticket_id=ticket.ticket_id, permission=Permission.TICKET_SERVE)
    find_ticket(centre.db, actor=centre.school["qiu"], ticket_id=ticket.ticket_id, permission=Permission.TICKET_DROP)
    drop(centre.db, actor=centre.school["qiu"], ticket=ticket)
    with pytest.raises(ConflictError):
        serve(centre.db, actor=centre.school["archive"], ticket=ticket)
    assert not opens(centre, "qiu", old.box_id)


def test_a_ticket_ends_with_its_day_and_its_ground(centre: Centre) -> None:
    """The key closes by itself; whoever is kept away since, or lost the case, is not served."""
    old, volume, new = came_back(centre, "qiu")
    qiu, shen = centre.school["qiu"], centre.school["archive"]
    assert qiu.holder_id is not None
    ticket = ask(centre.db, actor=qiu, case=new, volume_id=volume.volume_id)
    with writing(centre.db):
        declare(centre.db, qiu.holder_id, new.client_id)
    with pytest.raises(ConflictError):
        serve(centre.db, actor=shen, ticket=ticket)
    centre.db.execute(text("DELETE FROM declared_conflicts"))
    centre.db.commit()
    serve(centre.db, actor=shen, ticket=ticket)
    with time_machine.travel(now() + timedelta(days=16), tick=True):
        assert not opens(centre, "qiu", old.box_id)
        with pytest.raises(RefusedError):
            find_case(centre.db, actor=qiu, case_id=old.case_id, permission=Permission.CASE_READ)
        give_back(centre.db, actor=shen, ticket=ticket)
        with pytest.raises(ConflictError):
            give_back(centre.db, actor=shen, ticket=ticket)


def test_whoever_takes_the_case_over_asks_anew(centre: Centre) -> None:
    """The first reader's key goes when the successor asks: nobody reads on for whom there is no ground any more."""
    old, volume, new = came_back(centre, "qiu")
    lan, shen = centre.school["lan"], centre.school["archive"]
    ticket = ask(centre.db, actor=centre.school["qiu"], case=new, volume_id=volume.volume_id)
    serve(centre.db, actor=shen, ticket=ticket)
    new.counsellor_id = lan.holder_id  # as a hand-over leaves it
    centre.db.commit()
    again = ask(centre.db, actor=lan, case=new, volume_id=volume.volume_id)
    assert ticket.state == "returned" and not opens(centre, "qiu", old.box_id)
    serve(centre.db, actor=shen, ticket=again)
    assert opens(centre, "lan", old.box_id) and not opens(centre, "qiu", old.box_id)


def test_cut_off_anywhere_a_reading_is_open_or_shut(centre: Centre) -> None:
    """The power fails at each write of opening and of sealing anew: the boxes are never left open to the archive."""
    old, volume, new = came_back(centre, "qiu")
    shen = centre.school["archive"]
    ticket = ask(centre.db, actor=centre.school["qiu"], case=new, volume_id=volume.volume_id)
    assert cut_everywhere(centre, lambda: serve(centre.db, actor=shen, ticket=ticket), audit=False) > 5
    assert not opens(centre, "archive", old.box_id) and opens(centre, "qiu", old.box_id)
    assert cut_everywhere(centre, lambda: give_back(centre.db, actor=shen, ticket=ticket), audit=False) > 5
    assert not opens(centre, "archive", old.box_id) and not opens(centre, "qiu", old.box_id)


def test_a_loan_goes_on_across_a_new_passphrase(centre: Centre) -> None:
    """The reader changes the passphrase while the file is open: the keys stay the same, the file stays open."""
    old, volume, new = came_back(centre, "qiu")
    ticket = ask(centre.db, actor=centre.school["qiu"], case=new, volume_id=volume.volume_id)
    serve(centre.db, actor=centre.school["archive"], ticket=ticket)
    account = centre.db.get_one(Account, centre.school["qiu"].account_id)
    sealed_before = account.bundle_sealed
    change_passphrase(centre.db, actor=centre.school["qiu"], old=WORDS, new="haiyang xingchen luoye chuyue")
    centre.db.refresh(account)
    assert account.bundle_sealed != sealed_before
    ring = unlock(centre.house, account, account.login_tag, "haiyang xingchen luoye chuyue")
    assert ring is not None and open_box(centre.db, ring, old.box_id).epoch > 1


def test_the_pages_of_a_reading(sqlite_centre: Centre) -> None:
    """Asked on the page of the new case, opened at the lending desk, read on the old case's page, sealed anew; else absent."""
    centre = sqlite_centre
    old, volume, new = came_back(centre, "qiu")
    qiu, shen = listening(centre, "qiu"), listening(centre, "archive")
    here, there = f"/cases/{new.case_id}", f"/cases/{old.case_id}"
    assert volume.code is not None and volume.code in qiu.get(here).text and qiu.get(there).status_code == 404
    assert qiu.post(f"{here}/earlier/{volume.volume_id}").status_code == 303
    centre.db.commit()
    ticket = centre.db.scalars(select(Ticket)).one()
    page = shen.get("/archive")
    assert volume.code in page.text and "秋老师" in page.text
    assert shen.post(f"/archive/tickets/{ticket.ticket_id}", data={"do": "eat"}).status_code == 422
    assert shen.post(f"/archive/tickets/{ticket.ticket_id}", data={"do": "serve"}).status_code == 303
    for path in (there, f"{there}/notes", f"{there}/sessions/1", f"{there}/material", f"{there}/recordings"):
        assert qiu.get(path).status_code == 200, path
    for path in (f"{there}/screen", f"{there}/hand-in", f"{there}/report", f"{there}/closing"):
        assert qiu.get(path).status_code == 404, path
    assert shen.get(there).status_code == 404 and listening(centre, "lan").get(there).status_code == 404
    assert there in qiu.get(here).text
    assert shen.post(f"/archive/tickets/{ticket.ticket_id}", data={"do": "back"}).status_code == 303
    assert qiu.get(there).status_code == 404
    for who in ("lan", "teacher", "admin", "leader", "desk"):
        other = listening(centre, who)
        assert other.post(f"{here}/earlier/{volume.volume_id}").status_code == 404
        assert other.post(f"/archive/tickets/{ticket.ticket_id}", data={"do": "serve"}).status_code == 404
        assert other.get("/archive").status_code == 404 and other.get("/archive/catalogue").status_code == 404


def test_the_integrity_check_finds_what_is_not_as_it_was(centre: Centre) -> None:
    """All whole; then a bit flipped in a file, and a text altered in a sealed volume by somebody past every trigger."""
    case = closed(centre)
    kept(centre, case, SCAN, title="签字页")
    volume = handed(centre, case)
    sealed(centre, case, volume)
    shen, told = centre.school["archive"], []

    def look() -> Any:
        return check_integrity(centre.db, actor=shen, progress=lambda done, total: told.append((done, total)))

    assert look() == Integrity(1, 1, (), ()) and told == [(1, 2), (2, 2)]
    (path,) = files_of(centre)
    true = path.read_bytes()
    path.write_bytes(true[:-1] + bytes([true[-1] ^ 1]))
    assert look() == Integrity(1, 1, ((case.case_no, 1),), ())
    path.unlink()
    assert look().damaged == ((case.case_no, 1),)
    path.write_bytes(true)
    loosened(centre)
    note = centre.db.scalars(select(Item.item_id).where(Item.kind == "note")).one()
    directly(centre, update(Body).where(Body.item_id == note, Body.revision == 1).values(sealed=b"x" * 300))
    assert look() == Integrity(1, 1, (), (volume.code,))
    for who in ("lan", "director", "admin", "leader", "desk"):
        with pytest.raises(RefusedError):
            check_integrity(centre.db, actor=centre.school[who], progress=lambda _done, _total: None)


def test_what_lies_beside_a_filed_case_is_on_its_list_and_stays(centre: Centre) -> None:
    """F01 and other forms in boxes of their own: listed, counted, neither changed nor taken away, missed when it is (R4-06)."""
    case = closed(centre)
    volume = handed(centre, case)
    booking = centre.db.scalars(select(Item).where(Item.kind == "F01")).one()
    listed = [entry.kind for entry in entries_of(centre.db, case)]
    assert listed[0] == "F01" and volume.items == len(listed)
    sealed(centre, case, volume)
    of_booking = Body.item_id == booking.item_id
    more = {"item_id": booking.item_id, "revision": 1, "author_id": booking.author_id, "sealed": b"x"}
    for statement in (
        update(Body).where(of_booking).values(sealed=b"x" * 300),
        delete(Body).where(of_booking),
        insert(Body).values(more),
        delete(Item).where(Item.item_id == booking.item_id),
        update(Item).where(Item.item_id == booking.item_id).values(number=2),
        update(Volume).where(Volume.volume_id == volume.volume_id).values(pages=1),
        update(Volume).where(Volume.volume_id == volume.volume_id).values(retention="D30"),
    ):
        with pytest.raises(DBAPIError, match="volume is sealed"):
            directly(centre, statement)
        centre.db.rollback()
    loosened(centre)
    directly(centre, update(Body).where(of_booking).values(sealed=b"x" * 300))
    assert check_integrity(centre.db, actor=centre.school["archive"], progress=lambda *_place: None).altered == (volume.code,)


def test_a_list_from_before_is_not_held_against_what_lies_beside(centre: Centre) -> None:
    """Volumes that were signed for without it are whole as they were; one that names it misses it."""
    case = closed(centre)
    now_there = entries_of(centre.db, case)
    before = [entry for entry in now_there if entry.kind not in BESIDE]
    assert len(before) < len(now_there) and differences(before, now_there) == []
    assert [entry.kind for entry in differences(now_there, before)] == ["F01"]


def test_the_page_of_the_integrity_check_tells_how_far_it_is(sqlite_centre: Centre) -> None:
    """Step by step while it works, then what was found; a store that does not answer is said, and nothing is shown as whole."""
    centre = sqlite_centre
    case = closed(centre)
    kept(centre, case, SCAN, title="签字页")
    sealed(centre, case, handed(centre, case))
    shen = listening(centre, "archive")
    page = shen.post("/archive/integrity", headers={"Accept-Language": "en"}).text
    assert "1 of 2" in page and "2 of 2" in page and "All are as they were written." in page
    (path,) = files_of(centre)
    path.write_bytes(b"")
    page = shen.post("/archive/integrity", headers={"Accept-Language": "en"}).text
    assert f"Case {case.case_no:04}, material 1, is damaged." in page and "All are as" not in page


def test_names_are_found_with_a_reason_and_whole(centre: Centre) -> None:
    """By whole name, however it is typed, or number; never by a part; each search has its line; nobody else searches."""
    case = closed(centre)
    volume = handed(centre, case)
    shen = centre.school["archive"]

    def look(wanted: str, reason: str = "returning") -> list[Any]:
        return [one.volume for one in search_names(centre.db, actor=shen, wanted=wanted, reason=reason)]

    assert look("苏未名") == []  # not sealed yet
    sealed(centre, case, volume)
    for wanted in ("苏未名", " 苏 未名 ", "Ｓ2024001", "s2024001"):
        assert look(wanted) == [volume], wanted
    for wanted in ("苏未", "未名", "S202400", "叶无声"):
        assert look(wanted) == [], wanted
    refused = (("苏未名", "", "reason"), ("苏未名", "curious", "reason"), ("苏", "law", "wanted"), ("", "law", "wanted"))
    for wanted, reason, field in refused:
        with pytest.raises(InvalidError) as found:
            look(wanted, reason)
        assert set(found.value.problems) == {field}
    lines = centre.db.scalars(select(AuditLine.detail).where(AuditLine.tag == "archive:names:searched")).all()
    assert len(lines) == 9 and set(lines) == {"returning"}
    for who in ("lan", "director", "admin", "leader", "teacher", "desk", "supervisor"):
        with pytest.raises(RefusedError):
            search_names(centre.db, actor=centre.school[who], wanted="苏未名", reason="law")


def test_one_spoilt_entry_hides_no_other(sqlite_centre: Centre) -> None:
    """The index goes on past an entry that does not open; the page says who was found."""
    centre = sqlite_centre
    case = closed(centre)
    sealed(centre, case, handed(centre, case))
    shen = listening(centre, "archive")
    page = shen.post("/archive/names", data={"wanted": "苏未名", "reason": "own_request"})
    assert page.status_code == 200 and "QZ001-XL" in page.text and "2009-03-01" in page.text
    assert shen.post("/archive/names", data={"wanted": "苏未名"}).status_code == 422
    volume = centre.db.scalars(select(Volume)).one()
    loosened(centre)
    item = next(item.item_id for item in items_in(centre.db, [volume.box_id]) if item.kind == "index")
    directly(centre, update(Body).where(Body.item_id == item).values(sealed=b"x" * 300))
    assert "QZ001-XL" not in shen.post("/archive/names", data={"wanted": "苏未名", "reason": "own_request"}).text
    assert listening(centre, "lan").get("/archive/names").status_code == 404


def test_the_sheets_of_a_volume_name_forms_and_nobody(sqlite_centre: Centre) -> None:
    """Cover, list, remarks, spines: the archivist's alone; who it is about stands on none; each print has its line."""
    centre = sqlite_centre
    case = closed(centre)
    volume = handed(centre, case)
    shen = listening(centre, "archive")
    assert shen.get(f"/archive/{volume.volume_id}/sheets").status_code == 404  # not sealed yet
    sealed(centre, case, volume)
    page = shen.get(f"/archive/{volume.volume_id}/sheets", headers={"Accept-Language": "en"}).text
    spines = shen.get(f"/archive/spines?year={volume.year}").text
    assert volume.code is not None and volume.code in page and volume.code in spines
    assert "Informed consent 1" in page and "岚老师" in page and "档案员柏" in page and "12 pages of paper" in page
    assert "苏未名" not in page + spines and "S2024001" not in page + spines
    for who in ("lan", "teacher", "admin", "leader"):
        other = listening(centre, who)
        assert other.get(f"/archive/{volume.volume_id}/sheets").status_code == 404
        assert other.get(f"/archive/spines?year={volume.year}").status_code == 404
    tags = centre.db.scalars(select(AuditLine.tag).where(AuditLine.tag.like("archive:%:printed"))).all()
    assert sorted(tags) == ["archive:spines:printed", "archive:volume:printed"]
