"""The main story at service level, on both databases: request, triage, consent, plan, one signed note."""

import pytest

from counsel.access.gate import keys_of
from counsel.core.errors import ConflictError, RefusedError, TransitionError, UnreadableError
from counsel.keys.boxes import open_box
from counsel.pathway.appointments.reception import confirm_request, day_sheet, read_request, waiting_requests
from counsel.pathway.appointments.requests import my_appointments
from counsel.pathway.cases.moving import moves_of
from counsel.pathway.cases.services import caseload
from counsel.pathway.sessions.services import begin_session, read_note, write_note
from tests.conftest import Centre
from tests.story import NOTE_CONTENT, REASON, ask, in_counselling, on_duty, open_the_centre, received


def test_a_request_is_read_by_duty_then_by_the_assigned_counsellor_alone(centre: Centre) -> None:
    """On assignment the asked counsellor gets the key and `duty` loses it (design §2)."""
    open_the_centre(centre)
    appointment = ask(centre)
    assert appointment.state == "requested"
    _found, words = read_request(centre.db, actor=on_duty(centre), appointment_id=appointment.appointment_id)
    assert words["reason"] == REASON
    assert [row.appointment_id for row in waiting_requests(centre.db, actor=on_duty(centre))] == [appointment.appointment_id]
    confirm_request(centre.db, actor=on_duty(centre), appointment_id=appointment.appointment_id)
    lan = centre.school["lan"]
    assert read_request(centre.db, actor=lan, appointment_id=appointment.appointment_id)[1]["reason"] == REASON
    with pytest.raises(RefusedError):
        read_request(centre.db, actor=on_duty(centre), appointment_id=appointment.appointment_id)
    with pytest.raises(UnreadableError):
        open_box(centre.db, keys_of(centre.db, centre.school["qiu"]), appointment.box_id)


def test_receiving_opens_a_case_that_only_its_counsellor_reads(centre: Centre) -> None:
    """T01: the request becomes part of the case; the caseload shows number and initial."""
    open_the_centre(centre)
    case = received(centre)
    (found, cover), *_rest = caseload(centre.db, actor=centre.school["lan"])
    assert (found.case_id, cover.initial, cover.level) == (case.case_id, "S", 0)
    assert caseload(centre.db, actor=centre.school["qiu"]) == []
    assert [row.state for row in my_appointments(centre.db, actor=centre.school["S2024001"])] == ["completed"]


def test_a_case_reaches_counselling_and_one_note_is_signed_for_good(centre: Centre) -> None:
    """F02 to F06: every arrow has its evidence; the signed note can only be added to."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    assert [step.rule for step in moves_of(centre.db, case)] == ["T01", "T02", "T09", "T13"]
    session = begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    place = {"case": case, "number": session.number, "content": NOTE_CONTENT}
    write_note(centre.db, actor=lan, **place, seen_version=0)
    with pytest.raises(ConflictError, match="newer_draft"):
        write_note(centre.db, actor=lan, **place, seen_version=0)
    write_note(centre.db, actor=lan, **place, seen_version=1, sign=True)
    note = read_note(centre.db, actor=lan, case=case, number=1)
    assert note.signed and note.content["data"] == NOTE_CONTENT["data"]
    with pytest.raises(ConflictError, match="signed"):
        write_note(centre.db, actor=lan, **place, seen_version=1, sign=True)


@pytest.mark.parametrize("who", ["qiu", "director", "desk", "archive", "admin", "teacher", "leader", "S2024001", "S2024002"])
def test_nobody_else_reads_the_note(centre: Centre, who: str) -> None:
    """Refused by rule, with the refusal on record."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    write_note(centre.db, actor=lan, case=case, number=1, content=NOTE_CONTENT, seen_version=0, sign=True)
    with pytest.raises(RefusedError):
        read_note(centre.db, actor=centre.school[who], case=case, number=1)


def test_a_session_needs_the_risk_question_of_the_day_and_the_note_before(centre: Centre) -> None:
    """T15: G9 holds a second session back until the first one's note is signed."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    with pytest.raises(TransitionError, match="G9"):
        begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)


def test_the_day_sheet_shows_initials_and_names_only_on_request(centre: Centre) -> None:
    """篇8 二: a working list may hang on a wall until somebody asks for names."""
    open_the_centre(centre)
    appointment = ask(centre)
    day = appointment.starts_at.date()
    desk = centre.school["desk"]
    (row,) = day_sheet(centre.db, actor=desk, day=day)
    assert (row.initial, row.name) == ("S", "")
    (row,) = day_sheet(centre.db, actor=desk, day=day, names=True)
    assert row.name == "苏未名"
