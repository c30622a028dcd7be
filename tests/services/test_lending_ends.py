"""How a loan ends when something changed meanwhile: a lost volume, pages that stayed away, a ground, a yes, a reader (篇8 六)."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from counsel.archive.agreeing import answer_own, own_loans, record_consent
from counsel.archive.catalogue import out_among
from counsel.archive.lending import decide_loan, find_loan
from counsel.archive.models import Ticket, Volume
from counsel.archive.register import losses, my_loans
from counsel.archive.returns import lose, loss_reported, mind_loans, renew, take_back
from counsel.archive.seals import OPENING
from counsel.archive.tickets import ask, find_ticket, give_back
from counsel.archive.tickets import serve as serve_returning
from counsel.confidentiality.permissions import Permission
from counsel.core.database import writing
from counsel.core.errors import ConflictError, InvalidError, RefusedError
from counsel.keys.models import Box, Grant
from counsel.outbox.notices import notices_of
from counsel.people.conflicts import declare
from counsel.records.services import items_in
from counsel.tasks.models import Task
from tests.conftest import Centre
from tests.services.test_archive import handed, opens, sealed
from tests.services.test_filed import came_back
from tests.services.test_lending import FORMS, YES, asked, filed, open_now, serve, unread
from tests.services.test_volume import closed

STUDENT = "S2024001"


def out_on_paper(centre: Centre, volume: Volume, pages: int = 12) -> Ticket:
    """The paper is handed out."""
    ticket = asked(centre, volume, mode="paper", forms=())
    decide_loan(centre.db, actor=centre.school["director"], ticket=ticket, verdict=YES)
    serve(centre, ticket, pages=pages)
    return ticket


def told(centre: Centre, who: str) -> bool:
    """Somebody has a notice of a loan."""
    return "loan" in [notice.kind for notice in notices_of(centre.db, centre.school[who].holder_id)]


def test_a_lost_volume_is_reported_from_the_directors_list(centre: Centre) -> None:
    """On the list of every director, with its button; out of the shelf, not lent; the clock ends with the report."""
    _case, volume = filed(centre)
    ticket, director = out_on_paper(centre, volume), centre.school["director"]
    lose(centre.db, actor=centre.school["archive"], ticket=ticket, words="没有归还")
    centre.db.execute(Grant.__table__.delete().where(Grant.holder_id == director.holder_id, Grant.box_id == ticket.box_id))
    centre.db.commit()  # as for a director who came later
    assert [one.volume for one in losses(centre.db, actor=director)] == [volume]
    for who in ("lan", "archive", "supervisor", "desk", "leader"):
        assert losses(centre.db, actor=centre.school[who]) == []
        with pytest.raises(RefusedError):
            loss_reported(centre.db, actor=centre.school[who], ticket=ticket)
    assert out_among(centre.db, [volume]) == {volume.volume_id}
    with pytest.raises(InvalidError) as found:
        asked(centre, volume, mode="paper", forms=())
    assert found.value.problems == {"mode": "lost_volume"}
    found_now = find_loan(centre.db, actor=director, ticket_id=ticket.ticket_id, permission=Permission.LOAN_LOSS)
    loss_reported(centre.db, actor=director, ticket=found_now)
    assert losses(centre.db, actor=director) == []


def test_a_lost_volume_is_found_again(centre: Centre) -> None:
    """Counted back like any other; the director's clock ends, and it can be lent."""
    _case, volume = filed(centre)
    ticket, shen = out_on_paper(centre, volume), centre.school["archive"]
    lose(centre.db, actor=shen, ticket=ticket, words="没有归还")
    again = find_ticket(centre.db, actor=shen, ticket_id=ticket.ticket_id, permission=Permission.TICKET_SERVE)
    take_back(centre.db, actor=shen, ticket=again, pages=12)
    assert (ticket.state, out_among(centre.db, [volume])) == ("returned", set())
    assert centre.db.scalars(select(Task).where(Task.object_id == ticket.ticket_id)).one().outcome == "seen"
    assert out_on_paper(centre, volume).state == "open"
    with pytest.raises(ConflictError):
        take_back(centre.db, actor=shen, ticket=ticket, pages=12)


def test_pages_that_stayed_away_are_not_counted_again(centre: Centre) -> None:
    """Twelve out, eleven back: the next loan counts eleven, and twelve is wrong."""
    _case, volume = filed(centre)
    shen = centre.school["archive"]
    take_back(centre.db, actor=shen, ticket=out_on_paper(centre, volume), pages=11, condition="missing", words="少一页")
    ticket = asked(centre, volume, mode="paper", forms=())
    decide_loan(centre.db, actor=centre.school["director"], ticket=ticket, verdict=YES)
    with pytest.raises(InvalidError, match="pages"):
        serve(centre, ticket, pages=12)
    serve(centre, ticket, pages=11)
    take_back(centre.db, actor=shen, ticket=ticket, pages=11)
    assert ticket.state == "returned"
    assert ticket in [one.ticket for one in my_loans(centre.db, actor=centre.school["director"])]


@pytest.mark.parametrize("change", ["hands", "barred"])
def test_a_returning_clients_reading_ends_with_its_ground(centre: Centre, change: str) -> None:
    """The new case changed hands, or the reader is kept away since: the job takes the key, without anybody's."""
    old, volume, new = came_back(centre, "qiu")
    ticket = ask(centre.db, actor=centre.school["qiu"], case=new, volume_id=volume.volume_id)
    serve_returning(centre.db, actor=centre.school["archive"], ticket=ticket)
    assert mind_loans(centre.db).endswith("0 without ground") and opens(centre, "qiu", old.box_id)
    if change == "hands":
        new.counsellor_id = centre.school["lan"].holder_id  # type: ignore[assignment]
        centre.db.commit()
    else:
        with writing(centre.db):
            declare(centre.db, centre.school["qiu"].holder_id, old.client_id)  # type: ignore[arg-type]
    assert mind_loans(centre.db).endswith("1 without ground")
    assert not opens(centre, "qiu", old.box_id) and ticket.state == "returned"


def test_each_opening_has_its_seal(centre: Centre) -> None:
    """The first reader's key went without anybody at the desk: before the next one reads, the seal that was owed is made."""
    old, volume, new = came_back(centre, "qiu")
    lan, shen = centre.school["lan"], centre.school["archive"]
    first = ask(centre.db, actor=centre.school["qiu"], case=new, volume_id=volume.volume_id)
    serve_returning(centre.db, actor=shen, ticket=first)
    epoch = centre.db.get_one(Box, old.box_id).epoch
    new.counsellor_id = lan.holder_id  # type: ignore[assignment]
    centre.db.commit()
    again = ask(centre.db, actor=lan, case=new, volume_id=volume.volume_id)
    serve_returning(centre.db, actor=shen, ticket=again)
    box = centre.db.get_one(Box, old.box_id)
    assert (box.epoch, box.stale) == (epoch + 1, False)
    give_back(centre.db, actor=shen, ticket=again)
    assert [item.kind for item in items_in(centre.db, [volume.box_id])].count(OPENING) == 2


def test_whoever_is_kept_away_is_given_no_new_key(centre: Centre) -> None:
    """A loan runs, its reader is barred: it is not renewed."""
    case, volume = filed(centre)
    ticket = open_now(centre, volume, reader_id=centre.school["qiu"].holder_id)
    with writing(centre.db):
        declare(centre.db, centre.school["qiu"].holder_id, case.client_id)  # type: ignore[arg-type]
    with pytest.raises(ConflictError):
        renew(centre.db, actor=centre.school["archive"], ticket=ticket)
    assert not ticket.renewed


def test_a_yes_by_telephone_stands_on_the_own_page_and_is_taken_back_there(centre: Centre) -> None:
    """Whoever said yes by telephone sees it, and takes it back: the reader's key goes, and the desk and the reader are told."""
    _case, volume = filed(centre)
    ticket, client = open_now(centre, volume, way="phone", place=""), centre.school[STUDENT]
    unread(centre)
    assert [found.ticket_id for found, _code, _said in own_loans(centre.db, actor=client)] == [ticket.ticket_id]
    answer_own(centre.db, actor=client, ticket_id=ticket.ticket_id, agreed=False)
    assert ticket.consent == "withdrawn" and not opens(centre, "supervisor", ticket.reading_box_id)
    assert all(told(centre, who) for who in ("lan", "archive", "supervisor"))
    with pytest.raises(ConflictError):
        answer_own(centre.db, actor=client, ticket_id=ticket.ticket_id, agreed=True)
    assert ticket.consent == "withdrawn"


def test_a_yes_taken_back_by_telephone_is_noted_by_the_desk(centre: Centre) -> None:
    """Whoever has no own page says it to somebody here; once, and the key goes at once."""
    _case, volume = filed(centre)
    ticket, shen = open_now(centre, volume), centre.school["archive"]
    with pytest.raises(InvalidError, match="place"):
        record_consent(centre.db, actor=shen, ticket=ticket, way="paper", agreed=False)
    record_consent(centre.db, actor=shen, ticket=ticket, way="phone", agreed=False)
    assert ticket.consent == "withdrawn" and not opens(centre, "supervisor", ticket.reading_box_id)
    with pytest.raises(ConflictError):
        record_consent(centre.db, actor=shen, ticket=ticket, way="phone", agreed=False)


def test_a_line_that_asks_for_nobodys_yes_is_no_clients_to_answer(centre: Centre) -> None:
    """A loan by law, and an id of nothing: absent, for the client."""
    _case, volume = filed(centre)
    ticket = asked(centre, volume, basis="law", statute="未成年人保护法", way="", place="")
    for number in (ticket.ticket_id, uuid4(), None):
        with pytest.raises(RefusedError):
            answer_own(centre.db, actor=centre.school[STUDENT], ticket_id=number, agreed=True)


@pytest.mark.parametrize("reader", ["teacher", STUDENT, None])
def test_a_copy_has_no_reader_besides_the_person(centre: Centre, reader: str | None) -> None:
    """Whatever id is sent along: nobody else is given the key of the line."""
    _case, volume = filed(centre)
    place: dict[str, Any] = {"basis": "own_request", "mode": "copy", "way": "", "identity": "学生证"}
    sent = centre.school[reader].holder_id if reader else uuid4()
    ticket = asked(centre, volume, reader_id=sent, **place)
    holders = set(centre.db.scalars(select(Grant.holder_id).where(Grant.box_id == ticket.box_id)))
    assert sent not in holders and ticket.reader_id == centre.school["lan"].holder_id


def test_the_counsellor_does_not_read_who_reads_it_later(centre: Centre) -> None:
    """Sealed, the box of the volume is the archive's: index, receipt and each later opening."""
    case = closed(centre)
    volume = handed(centre, case)
    assert opens(centre, "lan", volume.box_id)
    sealed(centre, case, volume)
    assert not opens(centre, "lan", volume.box_id) and opens(centre, "archive", volume.box_id)
    take_back(centre.db, actor=centre.school["archive"], ticket=open_now(centre, volume), counted=frozenset(FORMS))
    assert not opens(centre, "lan", volume.box_id)
