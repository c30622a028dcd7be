"""What changed between looking and writing: the older decision is told so, and what was agreed still holds."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from counsel.audit.chain import recording
from counsel.audit.models import AuditLine
from counsel.core.clock import now, today
from counsel.core.errors import ConflictError, InvalidError, RefusedError, TransitionError
from counsel.pathway.cases.agreement import record_agreement
from counsel.pathway.cases.dossier import FOLLOW_UP, HAND_OVER
from counsel.pathway.cases.models import Case
from counsel.pathway.closing.evaluation import decline_evaluation
from counsel.pathway.closing.models import FollowUp
from counsel.pathway.closing.services import agree_follow_ups, close_case, end_counselling, overdue_follow_ups, write_report
from counsel.pathway.followup.services import write_follow_up
from counsel.pathway.intake.levels import record_screen
from counsel.pathway.referral.services import hold, record_feedback, refer_medically
from counsel.pathway.referral.transfer import ask_transfer, choose_receiver, give_key, refuse_transfer, write_hand_over
from counsel.pathway.sessions.services import begin_session, write_note
from counsel.people.staff import record_credential
from counsel.records.services import item_of
from counsel.tasks.services import open_task
from tests.conftest import Centre
from tests.services.test_ending import REPORT
from tests.services.test_referral import SUMMARY, advise, suspected
from tests.story import ALL_NO, NOTE_CONTENT, in_counselling, open_the_centre

ZONE = "Asia/Shanghai"
FOLLOWED = {"channel": "电话", "reached": "yes", "risk": "no", "state": "睡得好些", "next": "不用再约"}


def test_a_form_for_a_case_that_moved_meanwhile_is_not_written(centre: Centre) -> None:
    """The window had the case in counselling; it was paused in another: nothing is written, the words stay with the page."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    with centre.session() as other:
        old = other.get_one(Case, case.case_id)
        assert old.state == "counselling"
        hold(centre.db, actor=lan, case=case, resume_on=today(ZONE) + timedelta(days=9), reason="holiday")
        with pytest.raises(ConflictError, match="faster"):
            write_report(other, actor=lan, case=old, content=REPORT, seen_version=0, sign=True)
    assert item_of(centre.db, case.box_id, "F10") is None


def test_follow_ups_agreed_before_a_medical_end_are_held_after_it(centre: Centre) -> None:
    """T12: the case is closed, the promise stands; whoever was refused the case is refused this as well."""
    case = suspected(centre)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    advise(centre, case)
    refer_medically(centre.db, actor=lan, case=case)
    record_feedback(centre.db, actor=lan, case=case, number=1, source="client", text="在吃药", sheet_place="")
    write_report(centre.db, actor=lan, case=case, content=REPORT, seen_version=0, sign=True)
    decline_evaluation(centre.db, actor=centre.school["S2024001"], case=case)
    day = today(ZONE) + timedelta(days=14)
    agree_follow_ups(centre.db, actor=lan, case=case, days=[day], consent=True, contact="139", when="晚上")
    close_case(centre.db, actor=lan, case=case, reason="medical_referral")
    assert overdue_follow_ups(centre.db, lan.holder_id, day)[0][0] is case
    with pytest.raises(RefusedError):
        write_follow_up(centre.db, actor=qiu, case=case, content=FOLLOWED, seen_version=0, sign=True, number=1)
    with time_machine.travel(now() + timedelta(days=14), tick=True):
        write_follow_up(centre.db, actor=lan, case=case, content=FOLLOWED, seen_version=0, sign=True, number=1)
    assert centre.db.scalars(select(FollowUp.state)).one() == "done"
    item = item_of(centre.db, case.box_id, FOLLOW_UP.code)
    assert item is not None and item.state == "signed"
    with pytest.raises(RefusedError):
        write_report(centre.db, actor=lan, case=case, content=REPORT, seen_version=0, sign=False)


def test_an_overdue_task_comes_before_the_next_session(centre: Centre) -> None:
    """G6: the questions were asked today, and still somebody waits for the contact that was due."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    with recording(centre.db):
        open_task(centre.db, kind="contact", due_at=now() + timedelta(minutes=15), client_id=case.client_id)
    begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    write_note(centre.db, actor=lan, case=case, number=1, content=NOTE_CONTENT, seen_version=0, sign=True)
    with time_machine.travel(now() + timedelta(minutes=20), tick=True):
        record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
        with pytest.raises(TransitionError, match="G6"):
            begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)


def test_a_summary_names_who_takes_over_and_serves_nobody_else(centre: Centre) -> None:
    """G12: the client's yes is a yes to this colleague; another one needs a new wish, a new summary, a new yes."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan, qiu, director = centre.school["lan"], centre.school["qiu"], centre.school["director"]
    assert qiu.holder_id is not None and director.holder_id is not None
    also = {"name": "心理健康教育教师", "issuer": "市教研院", "number": "3", "areas": "学业"}
    dates = {"valid_from": today(ZONE), "valid_to": today(ZONE) + timedelta(days=365)}
    record_credential(centre.db, actor=director, holder_id=director.holder_id, **also, **dates)  # type: ignore[arg-type]
    ask_transfer(centre.db, actor=lan, case=case, by="counsellor", reason="leave")
    with pytest.raises(TransitionError, match="RECEIVER"):
        write_hand_over(centre.db, actor=lan, case=case, content=SUMMARY, seen_version=0, sign=True, number=1)
    choose_receiver(centre.db, actor=director, case=case, to=qiu.holder_id)
    write_hand_over(centre.db, actor=lan, case=case, content=SUMMARY, seen_version=0, sign=True, number=1)
    item = item_of(centre.db, case.shared_box_id, HAND_OVER.code)
    assert item is not None
    record_agreement(centre.db, actor=lan, case=case, item=item, way="in_room", agreed=True)
    with pytest.raises(TransitionError, match="NAMED"):
        choose_receiver(centre.db, actor=director, case=case, to=director.holder_id)
    refuse_transfer(centre.db, actor=director, case=case, reason="absence")
    ask_transfer(centre.db, actor=lan, case=case, by="counsellor", reason="leave", to=director.holder_id)
    with pytest.raises(TransitionError, match="G12"):
        give_key(centre.db, actor=lan, case=case)


def test_a_refusal_inside_a_longer_step_stays_on_record(centre: Centre) -> None:
    """R4-09: everything else of the step is undone, the refusal is not."""
    open_the_centre(centre)
    case = in_counselling(centre)
    with pytest.raises(RefusedError), recording(centre.db) as record:
        record.line("test:step:begun")
        write_report(centre.db, actor=centre.school["qiu"], case=case, content=REPORT, seen_version=0, sign=False)
    tags = centre.db.scalars(select(AuditLine.tag)).all()
    assert "gate:case:write:refused" in tags and "test:step:begun" not in tags


def test_only_the_client_withdraws_whoever_writes_it_down(centre: Centre) -> None:
    """T21: a counsellor records a wish that was spoken; ending together is no withdrawal (篇9 二2)."""
    open_the_centre(centre)
    case, lan = in_counselling(centre), centre.school["lan"]
    with pytest.raises(InvalidError):
        end_counselling(centre.db, actor=lan, case=case, asked_by="leader")
    end_counselling(centre.db, actor=lan, case=case)
    assert case.ended_by == "counsellor"
    with pytest.raises(TransitionError, match="WISH"):
        close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    assert case.state == "closing"
