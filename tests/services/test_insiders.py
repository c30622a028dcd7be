"""Insiders who work together, accounts that come back, alarms that must not get lost: attacks found by a second look."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from counsel.access.accounts import find_account
from counsel.access.models import Account, SignIn
from counsel.access.sign_ins import open_sign_in, present_person, sign_in
from counsel.access.vault import lock_vault
from counsel.app import create_app
from counsel.audit.models import AuditLine
from counsel.confidentiality.roles import Role
from counsel.core.clock import now
from counsel.core.database import writing
from counsel.core.errors import (
    ConflictError,
    InvalidError,
    LockedError,
    NotFoundError,
    RefusedError,
    TamperError,
    UnreadableError,
)
from counsel.keys.boxes import open_box
from counsel.keys.grants import Reader, make_grant
from counsel.keys.models import Box, Grant
from counsel.keys.trust import holder_row
from counsel.pathway.appointments.alarms import raise_alarm
from counsel.pathway.appointments.duty import duty_tasks, read_task
from counsel.pathway.appointments.reception import confirm_request, day_sheet, offer_time, read_request, waiting_requests
from counsel.pathway.appointments.requests import accept_offer
from counsel.pathway.cases.dossier import ASSESSMENT, write_form
from counsel.pathway.cases.evidence import ConflictClear, IdentityMatched
from counsel.pathway.cases.opening import open_case
from counsel.pathway.cases.services import caseload
from counsel.pathway.intake.consent import guardian_settled, present_consent, record_consent
from counsel.people.invitations import activate, invite_staff, invite_student, look_up_student, reinvite_staff
from counsel.people.models import Invitation
from counsel.people.recovery import change_passphrase
from counsel.people.staff import colleagues, dismiss, seen_mark, vouch_for
from tests.conftest import Centre
from tests.school import WORDS
from tests.story import CALM, ask, consent_content, in_counselling, on_duty, open_the_centre, received, slot_with

NEW_WORDS = "baiyun heishui chunfeng"


@pytest.mark.parametrize("spy", ["qiu", "desk"])
def test_a_certified_spy_with_a_database_gains_nothing_by_rotation(centre: Centre, spy: str) -> None:
    """A grant of garbage signed by a real colleague, planted and made stale: the next save refuses with an alarm."""
    open_the_centre(centre)
    case = in_counselling(centre)
    thief = centre.school[spy].keyring
    assert thief is not None
    row = holder_row(centre.db, thief.holder_id)
    assert row is not None
    with writing(centre.db):
        make_grant(centre.db, box_id=case.box_id, epoch=1, key=bytes(32), reader=Reader(row, "assigned"), granter=thief)
        centre.db.execute(update(Box).where(Box.box_id == case.box_id).values(stale=True))
    centre.db.expire_all()
    content = {"main_problem": "P01"}
    with pytest.raises((TamperError, ConflictError)):
        write_form(
            centre.db,
            actor=centre.school["lan"],
            case=case,
            kind=replace(ASSESSMENT, code="F04b"),
            content=content,
            seen_version=0,
        )
    centre.db.rollback()
    assert centre.db.scalars(select(Grant).where(Grant.box_id == case.box_id, Grant.epoch == 2)).all() == []


def test_the_server_secret_makes_no_grant_of_a_case(centre: Centre) -> None:
    """The house vouches for cards and concerns to groups, and for nothing else."""
    open_the_centre(centre)
    case = received(centre)
    lan = centre.school["lan"]
    row = holder_row(centre.db, lan.holder_id)  # type: ignore[arg-type]
    assert row is not None
    with writing(centre.db):
        make_grant(centre.db, box_id=case.box_id, epoch=2, key=bytes(32), reader=Reader(row, "assigned"), granter=None)
        centre.db.execute(update(Box).where(Box.box_id == case.box_id).values(epoch=2))
    centre.db.expire_all()
    with pytest.raises(TamperError):
        open_box(centre.db, lan.keyring, case.box_id, for_writing=True)  # type: ignore[arg-type]


def test_a_dismissed_colleague_does_not_come_back(centre: Centre) -> None:
    """Invitations die with the account; nobody resets themselves; the pinned director is neither reset nor dismissed."""
    admin, director = centre.school["admin"], centre.school["director"]
    assert admin.staff_id and director.staff_id
    with pytest.raises(NotFoundError):
        reinvite_staff(centre.db, actor=admin, account_id=admin.staff_id)
    code = reinvite_staff(centre.db, actor=director, account_id=admin.staff_id)
    dismiss(centre.db, actor=director, account_id=admin.staff_id)
    assert centre.db.scalars(select(Invitation).where(Invitation.account_id == admin.staff_id)).all() == []
    with pytest.raises(NotFoundError):
        activate(centre.db, code=code, passphrase=NEW_WORDS)


def test_an_administrator_cannot_shut_the_director_out(centre: Centre) -> None:
    """Neither reset nor dismissal reaches the pinned director."""
    admin, director = centre.school["admin"], centre.school["director"]
    assert director.staff_id is not None
    for act in (reinvite_staff, dismiss):
        with pytest.raises(NotFoundError):
            act(centre.db, actor=admin, account_id=director.staff_id)
    assert sign_in(centre.db, login="lan", passphrase=WORDS, address="x", device="phone").person is not None


def test_new_keys_of_a_student_leave_earlier_alarms_readable(centre: Centre) -> None:
    """A forgotten passphrase between two alarms loses neither; worse answers make a further task, at most three."""
    open_the_centre(centre)
    student = centre.school["S2024001"]
    raise_alarm(centre.db, actor=student, answers={**CALM, "q1": "yes"}, again=True)
    code, card = invite_student(
        centre.db, actor=centre.school["desk"], student_id=student.keyring.student_id, ends=now() + timedelta(days=1)
    )
    account, keyring, _code = activate(centre.db, code=code, passphrase="baiyun heishui", login=card.student_no, born=card.born)
    again = open_sign_in(centre.db, account=account, keyring=keyring, device="phone")
    for _more in range(4):
        raise_alarm(centre.db, actor=again, answers={**CALM, "q7": "yes"}, again=True)
    said = [
        read_task(centre.db, actor=on_duty(centre), task_id=task.task_id)[1]["answers"]
        for task in duty_tasks(centre.db, actor=on_duty(centre))
    ]
    assert [words["q1"] for words in said].count("yes") == 1 and len(said) == 3


def test_an_offer_before_triage_still_waits_for_triage(centre: Centre) -> None:
    """Accepting another time loses neither the urgency nor the place in the queue."""
    open_the_centre(centre)
    asked = ask(centre, answers={**CALM, "urgent": "yes"})
    offer = offer_time(
        centre.db, actor=centre.school["desk"], appointment_id=asked.appointment_id, slot_key=slot_with(centre).key
    )
    accepted = accept_offer(centre.db, actor=centre.school["S2024001"], appointment_id=offer.appointment_id)
    assert (accepted.state, accepted.call_duty, accepted.queue_rank) == ("requested", True, 2)
    assert [row.appointment_id for row in waiting_requests(centre.db, actor=on_duty(centre))] == [accepted.appointment_id]
    confirm_request(centre.db, actor=on_duty(centre), appointment_id=accepted.appointment_id)


def test_a_known_clients_words_go_to_their_counsellor_alone(centre: Centre) -> None:
    """A follow-up booking is never open to `duty`; the client keeps opening what they wrote."""
    open_the_centre(centre)
    in_counselling(centre)
    again = ask(centre, reason="只想跟岚老师说")
    assert again.state == "confirmed" and again.box_id is not None
    assert (
        read_request(centre.db, actor=centre.school["lan"], appointment_id=again.appointment_id)[1]["reason"] == "只想跟岚老师说"
    )
    with pytest.raises(UnreadableError):
        open_box(centre.db, on_duty(centre).keyring, again.box_id)
    open_box(centre.db, centre.school["S2024001"].keyring, again.box_id)  # type: ignore[arg-type]


def test_a_request_shown_under_another_name_is_noticed(centre: Centre) -> None:
    """A box moved to another client's appointment does not open as theirs."""
    open_the_centre(centre)
    first, second = ask(centre, "S2024001"), ask(centre, "S2024002")
    with writing(centre.db):
        second.box_id = first.box_id
    with pytest.raises(TamperError):
        read_request(centre.db, actor=on_duty(centre), appointment_id=second.appointment_id)


def test_a_consent_is_completed_when_the_guardian_signs_later(centre: Centre) -> None:
    """Under 14: the one first talk, then the signature; both stay on record."""
    open_the_centre(centre)
    case = received(centre, "S2024003")
    lan = centre.school["lan"]
    for part, complete in (("first_talk", False), ("signed", True)):
        record_consent(centre.db, actor=lan, case=case, content=consent_content(guardian=part))
        found = present_consent(centre.db, case)
        assert found is not None
        assert guardian_settled(centre.db, actor=lan, case=case, consent=found) is complete


def test_every_search_for_a_name_is_on_record(centre: Centre) -> None:
    """Found or not, one line without the name."""
    before = centre.db.query(AuditLine).filter_by(tag="people:name:searched").count()
    look_up_student(centre.db, actor=centre.school["desk"], student_no="s2024001")
    with pytest.raises(InvalidError):
        look_up_student(centre.db, actor=centre.school["desk"], student_no="S999")
    assert centre.db.query(AuditLine).filter_by(tag="people:name:searched").count() == before + 2


def test_a_locked_screen_changes_no_passphrase_and_guessing_is_slowed(centre: Centre) -> None:
    """Changing needs an open vault, and wrong old ones count like wrong sign-ins."""
    person = sign_in(centre.db, login="lan", passphrase=WORDS, address="x", device="phone").person
    assert person is not None
    for _try in range(6):
        with pytest.raises(InvalidError):
            change_passphrase(centre.db, actor=person, old="wrong", new=NEW_WORDS)
    with pytest.raises(InvalidError):
        change_passphrase(centre.db, actor=person, old=WORDS, new=NEW_WORDS)
    lock_vault(centre.db, actor=person)
    locked = present_person(centre.db, person.token)
    assert locked is not None
    with pytest.raises(LockedError):
        change_passphrase(centre.db, actor=locked, old=WORDS, new=NEW_WORDS)


def test_vouching_is_for_what_was_shown(centre: Centre) -> None:
    """Roles or keys swapped after the director looked are refused."""
    director = centre.school["director"]
    code = invite_staff(centre.db, actor=director, login="xin", display="新同事", roles={Role.FRONT_DESK})
    account, _keyring, _code = activate(centre.db, code=code, passphrase=NEW_WORDS)
    shown = next(seen_mark(who) for who in colleagues(centre.db, actor=director) if who.account_id == account.account_id)
    with writing(centre.db):
        centre.db.get_one(Account, account.account_id).roles = "director"
    with pytest.raises(ConflictError):
        vouch_for(centre.db, actor=director, account_id=account.account_id, seen=shown)


def test_the_duty_manager_sees_the_day_without_initials(centre: Centre) -> None:
    """Runs the desk, opens no card."""
    open_the_centre(centre)
    asked = ask(centre)
    (row,) = day_sheet(centre.db, actor=centre.school["manager"], day=asked.starts_at.date())
    assert (row.initial, row.name) == ("", "")
    with pytest.raises(RefusedError):
        day_sheet(centre.db, actor=centre.school["manager"], day=asked.starts_at.date(), names=True)


def test_sign_ins_of_students_leave_no_second_and_no_passphrase(sqlite_centre: Centre) -> None:
    """Lines without the moment, rows with coarse ends; an expired sign-in carries no passphrase over."""
    centre = sqlite_centre
    sign_in(centre.db, login="S2024001", passphrase=WORDS, address="x", device="phone")
    line = centre.db.scalars(select(AuditLine).order_by(AuditLine.seq.desc())).first()
    assert line is not None and line.at is None and line.actor_id is None
    assert {row.ends_at.minute for row in centre.db.scalars(select(SignIn))} == {0}
    app = create_app(centre.settings)
    app.config["WTF_CSRF_ENABLED"] = False
    client: FlaskClient = app.test_client()
    answer = client.post("/account/passphrase", data={"old": "my old secret words", "new": "my new secret words"})
    assert answer.status_code == 401 and "secret words" not in answer.text
    assert find_account(centre.db, "S2024001") is not None


def test_a_client_has_one_open_case_whoever_is_faster(centre: Centre) -> None:
    """The database itself refuses a second open case; the later counsellor is told kindly."""
    open_the_centre(centre)
    case = received(centre)
    evidence = (IdentityMatched("G1"), ConflictClear("G4"))
    with pytest.raises(ConflictError, match="faster"):
        open_case(centre.db, actor=centre.school["qiu"], client_id=case.client_id, initial="S", source="self", evidence=evidence)
    assert len(caseload(centre.db, actor=centre.school["qiu"])) == 0
