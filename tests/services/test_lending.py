"""The lending register (F15): no loan without its ground and yes, opened for one reader, checked when it is back (R8-09…11)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from counsel.access.gate import keys_of
from counsel.archive.agreeing import answer_own, own_loans, record_consent
from counsel.archive.catalogue import Wanted, catalogue, out_among
from counsel.archive.integrity import check_integrity
from counsel.archive.lending import BACK, FORM, Wish, ask_loan, decide_loan, find_loan, may_read, read_line
from counsel.archive.models import Ticket, Volume
from counsel.archive.reading import Excerpt, read_copy, read_excerpt, serve_loan
from counsel.archive.returns import lose, loss_reported, mind_loans, renew, take_back
from counsel.archive.tickets import ask as ask_returning
from counsel.archive.tickets import drop, find_ticket, give_back
from counsel.archive.tickets import serve as serve_returning
from counsel.audit.marks import not_before, note_time, runs_behind
from counsel.audit.models import AuditLine
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now, today, working_days_after
from counsel.core.database import writing
from counsel.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError, TransitionError, UnreadableError
from counsel.home.queries import file_sight
from counsel.keys.boxes import open_box
from counsel.keys.models import Box, Grant
from counsel.outbox.models import Notice
from counsel.outbox.notices import notices_of
from counsel.pathway.cases.models import Case
from counsel.people.conflicts import declare
from counsel.people.staff import dismiss
from counsel.records.models import Body, Item
from counsel.records.services import items_in
from counsel.safeguarding.asked.models import LoanRefusal
from counsel.safeguarding.asked.services import answer_enquiry
from counsel.safeguarding.disclosure.approving import Verdict
from counsel.tasks.models import Task
from tests.conftest import Centre
from tests.services.test_archive import handed, opens, sealed
from tests.services.test_disclosure import at_level
from tests.services.test_filed import came_back
from tests.services.test_many import loosened
from tests.services.test_power import cut_everywhere
from tests.services.test_recordings import listening
from tests.services.test_volume import closed
from tests.together import together

YES, FORMS = Verdict(True), ("F05", "F10")


def filed(centre: Centre, **changes: Any) -> tuple[Case, Volume]:
    """A sealed volume."""
    case = closed(centre)
    volume = handed(centre, case, **changes)
    sealed(centre, case, volume, **({"pages": changes["pages"]} if "pages" in changes else {}))
    return case, volume


def wish(centre: Centre, volume: Volume, **changes: Any) -> Wish:
    """A supervisor reads two forms with the client's yes on paper."""
    reader = centre.school["supervisor"].holder_id
    place = {"code": volume.code or "", "basis": "consent", "mode": "screen", "applicant": "督导柳，校外", "purpose": "督导"}
    return replace(Wish(**place, forms=FORMS, reader_id=reader, way="paper", place="柜3"), **changes)


def asked(centre: Centre, volume: Volume, who: str = "lan", **changes: Any) -> Ticket:
    """Asked for."""
    return ask_loan(centre.db, actor=centre.school[who], wish=wish(centre, volume, **changes))


def open_now(centre: Centre, volume: Volume, **changes: Any) -> Ticket:
    """Asked for, agreed to, and served."""
    ticket = asked(centre, volume, **changes)
    decide_loan(centre.db, actor=centre.school["director"], ticket=ticket, verdict=YES)
    serve(centre, ticket)
    return ticket


def serve(centre: Centre, ticket: Ticket, **place: Any) -> str:
    """The archivist's part."""
    return serve_loan(centre.db, actor=centre.school["archive"], ticket=ticket, **place)


def unread(centre: Centre) -> None:
    """Everybody has seen everything so far."""
    centre.db.execute(delete(Notice))
    centre.db.commit()


def kinds_of(found: list[Excerpt]) -> set[str]:
    """Which forms were opened."""
    return {one.kind for one in found}


def test_a_supervisor_reads_the_chosen_forms_and_nothing_else(centre: Centre) -> None:
    """R8-09, R8-10: asked, the director's yes, served, read, checked, sealed anew; each with its line; the client sees it."""
    case, volume = filed(centre)
    reader, archivist, director = (centre.school[who] for who in ("supervisor", "archive", "director"))
    ticket = asked(centre, volume)
    assert (ticket.state, ticket.number, ticket.consent) == ("asked", 1, "given")
    with pytest.raises(ConflictError):
        serve(centre, ticket)
    decide_loan(centre.db, actor=director, ticket=ticket, verdict=YES)
    serve(centre, ticket)
    day = today(centre.settings.time_zone)
    assert (ticket.state, ticket.until_on) == ("open", working_days_after(day, 3))
    assert list(catalogue(centre.db, actor=archivist, wanted=Wanted(out=True))) == [volume]
    assert out_among(centre.db, [volume]) == {volume.volume_id}
    found = read_excerpt(centre.db, actor=reader, ticket=ticket)
    assert kinds_of(found) == set(FORMS) and all(one.texts[0] for one in found)
    for box_id in (case.box_id, case.shared_box_id):
        assert not any(opens(centre, who, box_id) for who in ("supervisor", "archive", "director", "lan"))
    for who in ("lan", "qiu", "director", "archive"):
        with pytest.raises(RefusedError):
            read_excerpt(centre.db, actor=centre.school[who], ticket=ticket)
        assert ticket.reading_box_id and not opens(centre, who, ticket.reading_box_id)
    assert "archive:excerpt:read" in [tag for _at, _who, tag in file_sight(centre.db, actor=centre.school["S2024001"]).opened]
    epoch = centre.db.get_one(Box, case.box_id).epoch
    with pytest.raises(InvalidError) as problems:
        take_back(centre.db, actor=archivist, ticket=ticket, counted=frozenset({"F05"}))
    assert problems.value.problems == {"counted": "check_all"}
    take_back(centre.db, actor=archivist, ticket=ticket, counted=frozenset(FORMS))
    assert ticket.state == "returned" and centre.db.get_one(Box, case.box_id).epoch == epoch + 1
    assert list(catalogue(centre.db, actor=archivist, wanted=Wanted(out=True))) == []
    with pytest.raises(RefusedError):
        read_excerpt(centre.db, actor=reader, ticket=ticket)
    assert [item.kind for item in items_in(centre.db, [volume.box_id])].count("opening") == 1
    assert read_line(centre.db, actor=archivist, ticket=ticket)[BACK]["condition"] == "whole"
    with pytest.raises(ConflictError):
        take_back(centre.db, actor=archivist, ticket=ticket, counted=frozenset(FORMS))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "QZ001-XL·1999-D10-ZX-0001"}, "code"),
        ({"basis": "curiosity"}, "basis"),
        ({"basis": "returning"}, "basis"),
        ({"mode": "copy"}, "mode"),
        ({"applicant": " "}, "applicant"),
        ({"purpose": ""}, "purpose"),
        ({"purpose": "x" * 301}, "purpose"),
        ({"forms": ()}, "forms"),
        ({"forms": ("process",)}, "forms"),
        ({"reader_id": None}, "reader"),
        ({"basis": "law", "way": ""}, "paper_no"),
        ({"basis": "own_request", "way": ""}, "identity"),
        ({"way": "hearsay"}, "way"),
        ({"place": ""}, "place"),
    ],
)
def test_what_is_missing_stands_beside_its_field(sqlite_centre: Centre, changes: dict[str, Any], field: str) -> None:
    """R8-09: nothing is asked without ground, purpose, reader and forms; nothing is kept of what was wrong."""
    _case, volume = filed(sqlite_centre)
    with pytest.raises(InvalidError) as found:
        asked(sqlite_centre, volume, **changes)
    assert set(found.value.problems) == {field} and sqlite_centre.db.scalar(select(Ticket.ticket_id)) is None


def test_only_who_reads_may_be_a_reader(centre: Centre) -> None:
    """Not teacher, leader, desk, administrator, guardian, archivist; nobody who is kept away from the client."""
    case, volume = filed(centre)
    for who in ("teacher", "leader", "desk", "manager", "expert", "archive"):
        with pytest.raises(InvalidError):
            asked(centre, volume, reader_id=centre.school[who].holder_id)
    for who in ("teacher", "leader", "desk", "manager", "expert", "admin", "S2024001"):
        with pytest.raises(RefusedError):
            asked(centre, volume, who)
    qiu = centre.school["qiu"]
    assert qiu.holder_id is not None and may_read(centre.db, case, qiu.holder_id)
    with writing(centre.db):
        declare(centre.db, qiu.holder_id, case.client_id)
    with pytest.raises(InvalidError):
        asked(centre, volume, reader_id=qiu.holder_id)


def test_who_says_yes_and_who_never(centre: Centre) -> None:
    """The director, not whoever asked, not the reader; the director's own go to the outside supervisor; a no has a reason."""
    _case, volume = filed(centre)
    director, outside, qiu = (centre.school[who] for who in ("director", "supervisor", "qiu"))
    own = asked(centre, volume, "director", reader_id=qiu.holder_id)
    for who in (director, qiu, centre.school["archive"], centre.school["lan"]):
        with pytest.raises(RefusedError):
            decide_loan(centre.db, actor=who, ticket=own, verdict=YES)
    with pytest.raises(InvalidError):
        decide_loan(centre.db, actor=outside, ticket=own, verdict=Verdict(False))
    decide_loan(centre.db, actor=outside, ticket=own, verdict=Verdict(False, "没有必要"))
    assert (own.state, own.decider_id) == ("refused", outside.holder_id)
    with pytest.raises(RefusedError):
        decide_loan(centre.db, actor=outside, ticket=own, verdict=YES)
    with pytest.raises(TransitionError, match="NO_SECOND_PERSON"):
        asked(centre, volume, reader_id=director.holder_id)
    again = asked(centre, volume)
    assert again.number == 2
    with pytest.raises(RefusedError):
        decide_loan(centre.db, actor=outside, ticket=again, verdict=YES)


def test_without_the_clients_yes_nothing_leaves(centre: Centre) -> None:
    """R8-09: asked on the own page, refused and given there; taken back while it is read, and the key is gone at once."""
    case, volume = filed(centre)
    student, archivist, reader = (centre.school[who] for who in ("S2024001", "archive", "supervisor"))
    ticket = asked(centre, volume, way="own", place="")
    decide_loan(centre.db, actor=centre.school["director"], ticket=ticket, verdict=YES)
    with pytest.raises(ConflictError, match="no_consent"):
        serve(centre, ticket)
    ((row, code, said),) = own_loans(centre.db, actor=student)
    assert (row, code, said["purpose"]) == (ticket, volume.code, "督导")
    with pytest.raises(RefusedError):
        answer_own(centre.db, actor=centre.school["S2024002"], ticket_id=ticket.ticket_id, agreed=True)
    assert own_loans(centre.db, actor=centre.school["S2024002"]) == []
    answer_own(centre.db, actor=student, ticket_id=ticket.ticket_id, agreed=True)
    serve(centre, ticket)
    assert read_excerpt(centre.db, actor=reader, ticket=ticket)
    answer_own(centre.db, actor=student, ticket_id=ticket.ticket_id, agreed=False)
    assert ticket.consent == "withdrawn" and ticket.reading_box_id is not None
    assert not opens(centre, "supervisor", ticket.reading_box_id)
    with pytest.raises(RefusedError):
        read_excerpt(centre.db, actor=reader, ticket=ticket)
    with pytest.raises(ConflictError, match="no_consent"):
        renew(centre.db, actor=archivist, ticket=ticket)
    take_back(centre.db, actor=archivist, ticket=ticket, counted=frozenset(FORMS))
    with pytest.raises(ConflictError):
        answer_own(centre.db, actor=student, ticket_id=ticket.ticket_id, agreed=True)
    assert case.is_filed


def test_a_yes_that_was_written_into_the_database_opens_nothing(centre: Centre) -> None:
    """What counts is the sealed word, not the column."""
    _case, volume = filed(centre)
    ticket = asked(centre, volume, way="", place="")
    decide_loan(centre.db, actor=centre.school["director"], ticket=ticket, verdict=YES)
    centre.db.execute(update(Ticket).values(consent="given"))
    centre.db.commit()
    centre.db.refresh(ticket)
    with pytest.raises(ConflictError, match="no_consent"):
        serve(centre, ticket)
    centre.db.execute(update(Ticket).values(consent="waiting"))
    centre.db.commit()
    for way, place, field in (("own", "", "way"), ("paper", "", "place"), ("room", "x" * 301, "place")):
        with pytest.raises(InvalidError) as found:
            record_consent(centre.db, actor=centre.school["archive"], ticket=ticket, way=way, place=place)
        assert set(found.value.problems) == {field}
    record_consent(centre.db, actor=centre.school["archive"], ticket=ticket, way="paper", place="柜3")
    with pytest.raises(ConflictError):
        record_consent(centre.db, actor=centre.school["lan"], ticket=ticket, way="room")
    serve(centre, ticket)
    assert ticket.state == "open"


def test_by_law_there_is_an_opinion_and_somebody_of_the_centre_beside(centre: Centre) -> None:
    """A formal paper, read in the room for the day with a counsellor; the director's yes needs the legal opinion."""
    _case, volume = filed(centre)
    director, qiu = centre.school["director"], centre.school["qiu"]
    place = {"basis": "law", "mode": "room", "way": "", "place": "", "reader_id": qiu.holder_id}
    ticket = asked(centre, volume, "archive", **place, paper_no="（2026）3号", paper_body="某法院")
    with pytest.raises(InvalidError, match="opinion"):
        decide_loan(centre.db, actor=director, ticket=ticket, verdict=YES)
    decide_loan(centre.db, actor=director, ticket=ticket, verdict=Verdict(True, "", "法律顾问", "只给两张表"))
    serve(centre, ticket)
    day = today(centre.settings.time_zone)
    assert ticket.until_on == day and kinds_of(read_excerpt(centre.db, actor=qiu, ticket=ticket)) == set(FORMS)
    with time_machine.travel(now() + timedelta(days=1), tick=True):
        with pytest.raises(RefusedError):
            read_excerpt(centre.db, actor=qiu, ticket=ticket)
        assert ticket.reading_box_id is not None and not opens(centre, "qiu", ticket.reading_box_id)


def test_paper_is_counted_out_and_in(centre: Centre) -> None:
    """R8-11: another number is refused until it is said what is missing; the director hears of it."""
    _case, volume = filed(centre)
    archivist, director = centre.school["archive"], centre.school["director"]
    ticket = asked(centre, volume, mode="paper", forms=())
    decide_loan(centre.db, actor=director, ticket=ticket, verdict=YES)
    with pytest.raises(InvalidError):
        serve(centre, ticket, pages=11)
    serve(centre, ticket, pages=12)
    assert (ticket.pages_out, ticket.reading_box_id) == (12, None)
    for place, fields in (
        ({"pages": None}, {"pages"}),
        ({"pages": 13}, {"pages"}),
        ({"pages": 11}, {"condition", "words"}),
        ({"pages": 11, "condition": "missing"}, {"words"}),
        ({"pages": 12, "condition": "burnt", "words": "x"}, {"condition"}),
    ):
        with pytest.raises(InvalidError) as found:
            take_back(centre.db, actor=archivist, ticket=ticket, **place)  # type: ignore[arg-type]
        assert set(found.value.problems) >= fields and ticket.state == "open"
    unread(centre)
    take_back(centre.db, actor=archivist, ticket=ticket, pages=11, condition="missing", words="第7页不在")
    assert (ticket.state, ticket.pages_back) == ("returned", 11) and len(notices_of(centre.db, director.holder_id)) == 1
    assert read_line(centre.db, actor=director, ticket=ticket)[BACK]["words"] == "第7页不在"


def test_late_loans_remind_reader_archivist_and_director(centre: Centre) -> None:
    """R8-10: on the last day the reader, the day after the archivist, on the third the director; renewed once."""
    _case, volume = filed(centre)
    reader, archivist, director = (centre.school[who] for who in ("supervisor", "archive", "director"))
    ticket = open_now(centre, volume)
    renew(centre.db, actor=archivist, ticket=ticket)
    assert read_excerpt(centre.db, actor=reader, ticket=ticket) and ticket.renewed
    with pytest.raises(ConflictError, match="renewed"):
        renew(centre.db, actor=archivist, ticket=ticket)
    assert mind_loans(centre.db) == "0 loans, 1 copies, 0 without ground"  # the box that was open before it was renewed
    assert ticket.until_on is not None
    left = (ticket.until_on - today(centre.settings.time_zone)).days

    def told(days: int) -> list[int]:
        """How many notices of loans the three have after so many days."""
        with time_machine.travel(now() + timedelta(days=left + days), tick=True):
            mind_loans(centre.db)
            people = (reader, archivist, director)
            return [len([one for one in notices_of(centre.db, who.holder_id) if one.kind == "loan"]) for who in people]

    centre.db.execute(update(Ticket).values(renewed=True))
    centre.db.commit()
    reading = told(-1)
    assert [told(0), told(1), told(3)] == [reading, reading, reading]  # unread ones are not given twice
    unread(centre)
    assert (told(0), told(1), told(3)) == ([1, 0, 0], [1, 1, 0], [1, 1, 1])


def test_a_lost_volume_has_its_clock(centre: Centre) -> None:
    """On the register as lost, the director has a day to report it; a word is needed, and only paper is lost."""
    _case, volume = filed(centre)
    archivist, director = centre.school["archive"], centre.school["director"]
    ticket = asked(centre, volume, mode="paper", forms=())
    decide_loan(centre.db, actor=director, ticket=ticket, verdict=YES)
    serve(centre, ticket, pages=12)
    with pytest.raises(InvalidError):
        lose(centre.db, actor=archivist, ticket=ticket, words=" ")
    lose(centre.db, actor=archivist, ticket=ticket, words="车上遗失")
    (task,) = centre.db.scalars(select(Task).where(Task.object_id == ticket.ticket_id)).all()
    assert ticket.state == "lost" and round((task.due_at - now()).total_seconds() / 3600) == 24
    with pytest.raises((RefusedError, ConflictError)):
        loss_reported(centre.db, actor=centre.school["lan"], ticket=ticket)
    loss_reported(centre.db, actor=director, ticket=ticket)
    assert task.outcome == "seen"
    second = asked(centre, volume)
    decide_loan(centre.db, actor=director, ticket=second, verdict=YES)
    serve(centre, second)
    with pytest.raises(InvalidError):
        lose(centre.db, actor=archivist, ticket=second, words="x")


def test_a_former_client_fetches_a_copy_of_the_own_file_with_a_code(centre: Centre) -> None:
    """Identity checked in person, the director's yes; the code with the rung number's digits opens it until its hour."""
    case, volume = filed(centre)
    place = {"basis": "own_request", "mode": "copy", "way": "", "place": "", "reader_id": None}
    ticket = asked(centre, volume, "archive", **place, identity="身份证，当面核对", applicant="本人")
    decide_loan(centre.db, actor=centre.school["director"], ticket=ticket, verdict=YES)
    for digits in ("", "12", "abcd"):
        with pytest.raises(InvalidError):
            serve(centre, ticket, digits=digits)
    code = serve(centre, ticket, digits="5678")
    row, found = read_copy(centre.db, code=code, digits="5678", address="::1")
    assert row is ticket and kinds_of(found) == set(FORMS)
    line = centre.db.scalars(select(AuditLine).where(AuditLine.tag == "archive:copy:read")).one()
    assert line.subject_id == case.client_id
    with pytest.raises(NotFoundError):
        read_copy(centre.db, code=code, digits="9999", address="::1")
    with pytest.raises(NotFoundError):
        read_copy(centre.db, code="X" * 24, digits="5678", address="::1")
    with pytest.raises(ConflictError):
        renew(centre.db, actor=centre.school["archive"], ticket=ticket)
    with time_machine.travel(now() + timedelta(hours=73), tick=True), pytest.raises(NotFoundError):
        read_copy(centre.db, code=code, digits="5678", address="::1")
    take_back(centre.db, actor=centre.school["archive"], ticket=ticket, counted=frozenset(FORMS))
    with pytest.raises(NotFoundError):
        read_copy(centre.db, code=code, digits="5678", address="::1")


def test_what_was_read_opens_for_nobody_afterwards(centre: Centre) -> None:
    """A16: the copy's lock is erased by the job: not even a backup that brings the reader's grant back opens it again."""
    _case, volume = filed(centre)
    ticket = open_now(centre, volume)
    box_id = ticket.reading_box_id
    assert box_id is not None
    kept = [
        {column.name: getattr(grant, column.name) for column in Grant.__table__.columns}
        for grant in centre.db.scalars(select(Grant).where(Grant.box_id == box_id))
    ]
    take_back(centre.db, actor=centre.school["archive"], ticket=ticket, counted=frozenset(FORMS))
    assert mind_loans(centre.db) == "0 loans, 1 copies, 0 without ground" and mind_loans(centre.db)[:17] == "0 loans, 0 copies"
    with writing(centre.db):
        centre.db.add_all(Grant(**row) for row in kept)
    with pytest.raises(UnreadableError):
        open_box(centre.db, keys_of(centre.db, centre.school["supervisor"]), box_id)
    assert check_integrity(centre.db, actor=centre.school["archive"], progress=lambda *_place: None).altered == ()


def test_one_volume_one_reader(centre: Centre) -> None:
    """Somebody has asked: the next is told kindly; dropped, it is free again. A client who came back waits for no loan."""
    old, volume, new = came_back(centre, "qiu")
    ticket = asked(centre, volume)
    with pytest.raises(ConflictError, match="lent"):
        asked(centre, volume)
    with pytest.raises(RefusedError):
        find_ticket(centre.db, actor=centre.school["qiu"], ticket_id=ticket.ticket_id, permission=Permission.TICKET_DROP)
    found = find_ticket(centre.db, actor=centre.school["lan"], ticket_id=ticket.ticket_id, permission=Permission.TICKET_DROP)
    drop(centre.db, actor=centre.school["lan"], ticket=found)
    assert ticket.state == "dropped" and old.is_filed
    loan, shen = open_now(centre, volume), centre.school["archive"]
    back = ask_returning(centre.db, actor=centre.school["qiu"], case=new, volume_id=volume.volume_id)
    serve_returning(centre.db, actor=shen, ticket=back)
    take_back(centre.db, actor=shen, ticket=loan, counted=frozenset(FORMS))
    assert opens(centre, "qiu", old.box_id)  # the new seal goes on for whoever still reads
    give_back(centre.db, actor=shen, ticket=back)
    assert not opens(centre, "qiu", old.box_id)


def test_the_desk_of_returning_clients_serves_no_other_loan(centre: Centre) -> None:
    """Neither without the director's yes, nor back without being counted."""
    _case, volume = filed(centre)
    ticket, shen = asked(centre, volume), centre.school["archive"]
    with pytest.raises(ConflictError):
        serve_returning(centre.db, actor=shen, ticket=ticket)
    decide_loan(centre.db, actor=centre.school["director"], ticket=ticket, verdict=YES)
    serve(centre, ticket)
    with pytest.raises(ConflictError):
        give_back(centre.db, actor=shen, ticket=ticket)
    assert ticket.state == "open"


def test_two_who_ask_at_once(centre: Centre) -> None:
    """One has it, the other is told; the register has no gap."""
    _case, volume = filed(centre)
    asks = wish(centre, volume)
    centre.db.rollback()

    def work(db: Session, number: int) -> Callable[[], object]:
        return partial(ask_loan, db, actor=centre.school[("lan", "qiu")[number]], wish=asks)

    assert together(centre, work) == ["done", "told"]
    assert centre.db.scalar(select(func.count()).select_from(Ticket)) == 1


def test_cut_off_anywhere_a_loan_is_as_it_was_or_as_it_is(centre: Centre) -> None:
    """Serving and taking back, at every write: both states stand, neither is half."""
    case, volume = filed(centre)
    ticket = asked(centre, volume)
    decide_loan(centre.db, actor=centre.school["director"], ticket=ticket, verdict=YES)
    number = ticket.ticket_id

    def again() -> Ticket:
        """The line as it stands now."""
        return centre.db.get_one(Ticket, number, populate_existing=True)

    def whole() -> None:
        """Open with its box and key, or approved without."""
        row = again()
        assert (row.state == "open") == (row.reading_box_id is not None)
        assert centre.db.get_one(Box, case.box_id, populate_existing=True).shut

    cut_everywhere(centre, lambda: serve(centre, again()), whole)

    def back() -> None:
        """Returned with its seal, or open without."""
        row = again()
        seals = [item.kind for item in items_in(centre.db, [volume.box_id])].count("opening")
        assert (row.state == "returned") == (seals == 1)
        assert centre.db.get_one(Box, case.box_id, populate_existing=True).shut

    shen = centre.school["archive"]
    cut_everywhere(centre, lambda: take_back(centre.db, actor=shen, ticket=again(), counted=frozenset(FORMS)), back)


def test_a_reader_who_left_is_given_nothing(centre: Centre) -> None:
    """Dismissed between yes and serving: told, and the volume stays shut; a bit flipped in the register opens nothing."""
    _case, volume = filed(centre)
    place = {"reader_id": centre.school["qiu"].holder_id}
    ticket = asked(centre, volume, **place)
    decide_loan(centre.db, actor=centre.school["director"], ticket=ticket, verdict=YES)
    dismiss(centre.db, actor=centre.school["admin"], account_id=centre.school["qiu"].account_id, knowing=True)
    with pytest.raises(ConflictError):
        serve(centre, ticket)
    loosened(centre)
    item = next(item for item in items_in(centre.db, [ticket.box_id]) if item.kind == FORM)  # type: ignore[list-item]
    body = centre.db.scalars(select(Body).where(Body.item_id == item.item_id)).one()
    centre.db.execute(update(Body).where(Body.item_id == item.item_id).values(sealed=body.sealed[:-1] + b"x"))
    centre.db.commit()
    centre.db.expire_all()
    with pytest.raises(UnreadableError):
        read_line(centre.db, actor=centre.school["archive"], ticket=ticket)


def test_a_refused_asker_stands_on_the_register_with_the_clause(centre: Centre) -> None:
    """C6.4: the class teacher's wish for the file; nobody learns whether there is one, and no name stands anywhere."""
    for who, staff in (("class_teacher", "teacher"), ("guardian", "desk"), ("leader", "desk")):
        answer_enquiry(centre.db, actor=centre.school[staff], who=who, what="file")
    answer_enquiry(centre.db, actor=centre.school["desk"], who="authority", what="file")
    answer_enquiry(centre.db, actor=centre.school["desk"], who="guardian", what="is_client")
    rows = centre.db.scalars(select(LoanRefusal).order_by(LoanRefusal.number)).all()
    assert [(row.number, row.who, row.clause) for row in rows] == [
        (1, "class_teacher", "篇4 三"),
        (2, "guardian", "篇4 三"),
        (3, "leader", "篇4 三"),
    ]


def test_who_sees_a_line_of_the_register(centre: Centre) -> None:
    """The archivist, whoever was given its key; refused to everybody else, a colleague included."""
    _case, volume = filed(centre)
    ticket = asked(centre, volume)
    for who in ("archive", "lan", "director", "supervisor"):
        assert find_loan(centre.db, actor=centre.school[who], ticket_id=ticket.ticket_id, permission=Permission.LOAN_SEE)
        assert read_line(centre.db, actor=centre.school[who], ticket=ticket)[FORM]["purpose"] == "督导"
    for who in ("qiu", "teacher", "leader", "desk", "admin", "manager", "expert", "S2024001"):
        with pytest.raises(RefusedError):
            find_loan(centre.db, actor=centre.school[who], ticket_id=ticket.ticket_id, permission=Permission.LOAN_SEE)


def test_a35_a_clock_that_is_set_back_extends_nothing(centre: Centre) -> None:
    """A35: the latest moment is kept; a loan whose day has passed stays over, and nothing new is opened until it is right."""
    _case, volume = filed(centre)
    reader, archivist = centre.school["supervisor"], centre.school["archive"]
    ticket = open_now(centre, volume)
    assert ticket.until_on is not None
    later = now() + timedelta(days=10)
    with time_machine.travel(later, tick=True):
        note_time(centre.db)
        with pytest.raises(RefusedError):
            read_excerpt(centre.db, actor=reader, ticket=ticket)
    assert runs_behind(centre.db) and not_before(centre.db) >= later
    with pytest.raises(RefusedError):  # the machine shows a day on which it would still be open
        read_excerpt(centre.db, actor=reader, ticket=ticket)
    with pytest.raises(ConflictError, match="clock"):
        renew(centre.db, actor=archivist, ticket=ticket)
    take_back(centre.db, actor=archivist, ticket=ticket, counted=frozenset(FORMS))
    again = asked(centre, volume)
    decide_loan(centre.db, actor=centre.school["director"], ticket=again, verdict=YES)
    with pytest.raises(ConflictError, match="clock"):
        serve(centre, again)
    note_time(centre.db)
    assert runs_behind(centre.db)  # an earlier moment is never kept
    with time_machine.travel(later + timedelta(minutes=1), tick=True):
        serve(centre, again)
    assert again.state == "open"


def test_a21_each_print_has_its_reason_its_number_and_its_reader(sqlite_centre: Centre) -> None:
    """A21: one form at a time; without a reason there is no sheet; whoever printed it, when and which copy stand on it."""
    centre, case = sqlite_centre, at_level(sqlite_centre)
    lan = listening(centre, "lan")
    item = centre.db.scalars(select(Item).where(Item.box_id == case.shared_box_id, Item.kind == "F02")).one()
    place = f"/cases/{case.case_id}/print/{item.item_id}"
    assert b"watermark" not in lan.post(place).data
    for number in (1, 2):
        sheet = lan.post(place, data={"reason": "sign"}).get_data(as_text=True)
        assert f"第{number}份" in sheet and "岚老师" in sheet and "供签字" in sheet
    centre.db.commit()
    lines = centre.db.scalars(select(AuditLine.detail).where(AuditLine.tag == "pathway:f02:printed")).all()
    assert lines == ["sign", "sign"]
    assert listening(centre, "qiu").post(place, data={"reason": "sign"}).status_code == 404


def test_the_booking_is_lent_like_any_form(centre: Centre) -> None:
    """F01 lies in a box of its own beside the case; whoever is agreed to reads it (domain §5.5)."""
    _case, volume = filed(centre)
    ticket = open_now(centre, volume, forms=("F01",))
    found = read_excerpt(centre.db, actor=centre.school["supervisor"], ticket=ticket)
    assert [one.kind for one in found] == ["F01"]
