"""Nobody who leaves takes the archive, a last key or somebody's no along (篇4 二, 四; R4-11, R4-13)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from counsel.access.sign_ins import open_sign_in
from counsel.app import create_app
from counsel.archive.catalogue import late, opened_by_nobody, to_hand_in
from counsel.archive.hand_over import send_back
from counsel.archive.lending import decide_loan
from counsel.archive.reading import serve_loan
from counsel.archive.tickets import ask
from counsel.archive.tickets import serve as serve_ticket
from counsel.audit.models import AuditLine
from counsel.confidentiality.roles import Role
from counsel.core.clock import now
from counsel.core.errors import ConflictError, InvalidError, RefusedError, TransitionError, UnreadableError
from counsel.keys.groups import members_of
from counsel.pathway.cases.models import Agreement, Case
from counsel.pathway.material.consent import may_be_heard
from counsel.pathway.material.erasing import decide_wish, end_use, erase_what_ended, wishes
from counsel.pathway.material.recordings import copies_to_give
from counsel.pathway.material.stopping import TakenBack, stop_use
from counsel.people.invitations import activate, invite_staff
from counsel.people.settling import settle_in
from counsel.people.staff import cases_lost_with, colleagues, dismiss, vouch_for
from counsel.records.models import Item, Material
from counsel.web.page import COOKIE
from tests.conftest import Centre
from tests.school import WORDS
from tests.services.test_archive import closed_with_recording, handed, opens, sealed
from tests.services.test_lending import YES, asked, filed
from tests.services.test_recordings import heard, say
from tests.services.test_volume import closed
from tests.story import received

SECOND = "shen2"


def joined(centre: Centre) -> list[str]:
    """A second archivist comes: invited, activated, vouched for by the director; return what is still missing."""
    db, director = centre.db, centre.school["director"]
    code = invite_staff(db, actor=director, login=SECOND, display="沈二", roles={Role.ARCHIVIST})
    account, keyring, _printed = activate(db, code=code, passphrase=WORDS)
    missing = vouch_for(db, actor=director, account_id=account.account_id)
    centre.school.people[SECOND] = open_sign_in(db, account=account, keyring=keyring, device="computer")
    settle_in(db, actor=centre.school[SECOND])
    return missing


def gone(centre: Centre, who: str, *, knowing: bool = True) -> None:
    """Dismissed."""
    dismiss(centre.db, actor=centre.school["admin"], account_id=centre.school[who].account_id, knowing=knowing)


def test_a_second_archivist_is_let_in_by_the_first(centre: Centre) -> None:
    """Whoever vouches has no key of the archive: the first archivist's sign-in lets the second in, and they go on alone."""
    _case, volume = filed(centre)
    assert joined(centre) == ["archive"]
    waiting = {who.name: who.waiting for who in colleagues(centre.db, actor=centre.school["director"])}
    assert waiting["沈二"]
    ticket = asked(centre, volume)
    decide_loan(centre.db, actor=centre.school["director"], ticket=ticket, verdict=YES)
    with pytest.raises(UnreadableError):
        serve_loan(centre.db, actor=centre.school[SECOND], ticket=ticket)
    centre.db.rollback()
    settle_in(centre.db, actor=centre.school["archive"])
    lines = centre.db.scalars(select(AuditLine).where(AuditLine.tag == "people:group:joined")).all()
    assert [line.object_id for line in lines] == [centre.school[SECOND].holder_id]
    settle_in(centre.db, actor=centre.school["archive"])
    assert len(members_of(centre.db, "archive")) == 2
    gone(centre, "archive", knowing=False)
    settle_in(centre.db, actor=centre.school[SECOND])
    serve_loan(centre.db, actor=centre.school[SECOND], ticket=ticket)
    assert ticket.state == "open"


def test_nobody_lets_in_who_was_not_vouched_for(centre: Centre) -> None:
    """Invited and activated alone, an archivist stays outside."""
    filed(centre)
    db = centre.db
    code = invite_staff(db, actor=centre.school["admin"], login=SECOND, display="沈二", roles={Role.ARCHIVIST})
    account, keyring, _printed = activate(db, code=code, passphrase=WORDS)
    settle_in(db, actor=centre.school["archive"])
    assert keyring.holder_id not in members_of(db, "archive") and account.status == "active"


def test_the_last_archivist_does_not_leave_unasked(centre: Centre) -> None:
    """What only the archive opens is counted before its last member goes; with a second one nothing is lost."""
    filed(centre)
    shen, admin = centre.school["archive"].account_id, centre.school["admin"]
    assert cases_lost_with(centre.db, actor=admin, account_id=shen) == 1
    with pytest.raises(TransitionError, match="SOLE_READER"):
        gone(centre, "archive", knowing=False)
    joined(centre)
    settle_in(centre.db, actor=centre.school["archive"])
    assert cases_lost_with(centre.db, actor=admin, account_id=shen) == 0


def test_the_last_key_is_not_sent_back(centre: Centre) -> None:
    """Whoever handed a case in has left: it can be sealed, and not be sent back to nobody."""
    case = closed(centre)
    volume = handed(centre, case)
    gone(centre, "lan")
    shen = centre.school["archive"]
    with pytest.raises(InvalidError) as found:
        send_back(centre.db, actor=shen, volume=volume, case=case, flaws=["pages"], words="")
    assert found.value.problems == {"flaws": "nobody_left"} and volume.escrow_sealed is not None
    sealed(centre, case, volume)
    assert volume.state == "sealed"


def test_a_closed_case_whose_key_left_is_late_with_nobody(centre: Centre) -> None:
    """Not handed in, and its counsellor gone: archivist and director see its number, and are not told to wait for it."""
    case, shen, director = closed(centre), centre.school["archive"], centre.school["director"]
    with time_machine.travel(now() + timedelta(days=200), tick=True):
        assert [row.case_id for row, _days in late(centre.db, actor=shen)] == [case.case_id]
        assert opened_by_nobody(centre.db, actor=shen) == []
        gone(centre, "lan")
        assert late(centre.db, actor=shen) == [] and to_hand_in(centre.db, actor=director) == []
        for who in ("archive", "director"):
            assert [row.case_no for row in opened_by_nobody(centre.db, actor=centre.school[who])] == [case.case_no]
        for who in ("qiu", "desk", "admin", "leader", "supervisor"):
            with pytest.raises(RefusedError):
                opened_by_nobody(centre.db, actor=centre.school[who])


def test_the_pages_name_what_nobody_can_open(sqlite_centre: Centre) -> None:
    """By number, on the archivist's desk and on the director's list."""
    case = closed(sqlite_centre)
    gone(sqlite_centre, "lan")
    for who, path in (("archive", "/archive"), ("director", "/handed-in")):
        client = create_app(sqlite_centre.settings).test_client()
        client.set_cookie(COOKIE, sqlite_centre.school[who].token)
        page = client.get(path, headers={"Accept-Language": "en"}).text
        assert f"{case.case_no:04d}" in page and "can never be filed" in page, who


def _reader_left(centre: Centre, case: Case, volume_id: Any) -> None:
    new = received(centre, who="qiu")
    ticket = ask(centre.db, actor=centre.school["qiu"], case=new, volume_id=volume_id)
    serve_ticket(centre.db, actor=centre.school["archive"], ticket=ticket)
    gone(centre, "qiu")


def _archivist_left(centre: Centre, case: Case, volume_id: Any) -> None:
    joined(centre)
    settle_in(centre.db, actor=centre.school["archive"])
    gone(centre, "archive")
    settle_in(centre.db, actor=centre.school[SECOND])


@pytest.mark.parametrize("leave", [_reader_left, _archivist_left])
def test_a_clients_no_waits_for_nobody_who_left(centre: Centre, leave: Callable[[Centre, Case, Any], None]) -> None:
    """A reader or an archivist left, the box is stale: the client takes the yes back all the same, at once."""
    case = closed_with_recording(centre)
    row = centre.db.scalars(select(Material)).one()
    volume = handed(centre, case)
    sealed(centre, case, volume)
    leave(centre, case, volume.volume_id)
    item = centre.db.get_one(Item, row.consent_id)
    say(centre, case, item, agreed=False, who="client")
    assert not may_be_heard(centre.db, row)
    assert end_use(centre.db, actor=centre.school["S2024001"], case=case, item=item) == 1 and row.state == "erased"


@pytest.mark.parametrize("who", ["lan", "director"])
@pytest.mark.parametrize("filed_already", [False, True])
def test_a_guardians_no_is_noted_after_the_hand_in(centre: Centre, who: str, filed_already: bool) -> None:
    """By telephone, to the counsellor or the director, without the key of the case: erased the same moment."""
    case = closed_with_recording(centre)
    row = centre.db.scalars(select(Material)).one()
    volume = handed(centre, case)
    if filed_already:
        sealed(centre, case, volume)
    said = TakenBack(case.case_no, row.session_no, "guardian", "by_phone")
    assert stop_use(centre.db, actor=centre.school[who], said=said) == 1
    assert row.state == "erased" and opens(centre, "supervisor", row.box_id) is False
    newest = centre.db.scalars(select(Agreement).order_by(Agreement.number.desc())).first()
    assert newest is not None and (newest.party, newest.agreed, newest.item_id) == ("guardian", False, row.consent_id)


def test_a_no_is_noted_for_ones_own_cases_and_what_is_there(centre: Centre) -> None:
    """Another's case looks absent; a session without a recording and missing answers are said beside their fields."""
    case = closed_with_recording(centre)
    said = TakenBack(case.case_no, 1, "guardian", "by_phone")
    for who in ("qiu", "archive", "desk", "supervisor", "S2024001"):
        with pytest.raises(InvalidError) as found:
            stop_use(centre.db, actor=centre.school[who], said=said)
        assert found.value.problems == {"number": "no_such_case"}, who
    with pytest.raises(InvalidError) as found:
        stop_use(centre.db, actor=centre.school["lan"], said=TakenBack(case.case_no, 9, "teacher", "own_sign_in"))
    assert set(found.value.problems) == {"session", "party", "way"}
    assert may_be_heard(centre.db, centre.db.scalars(select(Material)).one())


def test_the_page_notes_a_no(sqlite_centre: Centre) -> None:
    """From the page of recordings, by two numbers; what was typed stays when something is missing."""
    case = closed_with_recording(sqlite_centre)
    client = create_app(sqlite_centre.settings).test_client()
    client.set_cookie(COOKIE, sqlite_centre.school["director"].token)
    token = client.get("/recordings").text.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"csrf_token": token, "case": str(case.case_no), "session": "7", "party": "client", "way": "on_paper"}
    answer = client.post("/recordings/stop", data=form)
    assert answer.status_code == 422 and 'id="session-error"' in answer.text and 'value="7"' in answer.text
    assert client.post("/recordings/stop", data=form | {"session": "1"}).status_code == 303
    sqlite_centre.db.expire_all()
    assert sqlite_centre.db.scalars(select(Material)).one().state == "erased"


def _wished(centre: Centre) -> tuple[Case, Material]:
    case, item, row = heard(centre)
    say(centre, case, item, agreed=False, who="client")
    end_use(centre.db, actor=centre.school["S2024001"], case=case, item=item, copy=True)
    return case, row


def test_a_copy_nobody_can_hand_over_is_erased_by_the_directors_word(centre: Centre) -> None:
    """Granted, then the counsellor left: the director ends the wish, and it is erased."""
    _case, row = _wished(centre)
    director = centre.school["director"]
    decide_wish(centre.db, actor=director, material_id=row.material_id, give=True)
    assert [found.material_id for found, _no in copies_to_give(centre.db, actor=centre.school["lan"])] == [row.material_id]
    assert copies_to_give(centre.db, actor=centre.school["qiu"]) == []
    gone(centre, "lan")
    with pytest.raises(ConflictError):
        decide_wish(centre.db, actor=director, material_id=row.material_id, give=True)
    decide_wish(centre.db, actor=director, material_id=row.material_id, give=False)
    assert row.state == "erased" and wishes(centre.db, actor=director) == []


@pytest.mark.parametrize("granted", [False, True])
def test_a_wish_for_a_copy_ends_by_itself(centre: Centre, granted: bool) -> None:
    """Thirty days after the yes was taken back it is erased, decided or not; not a day earlier."""
    _case, row = _wished(centre)
    director = centre.school["director"]
    if granted:
        decide_wish(centre.db, actor=director, material_id=row.material_id, give=True)
    with time_machine.travel(now() + timedelta(days=29), tick=True):
        erase_what_ended(centre.db)
        assert row.state == "kept"
    with time_machine.travel(now() + timedelta(days=32), tick=True):
        erase_what_ended(centre.db)
    assert row.state == "erased" and wishes(centre.db, actor=director) == []
    assert not opens(centre, "lan", row.box_id) and copies_to_give(centre.db, actor=centre.school["lan"]) == []
