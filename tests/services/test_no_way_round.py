"""No way round what is asked for: by the doctor, over from paper, by a waiver, by an addendum (篇4 一; 篇7 六; 篇10)."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask_babel import Babel
from sqlalchemy import select

from counsel.app import create_app
from counsel.core.clock import today
from counsel.core.database import writing
from counsel.core.errors import ConflictError, RefusedError, TransitionError
from counsel.home.file import own_files, own_form
from counsel.home.forms_shown import form_lines
from counsel.outbox.models import Notice
from counsel.pathway.appointments.booking import book
from counsel.pathway.appointments.models import Appointment
from counsel.pathway.appointments.requests import Wish
from counsel.pathway.assessment.services import finish_assessment, write_assessment
from counsel.pathway.cases.agreement import record_agreement
from counsel.pathway.cases.countersign import give_second_signature
from counsel.pathway.cases.dossier import HAND_OVER, PLAN, append_to_form
from counsel.pathway.cases.models import Case
from counsel.pathway.closing.evaluation import decline_evaluation, waive_evaluation
from counsel.pathway.closing.services import agree_follow_ups, begin_follow_up, close_case, close_for_leaving, end_counselling
from counsel.pathway.closing.volume import missing_parts
from counsel.pathway.intake.consent import record_consent
from counsel.pathway.intake.levels import ask_risk_owner, record_screen
from counsel.pathway.intake.paper import ask_takeover, open_from_paper
from counsel.pathway.plans.services import finish_plan, plan_anew
from counsel.pathway.referral.services import hold, record_feedback, refer_medically, return_from_doctor
from counsel.pathway.referral.transfer import (
    accept_transfer,
    add_second_reader,
    ask_transfer,
    give_key,
    refuse_transfer,
    transfers_waiting,
    write_hand_over,
)
from counsel.pathway.sessions.services import begin_session, read_note
from counsel.records.services import item_of
from counsel.web.page import COOKIE
from tests.conftest import Centre
from tests.services.test_ending import report, with_session
from tests.services.test_referral import SUMMARY, advise, paper
from tests.story import (
    ALL_NO,
    ASSESSED,
    CALM,
    REASON,
    consent_content,
    in_counselling,
    open_the_centre,
    received,
    record_crisis,
    slot_with,
)

STUDENT, ZONE = "S2024001", "Asia/Shanghai"


def session(centre: Centre, case: Case) -> Any:
    """The next session."""
    return begin_session(centre.db, actor=centre.school["lan"], case=case, mode="in_person", minutes=50, crisis=True)


def at_the_doctors(centre: Centre, case: Case) -> None:
    """Advised, gone, and back with a word."""
    lan = centre.school["lan"]
    advise(centre, case)
    refer_medically(centre.db, actor=lan, case=case)
    record_feedback(centre.db, actor=lan, case=case, number=1, source="client", text="医生说没事", sheet_place="")


def renewed(centre: Centre, case: Case, **changes: Any) -> None:
    """The consent is explained anew."""
    record_consent(centre.db, actor=centre.school["lan"], case=case, content=consent_content(**changes))


def test_the_way_by_the_doctor_skips_nothing(centre: Centre) -> None:
    """From intake, to the doctor and back: neither assessment nor counselling without guardian, nor counselling without F04."""
    open_the_centre(centre)
    case, lan = received(centre), centre.school["lan"]
    renewed(centre, case, guardian="first_talk")
    at_the_doctors(centre, case)
    with pytest.raises(TransitionError, match="G2"):  # what was explained on the same day, before, is not explained anew
        return_from_doctor(centre.db, actor=lan, case=case, to="assessment")
    renewed(centre, case, guardian="first_talk")
    for to in ("assessment", "counselling"):
        with pytest.raises(TransitionError, match="G3"):
            return_from_doctor(centre.db, actor=lan, case=case, to=to)
    renewed(centre, case)
    with pytest.raises(TransitionError, match="G8"):
        return_from_doctor(centre.db, actor=lan, case=case, to="counselling")
    return_from_doctor(centre.db, actor=lan, case=case, to="assessment")
    assert case.state == "assessment"


def test_back_from_the_doctor_it_is_assessed_and_planned_anew(centre: Centre) -> None:
    """To assessment: what was assessed and planned before is over; to counselling: both stand."""
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    at_the_doctors(centre, case)
    renewed(centre, case)
    return_from_doctor(centre.db, actor=lan, case=case, to="assessment")
    record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
    with pytest.raises(TransitionError, match="G8"):
        finish_assessment(centre.db, actor=lan, case=case)
    write_assessment(centre.db, actor=lan, case=case, content=ASSESSED, seen_version=0, sign=True, number=2)
    finish_assessment(centre.db, actor=lan, case=case)
    with pytest.raises(TransitionError, match="G7"):
        finish_plan(centre.db, actor=lan, case=case)


def test_whom_the_client_has_left_is_not_gone_on_with(centre: Centre) -> None:
    """The client ended it; a doctor's word begins nothing again."""
    case, lan = with_session(centre), centre.school["lan"]
    end_counselling(centre.db, actor=centre.school[STUDENT], case=case)
    at_the_doctors(centre, case)
    renewed(centre, case)
    for to in ("assessment", "counselling"):
        with pytest.raises(TransitionError, match="NO_STEP"):
            return_from_doctor(centre.db, actor=lan, case=case, to=to)
    assert (case.state, case.ended_by) == ("referred_medical", "client")


def test_no_session_from_paper_without_the_guardians_part(centre: Centre) -> None:
    """Over from paper, of an age that needs one: first the guardian, then the session."""
    open_the_centre(centre)
    lan = centre.school["lan"]
    task = ask_takeover(centre.db, actor=lan, wish=paper())
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    case = open_from_paper(centre.db, actor=lan, task_id=task.task_id)
    renewed(centre, case, guardian="first_talk")
    record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
    with pytest.raises(TransitionError, match="G3"):
        session(centre, case)
    renewed(centre, case)
    assert session(centre, case).number == 1


def test_the_medical_class_stops_counselling_until_the_doctor_has_answered(centre: Centre) -> None:
    """LV4 in the middle of counselling: no session, no plan, whatever is written after it, before the referral is answered."""
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    medical = ASSESSED | {"insight": "broken", "severity": "LV4"}
    write_assessment(centre.db, actor=lan, case=case, content=medical, seen_version=0, sign=True, number=2)
    with pytest.raises(TransitionError, match="G5"):
        session(centre, case)
    plan_anew(centre.db, actor=lan, case=case, to="assessment", reason="new_concern")
    write_assessment(centre.db, actor=lan, case=case, content=ASSESSED, seen_version=0, sign=True, number=3)
    with pytest.raises(TransitionError, match="G5"):
        finish_assessment(centre.db, actor=lan, case=case)
    at_the_doctors(centre, case)
    renewed(centre, case)
    return_from_doctor(centre.db, actor=lan, case=case, to="assessment")
    with time_machine.travel(today(ZONE) + timedelta(days=2), tick=True):
        record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
        write_assessment(centre.db, actor=lan, case=case, content=ASSESSED, seen_version=0, sign=True, number=4)
        finish_assessment(centre.db, actor=lan, case=case)
    assert case.state == "planning"


def test_a_referrals_feedback_comes_after_the_end(centre: Centre) -> None:
    """Withdrawn while the doctor is asked: the answer is written down afterwards, to its own referral, and it can be filed."""
    case, lan = with_session(centre), centre.school["lan"]
    advise(centre, case)
    refer_medically(centre.db, actor=lan, case=case)
    end_counselling(centre.db, actor=centre.school[STUDENT], case=case)
    report(centre, case)
    decline_evaluation(centre.db, actor=centre.school[STUDENT], case=case)
    close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    assert missing_parts(centre.db, actor=lan, case=case) == ["referral"]
    with pytest.raises(ConflictError):
        record_feedback(centre.db, actor=lan, case=case, number=2, source="client", text="去了", sheet_place="")
    with pytest.raises(RefusedError):
        record_feedback(centre.db, actor=centre.school["qiu"], case=case, number=1, source="client", text="去了", sheet_place="")
    record_feedback(centre.db, actor=lan, case=case, number=1, source="client", text="去了", sheet_place="")
    assert missing_parts(centre.db, actor=lan, case=case) == []


def test_a_wish_for_somebody_else_stands_on_the_directors_page(sqlite_centre: Centre) -> None:
    """By number, until somebody is chosen; nobody else sees the list."""
    centre = sqlite_centre
    case = with_session(centre)
    ask_transfer(centre.db, actor=centre.school[STUDENT], case=case, by="client", reason="")
    director = centre.school["director"]
    assert transfers_waiting(centre.db, actor=director) == [case.case_no]
    for who in ("lan", "desk", "admin", STUDENT):
        with pytest.raises(RefusedError):
            transfers_waiting(centre.db, actor=centre.school[who])
    client = create_app(centre.settings).test_client()
    client.set_cookie(COOKIE, director.token)
    assert f"{case.case_no:04}" in client.get("/").text.partition('id="moves"')[2]


def booked(centre: Centre) -> Appointment:
    """The client has a time to come."""
    wish = Wish(slot=slot_with(centre).key, answers=CALM, reason=REASON, notice_version=1)
    return book(centre.db, actor=centre.school[STUDENT], wish=wish)


def handed_over(centre: Centre, case: Case) -> None:
    """From lan to qiu."""
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    ask_transfer(centre.db, actor=lan, case=case, by="counsellor", reason="leave", to=qiu.holder_id)
    write_hand_over(centre.db, actor=lan, case=case, content=SUMMARY, seen_version=0, sign=True, number=1)
    item = item_of(centre.db, case.shared_box_id, HAND_OVER.code)
    assert item is not None
    record_agreement(centre.db, actor=lan, case=case, item=item, way="in_room", agreed=True)
    give_key(centre.db, actor=lan, case=case)
    accept_transfer(centre.db, actor=qiu, case=case, no_conflict=True)


def test_times_with_the_one_who_left_are_given_back(centre: Centre) -> None:
    """Handed over: the old counsellor's time is cancelled for the centre, and the client is told."""
    case = with_session(centre)
    time = booked(centre)
    handed_over(centre, case)
    centre.db.refresh(time)
    kinds = centre.db.scalars(select(Notice.kind).where(Notice.object_id == time.appointment_id)).all()
    assert (time.state, list(kinds)) == ("cancelled_by_centre", ["time_cancelled"])


@pytest.mark.parametrize(("reason", "notices"), [("deceased", 0), ("left_school", 1)])
def test_nobody_is_reminded_of_a_time_after_the_end(centre: Centre, reason: str, notices: int) -> None:
    """Left or died: the time is given back; after a death nobody is written to."""
    case = with_session(centre)
    time = booked(centre)
    report(centre, case)
    waive_evaluation(centre.db, actor=centre.school["lan"], case=case, reason=reason)
    close_for_leaving(centre.db, actor=centre.school["director"], case=case, close_reason=reason, reason="school_notice")
    centre.db.refresh(time)
    found = centre.db.scalars(select(Notice).where(Notice.object_id == time.appointment_id)).all()
    assert time.state == "cancelled_by_centre" and len(found) == notices


def test_what_was_added_to_a_form_is_read_and_agreed_to_as_well(centre: Centre) -> None:
    """An addendum to an agreed plan: the client reads it, and is asked anew; the old yes stands no more."""
    open_the_centre(centre)
    case, student = in_counselling(centre), centre.school[STUDENT]
    append_to_form(centre.db, actor=centre.school["lan"], case=case, kind=PLAN, number=1, text="改为每两周一次")
    item = item_of(centre.db, case.shared_box_id, PLAN.code)
    assert item is not None
    _item, texts = own_form(centre.db, actor=student, case=case, item_id=item.item_id)
    assert [text.get("text") for text in texts[1:]] == ["改为每两周一次"]
    (one,) = [form for file in own_files(centre.db, actor=student) for form in file.forms if form.item.kind == PLAN.code]
    assert one.waits and one.answer is None
    record_agreement(centre.db, actor=centre.school["lan"], case=case, item=item, way="in_room", agreed=True)
    (one,) = [form for file in own_files(centre.db, actor=student) for form in file.forms if form.item.kind == PLAN.code]
    assert not one.waits and one.answer is not None


def test_a_waiver_of_withdrawal_needs_a_withdrawal(centre: Centre) -> None:
    """Ended together, the missing evaluation is not explained by a withdrawal that never was (R10-13)."""
    case, lan = with_session(centre), centre.school["lan"]
    end_counselling(centre.db, actor=lan, case=case)
    report(centre, case)
    waive_evaluation(centre.db, actor=lan, case=case, reason="withdrawn")
    agree_follow_ups(centre.db, actor=lan, case=case, days=[], consent=False, contact="", when="")
    with pytest.raises(TransitionError, match="WISH"):
        begin_follow_up(centre.db, actor=lan, case=case)


def test_a_pause_with_the_crisis_team_holding_the_risk(centre: Centre) -> None:
    """T17 at level 2: with the owner outside who has signed it is a pause, without it is none (C2)."""
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    answers = {**ALL_NO, "q2": "yes", "q3": "yes"}
    record_screen(centre.db, actor=lan, case=case, answers=answers, ticks=frozenset(), keeping="")
    record_crisis(centre, case)
    rest = partial(hold, centre.db, actor=lan, case=case, resume_on=today(ZONE) + timedelta(days=30), reason="illness")
    with pytest.raises(TransitionError, match="SAFE"):
        rest()
    task = ask_risk_owner(centre.db, actor=lan, case=case, reason="住院")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    rest()
    assert case.state == "on_hold"


def test_a_second_reader_who_was_to_take_over_goes_on_reading(centre: Centre) -> None:
    """Chosen, then refused by the director before any key was given: the second reader reads as before."""
    case, lan, qiu = with_session(centre), centre.school["lan"], centre.school["qiu"]
    add_second_reader(centre.db, actor=lan, case=case, holder_id=qiu.holder_id)
    ask_transfer(centre.db, actor=lan, case=case, by="counsellor", reason="leave", to=qiu.holder_id)
    refuse_transfer(centre.db, actor=centre.school["director"], case=case, reason="leave")
    assert read_note(centre.db, actor=qiu, case=case, number=1).signed


def test_a_summary_names_whoever_takes_over_when_it_is_signed(centre: Centre) -> None:
    """Somebody else was chosen meanwhile: the writer is told, and signs for the right one."""
    case, lan = with_session(centre), centre.school["lan"]
    ask_transfer(centre.db, actor=lan, case=case, by="counsellor", reason="leave", to=centre.school["qiu"].holder_id)
    with centre.session() as other, writing(other):
        other.get_one(Case, case.case_id).transfer_to = centre.school["director"].holder_id
    with pytest.raises(ConflictError):
        write_hand_over(centre.db, actor=lan, case=case, content=SUMMARY, seen_version=0, sign=True, number=1)


def test_follow_ups_are_declined_by_a_word_and_not_by_an_open_field(sqlite_centre: Centre) -> None:
    """Neither ticked: nothing is agreed and nothing declined; a draft is no sheet to sign."""
    centre = sqlite_centre
    case = with_session(centre, signed=False)
    client = create_app(centre.settings).test_client()
    client.set_cookie(COOKIE, centre.school["lan"].token)
    token = client.get(f"/cases/{case.case_id}").text.split('name="csrf_token" value="')[1].split('"')[0]
    answer = client.post(f"/cases/{case.case_id}/follow-ups", data={"csrf_token": token, "first": "2099-01-01"})
    assert answer.status_code in (409, 422)
    note = item_of(centre.db, case.box_id, "note")
    if note is not None:
        page = client.post(f"/cases/{case.case_id}/print/{note.item_id}", data={"csrf_token": token, "reason": "keep"})
        assert page.status_code == 404


def test_a_printed_screen_and_a_printed_result_leave_nothing_out() -> None:
    """Every question that was asked with its answer; instrument, version, raw answers and score (R10-07)."""
    answers = {"q1": "no", "q9": "yes", "q11": "refused"}
    screen = {"answers": answers, "ticks": ["q9_care"], "keeping": "朋友", "level": 1}
    result = {
        "instrument": "GAD7",
        "version": "2006",
        "title": "焦虑量表",
        "range": [0, 21],
        "answers": [1, 2],
        "score": 3,
        "on": "2026-01-01",
    }
    app = Flask(__name__)
    Babel(app)
    with app.test_request_context():
        shown = [(str(label), str(text)) for label, text in form_lines("screen", screen)]
        told = " ".join(f"{label} {text}" for label, text in form_lines("result", result))
    assert len(shown) == 5 and shown[1][1] == "Yes, It needed medical care" and shown[3][1] == "朋友"
    assert all(part in told for part in ("GAD7", "2006", "1 2", "3 (0–21)", "2026-01-01"))


def test_who_was_never_asked_and_is_gone_is_let_go_by_a_second_signature(centre: Centre) -> None:
    """Received, never screened, withdrawn: nobody can ask any more; the case ends when somebody outside has signed (SAFE)."""
    open_the_centre(centre)
    case, lan = received(centre), centre.school["lan"]
    end_counselling(centre.db, actor=centre.school[STUDENT], case=case)
    with pytest.raises(TransitionError, match="SAFE"):
        close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    task = ask_risk_owner(centre.db, actor=lan, case=case, reason="来过一次，未作筛查，班主任说一切如常")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    assert (case.state, case.close_reason) == ("closed", "withdrawn")
