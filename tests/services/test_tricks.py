"""Tricks on the pathway that once worked: each must fail, by rule, by key or by evidence."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, update

from counsel.access.models import Account
from counsel.access.sign_ins import open_sign_in
from counsel.app import create_app
from counsel.audit.models import AuditLine
from counsel.core.clock import now, today
from counsel.core.errors import InvalidError, RefusedError, TransitionError, UnreadableError
from counsel.keys.boxes import open_box, readers_of
from counsel.pathway.assessment.services import finish_assessment, write_assessment
from counsel.pathway.cases.agreement import record_agreement
from counsel.pathway.cases.countersign import give_second_signature
from counsel.pathway.cases.dossier import HAND_OVER
from counsel.pathway.cases.models import Agreement, Case, CaseReader
from counsel.pathway.cases.services import case_facts, caseload
from counsel.pathway.closing.evaluation import waive_evaluation
from counsel.pathway.closing.models import FollowUp
from counsel.pathway.closing.services import (
    agree_follow_ups,
    close_case,
    close_for_leaving,
    end_counselling,
    send_last_letter,
    write_report,
)
from counsel.pathway.intake.consent import guardian_settled, record_consent
from counsel.pathway.intake.levels import ask_risk_owner, evidence_of_level, record_screen
from counsel.pathway.plans.services import finish_plan, plan_anew, write_own_goals
from counsel.pathway.referral.services import (
    ask_return,
    hold,
    record_feedback,
    record_try,
    refer_medically,
    return_from_doctor,
)
from counsel.pathway.referral.transfer import (
    accept_transfer,
    add_second_reader,
    ask_transfer,
    choose_receiver,
    end_second_reader,
    give_key,
    write_hand_over,
)
from counsel.pathway.sessions.homework import give_homework
from counsel.pathway.sessions.services import begin_session
from counsel.records.services import item_of
from counsel.tasks.models import Task
from tests.conftest import Centre
from tests.services.test_referral import SUMMARY, advise, handed, suspected
from tests.story import ALL_NO, ASSESSED, consent_content, in_counselling, open_the_centre, received

ZONE = "Asia/Shanghai"
WORRY = {**ALL_NO, "q2": "yes", "q3": "yes"}


def in_work(centre: Centre) -> Case:
    """A case in counselling."""
    open_the_centre(centre)
    return in_counselling(centre)


def test_the_counsellor_cannot_end_the_own_reading_and_one_lost_key_hides_no_other_case(centre: Centre) -> None:
    """Only a second reader is ended; a caseload with an unreadable case still shows the others."""
    case = in_work(centre)
    lan = centre.school["lan"]
    for holder in (lan.holder_id, centre.school["qiu"].holder_id):
        with pytest.raises(InvalidError):
            end_second_reader(centre.db, actor=lan, case=case, holder_id=holder)  # type: ignore[arg-type]
    assert readers_of(centre.db, case.box_id)
    for grant in readers_of(centre.db, case.box_id):
        centre.db.delete(grant)
    centre.db.commit()
    ((found, cover),) = caseload(centre.db, actor=centre.school["lan"])
    assert found is case and cover.initial == "?"


def test_whoever_does_not_take_it_over_keeps_no_key(centre: Centre) -> None:
    """Another receiver, or the client who ends: the first one's grant goes and what comes after stays shut."""
    case = handed(centre)
    lan, qiu, student = centre.school["lan"], centre.school["qiu"], centre.school["S2024001"]
    give_key(centre.db, actor=lan, case=case)
    end_counselling(centre.db, actor=student, case=case)
    assert centre.db.scalars(select(CaseReader)).all() == [] and case.transfer_to is None
    facts = case_facts(centre.db, case)
    assert facts is not None and facts.receiver_id is None
    with pytest.raises(UnreadableError):
        open_box(centre.db, qiu.keyring, case.box_id)  # type: ignore[arg-type]
    with pytest.raises(RefusedError):
        accept_transfer(centre.db, actor=qiu, case=case, no_conflict=True)


def test_a_second_hand_over_needs_its_own_summary_and_leads_back_to_who_had_it_before(centre: Centre) -> None:
    """lan → qiu → lan: the first yes does not serve the second wish, and the way back is not barred by the old grant."""
    case = handed(centre)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    give_key(centre.db, actor=lan, case=case)
    accept_transfer(centre.db, actor=qiu, case=case, no_conflict=True)
    qiu = centre.school["qiu"]
    ask_transfer(centre.db, actor=qiu, case=case, by="counsellor", reason="absence", to=lan.holder_id)
    with pytest.raises(TransitionError, match="G12"):
        give_key(centre.db, actor=qiu, case=case)
    write_hand_over(centre.db, actor=qiu, case=case, content=SUMMARY, seen_version=0, sign=True, number=2)
    item = item_of(centre.db, case.shared_box_id, HAND_OVER.code, 2)
    assert item is not None
    record_agreement(centre.db, actor=qiu, case=case, item=item, way="in_room", agreed=True)
    with pytest.raises(TransitionError, match="G12"):
        accept_transfer(centre.db, actor=centre.school["lan"], case=case, no_conflict=True)
    give_key(centre.db, actor=qiu, case=case)
    accept_transfer(centre.db, actor=centre.school["lan"], case=case, no_conflict=True)
    assert (case.state, case.counsellor_id) == ("counselling", lan.holder_id)


def test_a_draft_does_not_lift_a_suspicion_and_each_return_has_its_own_paper(centre: Centre) -> None:
    """T11 after LV4: the newest signed class counts; a second referral asks for its own answer and its own signature."""
    case = suspected(centre)
    lan, director = centre.school["lan"], centre.school["director"]
    advise(centre, case)
    refer_medically(centre.db, actor=lan, case=case)
    record_feedback(centre.db, actor=lan, case=case, number=1, source="client", text="没事", sheet_place="")
    record_consent(centre.db, actor=lan, case=case, content=consent_content())
    write_assessment(centre.db, actor=lan, case=case, content=ASSESSED, seen_version=0, sign=False, number=3)
    with pytest.raises(TransitionError, match="FEEDBACK"):
        return_from_doctor(centre.db, actor=lan, case=case, to="counselling")
    task = ask_return(centre.db, actor=lan, case=case, reason="支持性谈话")
    give_second_signature(centre.db, actor=director, task_id=task.task_id, agreed=True)
    advise(centre, case, number=2)
    with pytest.raises(TransitionError, match="FEEDBACK"):
        return_from_doctor(centre.db, actor=lan, case=case, to="counselling")
    record_feedback(centre.db, actor=lan, case=case, number=2, source="hospital", text="“可以上学”", sheet_place="柜2")
    with pytest.raises(TransitionError, match="FEEDBACK"):  # the signature was for the first
        return_from_doctor(centre.db, actor=lan, case=case, to="counselling")


def test_what_is_shared_changes_its_key_with_the_case(centre: Centre) -> None:
    """A reader who was ended opens nothing written afterwards, in neither box, and writing goes on without a hitch."""
    case = in_work(centre)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    add_second_reader(centre.db, actor=lan, case=case, holder_id=qiu.holder_id)  # type: ignore[arg-type]
    kept = open_box(centre.db, centre.school["qiu"].keyring, case.shared_box_id)  # type: ignore[arg-type]
    end_second_reader(centre.db, actor=lan, case=case, holder_id=qiu.holder_id)  # type: ignore[arg-type]
    give_homework(centre.db, actor=lan, case=case, session_no=0, task="写给自己", due_on=None)
    now_open = open_box(centre.db, centre.school["lan"].keyring, case.shared_box_id)  # type: ignore[arg-type]
    assert now_open.epoch > kept.epoch
    write_own_goals(centre.db, actor=centre.school["S2024001"], case=case, text="还能写")


def test_going_back_asks_for_new_forms(centre: Centre) -> None:
    """T16: neither the old plan with its yes nor the old assessment leads on again."""
    case = in_work(centre)
    lan = centre.school["lan"]
    plan_anew(centre.db, actor=lan, case=case, to="planning", reason="client_wish")
    with pytest.raises(TransitionError, match="G7"):
        finish_plan(centre.db, actor=lan, case=case)
    other = centre.db.get_one(Case, case.case_id)
    other.state = "counselling"
    centre.db.commit()
    plan_anew(centre.db, actor=lan, case=case, to="assessment", reason="new_concern")
    with pytest.raises(TransitionError, match="G8"):
        finish_assessment(centre.db, actor=lan, case=case)


def test_a_letter_is_no_evaluation_and_a_waiver_fits_the_end(centre: Centre) -> None:
    """T27 and T21: an empty row proves nothing; a note is signed first; nobody is waived as dead who withdrew."""
    case = in_work(centre)
    lan, director = centre.school["lan"], centre.school["director"]
    begin_session(centre.db, actor=lan, case=case, mode="letter", minutes=30)
    words = {"summary": "一次", "goals_reached": "无", "advice": "无"}
    write_report(centre.db, actor=lan, case=case, content=words, seen_version=0, sign=True)
    send_last_letter(centre.db, actor=lan, case=case)
    place: dict[str, Any] = {"close_reason": "left_school", "reason": "left"}
    with pytest.raises(TransitionError, match="END"):
        close_for_leaving(centre.db, actor=director, case=case, **place)
    waive_evaluation(centre.db, actor=lan, case=case, reason="deceased")
    with pytest.raises(TransitionError, match="END"):  # the note of that session is still a draft
        close_for_leaving(centre.db, actor=director, case=case, **place)
    end_counselling(centre.db, actor=lan, case=case, asked_by="client")
    with pytest.raises(TransitionError, match="G10"):
        close_case(centre.db, actor=lan, case=case, reason="withdrawn")


def test_tries_before_the_pause_do_not_count(centre: Centre) -> None:
    """T18: the three tries belong to this pause."""
    case = in_work(centre)
    lan = centre.school["lan"]
    record_try(centre.db, actor=lan, case=case, way="phone")
    with time_machine.travel(now() + timedelta(days=20), tick=True):
        hold(centre.db, actor=lan, case=case, resume_on=today(ZONE) + timedelta(days=9), reason="illness")
        for _time in range(2):
            record_try(centre.db, actor=lan, case=case, way="phone")
        with pytest.raises(TransitionError, match="TRIES"):
            close_case(centre.db, actor=lan, case=case, reason="lost_contact")


def test_follow_ups_agreed_again_go_on_counting(centre: Centre) -> None:
    """What was done stays done; new days get new numbers."""
    case = in_work(centre)
    lan, day = centre.school["lan"], today(ZONE)
    place: dict[str, Any] = {"actor": lan, "case": case, "consent": True, "contact": "站内信", "when": ""}
    agree_follow_ups(centre.db, **place, days=[day + timedelta(days=5)])
    centre.db.get_one(FollowUp, (case.case_id, 1)).state = "done"
    centre.db.commit()
    agree_follow_ups(centre.db, **place, days=[day + timedelta(days=9)])
    rows = centre.db.scalars(select(FollowUp).order_by(FollowUp.number)).all()
    assert [(row.number, row.state) for row in rows] == [(1, "done"), (2, "planned")]


def test_a_calm_answer_needs_the_whole_list_and_danger_does_not_wait(centre: Centre) -> None:
    """G6, SAFE: one no is no screen; a danger is recorded at once; without any screen nothing counts as safe."""
    open_the_centre(centre)
    case = received(centre)
    lan = centre.school["lan"]
    assert evidence_of_level(centre.db, actor=lan, case=case) == []
    with pytest.raises(InvalidError):
        record_screen(centre.db, actor=lan, case=case, answers={"q12": "no"}, ticks=frozenset(), keeping="")
    assert record_screen(centre.db, actor=lan, case=case, answers={"q7": "yes"}, ticks=frozenset(), keeping="").level == 3


def test_a_second_signature_serves_its_own_case_only(centre: Centre) -> None:
    """I1: a row turned to another case carries nothing there; the sealed reason names what it is about."""
    case = in_work(centre)
    lan = centre.school["lan"]
    record_screen(centre.db, actor=lan, case=case, answers=WORRY, ticks=frozenset(), keeping="")
    other = received(centre, "S2024003")
    task = ask_risk_owner(centre.db, actor=lan, case=other, reason="看着")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    centre.db.execute(update(Task).where(Task.task_id == task.task_id).values(object_id=case.case_id))
    centre.db.commit()
    assert evidence_of_level(centre.db, actor=lan, case=case) == []


def test_a_column_does_not_stand_for_the_guardian(centre: Centre) -> None:
    """G3 is read from the sealed forms: the client's yes, turned into the guardian's in the table, changes nothing."""
    open_the_centre(centre)
    case = received(centre, "S2024003")
    lan = centre.school["lan"]
    consent = record_consent(centre.db, actor=lan, case=case, content=consent_content(guardian="first_talk"))
    centre.db.execute(update(Agreement).values(party="guardian"))
    centre.db.commit()
    assert not guardian_settled(centre.db, actor=lan, case=case, consent=consent)


def test_a_case_page_is_on_record_and_opens_for_the_one_before_after_new_writing(sqlite_centre: Centre) -> None:
    """篇4 六: an audit line for what the page shows; the reading time after a hand-over survives the first new screen."""
    centre = sqlite_centre
    case = handed(centre)
    give_key(centre.db, actor=centre.school["lan"], case=case)
    accept_transfer(centre.db, actor=centre.school["qiu"], case=case, no_conflict=True)
    record_screen(centre.db, actor=centre.school["qiu"], case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
    app = create_app(centre.settings)
    account = centre.db.get_one(Account, centre.school["lan"].account_id)
    signed = open_sign_in(centre.db, account=account, keyring=centre.school["lan"].keyring, device="computer")
    browser = app.test_client()
    browser.set_cookie("sign-in", signed.token)
    assert browser.get(f"/cases/{case.case_id}").status_code == 200
    assert browser.get(f"/cases/{case.case_id}/sessions/1").status_code == 200
    centre.db.rollback()
    tags = centre.db.scalars(select(AuditLine.tag).where(AuditLine.object_id == case.case_id)).all()
    assert "pathway:case:read" in tags


def test_another_receiver_takes_the_key_from_the_first(centre: Centre) -> None:
    """The director changes her mind after the key was given."""
    case = handed(centre)
    give_key(centre.db, actor=centre.school["lan"], case=case)
    director, qiu = centre.school["director"], centre.school["qiu"]
    choose_receiver(centre.db, actor=director, case=case, to=qiu.holder_id)  # type: ignore[arg-type]
    assert centre.db.scalars(select(CaseReader)).all() == []
    with pytest.raises(UnreadableError):
        open_box(centre.db, centre.school["qiu"].keyring, case.box_id)  # type: ignore[arg-type]
