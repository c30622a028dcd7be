"""To the doctor and back, pauses, tries to reach somebody, hand-over with new keys, second readers, over from paper."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from counsel.app import create_app
from counsel.core.clock import now, today
from counsel.core.database import house_of, writing
from counsel.core.errors import ConflictError, InvalidError, RefusedError, TransitionError, UnreadableError
from counsel.home.forms_shown import form_lines
from counsel.keys.boxes import open_box
from counsel.keys.models import Grant
from counsel.pathway.assessment.services import write_assessment
from counsel.pathway.cases.agreement import record_agreement
from counsel.pathway.cases.countersign import give_second_signature, read_reason, waiting_signatures
from counsel.pathway.cases.dossier import HAND_OVER, PAPER, REFERRAL, read_form
from counsel.pathway.cases.models import Case, CaseReader
from counsel.pathway.closing.services import close_case, end_counselling
from counsel.pathway.intake.consent import record_consent
from counsel.pathway.intake.levels import record_screen
from counsel.pathway.intake.paper import Takeover, ask_takeover, open_from_paper, takeovers
from counsel.pathway.plans.services import plan_anew
from counsel.pathway.referral.forms import CONSENT_WORDS
from counsel.pathway.referral.models import Referral
from counsel.pathway.referral.services import (
    ask_return,
    hold,
    record_feedback,
    record_try,
    refer_medically,
    referrals_of,
    resume,
    return_from_doctor,
    write_referral,
)
from counsel.pathway.referral.transfer import (
    accept_transfer,
    add_second_reader,
    ask_transfer,
    choose_receiver,
    end_second_reader,
    give_key,
    incoming,
    refuse_transfer,
    write_hand_over,
)
from counsel.pathway.sessions.services import begin_session, read_note, write_note
from counsel.people.conflicts import declare
from counsel.records.services import item_of
from tests.conftest import Centre
from tests.story import ALL_NO, ASSESSED, NOTE_CONTENT, consent_content, in_counselling, open_the_centre

ZONE = "Asia/Shanghai"
ADVICE: dict[str, Any] = {
    "kind": "medical",
    "reason": "建议到医院做一次评估",
    "target": "市第七医院",
    "phone": "0100-1",
    "information": "评估小结一页",
    "consent": "asked",
    "receipt": "guardian",
}


def advise(centre: Centre, case: Case, number: int = 1, answer: bool | None = True, **changes: Any) -> None:
    """Sign a referral, and take down what the client answers to it."""
    content, lan = ADVICE | changes, centre.school["lan"]
    write_referral(centre.db, actor=lan, case=case, content=content, seen_version=0, sign=True, number=number)
    item = item_of(centre.db, case.shared_box_id, REFERRAL.code, number)
    assert item is not None
    if answer is not None:
        record_agreement(centre.db, actor=lan, case=case, item=item, way="in_room", agreed=answer)


def suspected(centre: Centre) -> Case:
    """A case in counselling in which a disorder is suspected (C2)."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    plan_anew(centre.db, actor=lan, case=case, to="assessment", reason="new_concern")
    content = ASSESSED | {"insight": "broken", "severity": "LV4"}
    write_assessment(centre.db, actor=lan, case=case, content=content, seen_version=0, sign=True, number=2)
    return case


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"consent": ""}, "consent"),
        ({"receipt": "client"}, "receipt"),  # a minor alone is not told to see a doctor
        ({"receipt": "refused"}, "witness"),
        ({"kind": "somewhere"}, "kind"),
        ({"phone": ""}, "phone"),
    ],
)
def test_a_referral_is_refused_beside_the_field(sqlite_centre: Centre, changes: dict[str, Any], field: str) -> None:
    """R7-10: consent or a limit, a receipt that fits the age, a witness for a refusal."""
    case = suspected(sqlite_centre)
    with pytest.raises(InvalidError) as refused:
        advise(sqlite_centre, case, **changes)
    assert field in refused.value.problems


@pytest.mark.parametrize(
    ("changes", "goes"),
    [
        ({"answer": None}, False),
        ({"answer": False}, False),
        ({"answer": True}, True),
        ({"answer": None, "consent": "EX1"}, True),
        ({"answer": None, "receipt": "refused", "witness": "教务处值班老师"}, True),
    ],
)
def test_a_doctor_is_advised_with_a_yes_a_limit_or_a_witness(sqlite_centre: Centre, changes: dict[str, Any], goes: bool) -> None:
    """R7-10: the client's own answer to the form counts, and no word of the counsellor's beside it."""
    case, lan = suspected(sqlite_centre), sqlite_centre.school["lan"]
    advise(sqlite_centre, case, **changes)
    if not goes:
        with pytest.raises(TransitionError, match="G14"):
            refer_medically(sqlite_centre.db, actor=lan, case=case)
        advise(sqlite_centre, case, number=2, answer=None, receipt="refused", witness="教务处值班老师")
    refer_medically(sqlite_centre.db, actor=lan, case=case)
    assert case.state == "referred_medical"


def test_nothing_heard_answers_a_referral_that_is_no_doctors(sqlite_centre: Centre) -> None:
    """R7-11: a doctor's stays open until something is known; legal aid may never write back."""
    case, lan = suspected(sqlite_centre), sqlite_centre.school["lan"]
    advise(sqlite_centre, case)
    advise(sqlite_centre, case, number=2, kind="social")
    said = {"source": "nothing", "text": "一个月内没有消息", "sheet_place": ""}
    with pytest.raises(InvalidError, match="tracked"):
        record_feedback(sqlite_centre.db, actor=lan, case=case, number=1, **said)
    record_feedback(sqlite_centre.db, actor=lan, case=case, number=2, **said)
    assert [row.answered_on is None for row in referrals_of(sqlite_centre.db, case)] == [True, False]


def test_an_older_referral_keeps_what_it_says(sqlite_centre: Centre) -> None:
    """What a counsellor once signed is shown in its words; today's form offers them to nobody."""
    with create_app(sqlite_centre.settings).test_request_context():
        old = dict(form_lines("F08", ADVICE | {"consent": "agreed"}))
        new = dict(form_lines("F08", ADVICE))
    assert "the client agreed" in {str(words) for words in old.values()} - {str(words) for words in new.values()}
    assert "agreed" not in dict(CONSENT_WORDS) and "EX5" not in dict(CONSENT_WORDS)


def test_after_a_suspected_disorder_only_paper_and_a_second_signature_lead_back(centre: Centre) -> None:
    """T10, T11: feedback, consent anew, the hospital's paper, and somebody else who signs that it may go on."""
    case = suspected(centre)
    lan = centre.school["lan"]
    with pytest.raises(TransitionError, match="G14"):
        refer_medically(centre.db, actor=lan, case=case)
    advise(centre, case)
    refer_medically(centre.db, actor=lan, case=case)
    assert case.state == "referred_medical" and centre.db.scalars(select(Referral)).one().answered_on is None
    with pytest.raises(TransitionError):
        return_from_doctor(centre.db, actor=lan, case=case, to="counselling")
    with pytest.raises(InvalidError):
        record_feedback(centre.db, actor=lan, case=case, number=1, source="hospital", text="可以上学", sheet_place="")
    told: dict[str, Any] = {"number": 1, "source": "hospital", "text": "“轻度焦虑状态”，可上学", "sheet_place": "柜2"}
    record_feedback(centre.db, actor=lan, case=case, **told)
    with pytest.raises(ConflictError):
        record_feedback(centre.db, actor=lan, case=case, **told)
    record_consent(centre.db, actor=lan, case=case, content=consent_content())
    with pytest.raises(TransitionError, match="FEEDBACK"):
        return_from_doctor(centre.db, actor=lan, case=case, to="counselling")
    task = ask_return(centre.db, actor=lan, case=case, reason="支持性谈话，配合医嘱")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    return_from_doctor(centre.db, actor=lan, case=case, to="counselling")
    assert case.state == "counselling"


def test_what_the_client_tells_is_not_enough_after_a_suspected_disorder(centre: Centre) -> None:
    """T11 after LV4: the client's word is recorded, and does not lead back."""
    case = suspected(centre)
    lan = centre.school["lan"]
    advise(centre, case)
    refer_medically(centre.db, actor=lan, case=case)
    record_feedback(centre.db, actor=lan, case=case, number=1, source="client", text="医生说没事", sheet_place="")
    record_consent(centre.db, actor=lan, case=case, content=consent_content())
    task = ask_return(centre.db, actor=lan, case=case, reason="想继续")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    with pytest.raises(TransitionError, match="FEEDBACK"):
        return_from_doctor(centre.db, actor=lan, case=case, to="assessment")


def test_a_pause_has_a_date_and_is_not_for_somebody_in_danger(centre: Centre) -> None:
    """T17: a reason from the list, a day to come, level 0 or 1; back to where it paused."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan, day = centre.school["lan"], today(ZONE)
    for resume_on, reason in ((day, "holiday"), (None, "holiday"), (day + timedelta(days=400), "holiday"), (day, "bored")):
        with pytest.raises(InvalidError):
            hold(centre.db, actor=lan, case=case, resume_on=resume_on, reason=reason)
    hold(centre.db, actor=lan, case=case, resume_on=day + timedelta(days=30), reason="holiday")
    assert (case.state, case.resume_state) == ("on_hold", "counselling")
    resume(centre.db, actor=lan, case=case)
    assert (case.state, case.resume_state, case.resume_on) == ("counselling", None, None)
    answers = {**ALL_NO, "q2": "yes", "q3": "yes"}
    record_screen(centre.db, actor=lan, case=case, answers=answers, ticks=frozenset(), keeping="")
    with pytest.raises(TransitionError, match="SAFE"):
        hold(centre.db, actor=lan, case=case, resume_on=day + timedelta(days=30), reason="holiday")


def test_a_contact_counts_as_lost_after_three_tries_in_fourteen_days(centre: Centre) -> None:
    """T18: neither three on one day nor two in a month are enough."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan, day = centre.school["lan"], today(ZONE)
    hold(centre.db, actor=lan, case=case, resume_on=day + timedelta(days=30), reason="illness")
    with pytest.raises(InvalidError):
        record_try(centre.db, actor=lan, case=case, way="pigeon")
    for way in ("phone", "in_page"):
        record_try(centre.db, actor=lan, case=case, way=way)
    with time_machine.travel(now() + timedelta(days=15), tick=True):
        with pytest.raises(TransitionError, match="TRIES"):
            close_case(centre.db, actor=lan, case=case, reason="lost_contact")
        record_try(centre.db, actor=lan, case=case, way="letter")
        close_case(centre.db, actor=lan, case=case, reason="lost_contact")
    assert (case.state, case.close_reason) == ("closed", "lost_contact")


SUMMARY = {"course": "三次，先睡眠", "goals": "睡够", "agreed": "继续睡眠日记", "open_matters": "同伴关系"}


def handed(centre: Centre) -> Case:
    """A case with one signed note, asked to be handed over to a colleague, everything ready but the key."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan = centre.school["lan"]
    begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    write_note(centre.db, actor=lan, case=case, number=1, content=NOTE_CONTENT, seen_version=0, sign=True)
    qiu = centre.school["qiu"].holder_id
    ask_transfer(centre.db, actor=lan, case=case, by="counsellor", reason="leave", to=qiu)
    write_hand_over(centre.db, actor=lan, case=case, content=SUMMARY, seen_version=0, sign=True, number=1)
    with pytest.raises(TransitionError, match="G12"):
        give_key(centre.db, actor=lan, case=case)
    item = item_of(centre.db, case.shared_box_id, HAND_OVER.code)
    assert item is not None
    record_agreement(centre.db, actor=lan, case=case, item=item, way="in_room", agreed=True)
    return case


def test_a_hand_over_changes_the_keys_and_the_old_counsellor_reads_only_what_was(centre: Centre) -> None:
    """T05, T06, C5: summary read with the client, key given, accepted; 14 days of reading, nothing new, nothing written."""
    case = handed(centre)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    assert incoming(centre.db, actor=qiu) == []
    with pytest.raises(TransitionError, match="G12"):
        accept_transfer(centre.db, actor=qiu, case=case, no_conflict=True)
    with pytest.raises(UnreadableError):
        open_box(centre.db, qiu.keyring, case.box_id)  # type: ignore[arg-type]
    give_key(centre.db, actor=lan, case=case)
    assert incoming(centre.db, actor=qiu) == [case]
    with pytest.raises(RefusedError):
        read_note(centre.db, actor=qiu, case=case, number=1)  # the summary, and no note before accepting
    with pytest.raises(TransitionError, match="G4"):
        accept_transfer(centre.db, actor=qiu, case=case, no_conflict=False)
    accept_transfer(centre.db, actor=qiu, case=case, no_conflict=True)
    assert (case.state, case.counsellor_id) == ("counselling", qiu.holder_id)
    assert read_note(centre.db, actor=qiu, case=case, number=1).content["data"] == NOTE_CONTENT["data"]

    qiu, lan = centre.school["qiu"], centre.school["lan"]
    record_screen(centre.db, actor=qiu, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
    begin_session(centre.db, actor=qiu, case=case, mode="in_person", minutes=50, crisis=True)
    write_note(centre.db, actor=qiu, case=case, number=2, content=NOTE_CONTENT, seen_version=0, sign=True)
    assert read_note(centre.db, actor=lan, case=case, number=1).content["data"] == NOTE_CONTENT["data"]
    with pytest.raises(UnreadableError):
        read_note(centre.db, actor=centre.school["lan"], case=case, number=2)
    for write in (
        lambda: write_note(centre.db, actor=lan, case=case, number=2, content=NOTE_CONTENT, seen_version=0, sign=True),
        lambda: begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True),
        lambda: record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping=""),
    ):
        with pytest.raises(RefusedError):
            write()
    with time_machine.travel(now() + timedelta(days=16), tick=True):
        with pytest.raises(RefusedError):
            read_note(centre.db, actor=lan, case=case, number=1)
        with pytest.raises(UnreadableError):
            open_box(centre.db, centre.school["lan"].keyring, case.box_id)  # type: ignore[arg-type]


def test_the_client_can_ask_for_somebody_else_and_the_director_chooses(centre: Centre) -> None:
    """篇9 二2: no reason, no approval of the counsellor; the director may choose or leave it, never read."""
    open_the_centre(centre)
    case = in_counselling(centre)
    director, qiu = centre.school["director"], centre.school["qiu"]
    with pytest.raises(RefusedError):
        ask_transfer(centre.db, actor=centre.school["S2024002"], case=case, by="client", reason="")
    ask_transfer(centre.db, actor=centre.school["S2024001"], case=case, by="client", reason="")
    for who in ("lan", "qiu", "leader"):
        with pytest.raises(RefusedError):
            choose_receiver(centre.db, actor=centre.school[who], case=case, to=qiu.holder_id)  # type: ignore[arg-type]
    for wrong in (centre.school["lan"].holder_id, centre.school["desk"].holder_id):
        with pytest.raises(InvalidError):
            choose_receiver(centre.db, actor=director, case=case, to=wrong)  # type: ignore[arg-type]
    choose_receiver(centre.db, actor=director, case=case, to=qiu.holder_id)  # type: ignore[arg-type]
    refuse_transfer(centre.db, actor=director, case=case, reason="client_wish")
    assert (case.state, case.transfer_to) == ("counselling", None)
    assert centre.db.scalars(select(CaseReader)).all() == []
    with pytest.raises(UnreadableError):
        open_box(centre.db, director.keyring, case.box_id)  # type: ignore[arg-type]


def test_a_second_reader_reads_and_loses_it_again(centre: Centre) -> None:
    """For illness: reads and writes nothing; ended, the next writing shuts the box."""
    open_the_centre(centre)
    case = in_counselling(centre)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    write_note(centre.db, actor=lan, case=case, number=1, content=NOTE_CONTENT, seen_version=0, sign=True)
    with pytest.raises(InvalidError):
        add_second_reader(centre.db, actor=lan, case=case, holder_id=centre.school["desk"].holder_id)  # type: ignore[arg-type]
    with pytest.raises(RefusedError):
        add_second_reader(centre.db, actor=qiu, case=case, holder_id=qiu.holder_id)  # type: ignore[arg-type]
    add_second_reader(centre.db, actor=lan, case=case, holder_id=qiu.holder_id)  # type: ignore[arg-type]
    assert read_note(centre.db, actor=centre.school["qiu"], case=case, number=1).signed
    with pytest.raises(RefusedError):
        write_note(centre.db, actor=qiu, case=case, number=1, content=NOTE_CONTENT, seen_version=0, sign=False)
    end_second_reader(centre.db, actor=lan, case=case, holder_id=qiu.holder_id)  # type: ignore[arg-type]
    with pytest.raises(RefusedError):
        read_note(centre.db, actor=centre.school["qiu"], case=case, number=1)
    record_screen(centre.db, actor=centre.school["lan"], case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
    with pytest.raises(UnreadableError):
        open_box(centre.db, centre.school["qiu"].keyring, case.box_id)  # type: ignore[arg-type]


def paper(**changes: Any) -> Takeover:
    """A case in counselling on paper."""
    held = {name: (today(ZONE) - timedelta(days=40), 2) for name in ("F02", "F03", "F04", "F05")}
    wish = Takeover(
        "S2024001",
        "counselling",
        held | {"notes": (today(ZONE), 6)},
        "铁柜3",
        True,
        "学期中改用系统",
        today(ZONE) - timedelta(days=40),
        6,
    )
    return replace(wish, **changes)


def test_a_running_case_comes_over_from_paper_when_both_have_signed(centre: Centre) -> None:
    """T00: dated and counted sheets, the director's signature; consent and risk anew before the next note."""
    open_the_centre(centre)
    lan, director = centre.school["lan"], centre.school["director"]
    task = ask_takeover(centre.db, actor=lan, wish=paper())
    with pytest.raises(TransitionError, match="SECOND"):
        open_from_paper(centre.db, actor=lan, task_id=task.task_id)
    assert [row.task_id for row in waiting_signatures(centre.db, actor=director)] == [task.task_id]
    said = read_reason(centre.db, actor=director, task_id=task.task_id)[1]
    assert said["sheets"]["F05"][1] == 2 and "苏未名" not in str(said)
    give_second_signature(centre.db, actor=director, task_id=task.task_id, agreed=True)
    with pytest.raises(ConflictError):
        open_from_paper(centre.db, actor=centre.school["qiu"], task_id=task.task_id)
    case = open_from_paper(centre.db, actor=lan, task_id=task.task_id)
    assert (case.state, case.source, takeovers(centre.db, actor=lan)) == ("counselling", "paper", [])
    assert read_form(centre.db, actor=lan, case=case, kind=PAPER).content["sheets"]["notes"][1] == 6
    with pytest.raises(ConflictError):
        open_from_paper(centre.db, actor=lan, task_id=task.task_id)
    with pytest.raises(TransitionError, match="G2"):
        begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    record_consent(centre.db, actor=lan, case=case, content=consent_content())
    with pytest.raises(TransitionError, match="G6"):
        begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
    end_counselling(centre.db, actor=lan, case=case, asked_by="client")
    with pytest.raises(TransitionError, match="END"):  # sessions were held, on paper: report and evaluation as with any other
        close_case(centre.db, actor=lan, case=case, reason="withdrawn")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"student_no": ""}, "student_no"),
        ({"student_no": "S9"}, "student_no"),
        ({"state": "closed"}, "state"),
        ({"sheets": {}}, "F05_on"),
        ({"sheets": {"F02": (None, 1)}}, "F02_on"),
        ({"place": " "}, "place"),
        ({"reason": ""}, "reason"),
        ({"no_conflict": False}, "no_conflict"),
    ],
)
def test_a_take_over_is_refused_beside_the_field(sqlite_centre: Centre, changes: dict[str, Any], field: str) -> None:
    """T00: what is missing, and nothing half-done."""
    with pytest.raises(InvalidError) as refused:
        ask_takeover(sqlite_centre.db, actor=sqlite_centre.school["lan"], wish=paper(**changes))
    assert field in refused.value.problems
    assert waiting_signatures(sqlite_centre.db, actor=sqlite_centre.school["director"]) == []


def test_who_must_not_takes_nothing_over(centre: Centre) -> None:
    """By rule, by a running case, by a declined signature, by setting."""
    open_the_centre(centre)
    for who in ("desk", "leader", "admin", "archive", "S2024001"):
        with pytest.raises(RefusedError):
            ask_takeover(centre.db, actor=centre.school[who], wish=paper())
    lan = centre.school["lan"]
    task = ask_takeover(centre.db, actor=lan, wish=paper())
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=False)
    with pytest.raises(TransitionError, match="SECOND"):
        open_from_paper(centre.db, actor=lan, task_id=task.task_id)
    in_counselling(centre)
    with pytest.raises(TransitionError, match="OTHER_COUNSELLOR"):
        ask_takeover(centre.db, actor=centre.school["qiu"], wish=paper())
    house = house_of(centre.db)
    centre.db.info["house"] = replace(house, settings=replace(house.settings, paper_takeover=False))
    with pytest.raises(TransitionError, match="PAPER_OFF"):
        ask_takeover(centre.db, actor=lan, wish=paper())


def test_a_receiver_who_was_barred_since_gets_no_key(centre: Centre) -> None:
    """Summary read, client agreed, everything ready: a suspicion since the colleague was chosen stops the key itself."""
    case = handed(centre)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    assert qiu.holder_id is not None
    with writing(centre.db):
        declare(centre.db, qiu.holder_id, case.client_id)
    with pytest.raises(TransitionError, match="ELSEWHERE"):
        give_key(centre.db, actor=lan, case=case)
    assert centre.db.scalars(select(Grant).where(Grant.box_id == case.box_id, Grant.holder_id == qiu.holder_id)).all() == []
