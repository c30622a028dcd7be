"""The demonstration's cases that go on elsewhere: with a doctor, a colleague, another place, or nowhere after one talk."""

from sqlalchemy.orm import Session

from counsel.access.sign_ins import SignedIn
from counsel.home.demo_story import ASSESSED, Demo, explain
from counsel.pathway.assessment.services import write_assessment
from counsel.pathway.cases.agreement import record_agreement
from counsel.pathway.cases.countersign import give_second_signature
from counsel.pathway.cases.dossier import HAND_OVER, REFERRAL
from counsel.pathway.cases.models import Case
from counsel.pathway.intake.services import decide_intake, sign_intake
from counsel.pathway.plans.services import plan_anew
from counsel.pathway.referral.services import (
    ask_return,
    record_feedback,
    refer_medically,
    return_from_doctor,
    write_referral,
)
from counsel.pathway.referral.transfer import (
    accept_transfer,
    ask_transfer,
    choose_receiver,
    give_key,
    hand_over_number,
    write_hand_over,
)
from counsel.records.services import item_of

SUMMARY = {"course": "谈过一次，先谈睡眠", "goals": "考前睡够6小时", "agreed": "继续睡眠记录", "open_matters": "和同伴的关系"}
ADVICE = {
    "kind": "medical",
    "reason": "持续时间较长，建议到医院做一次评估",
    "target": "市第七人民医院",
    "phone": "0100-1234567",
    "information": "评估小结一页",
    "consent": "asked",
    "receipt": "guardian",
}


def _referred(db: Session, me: SignedIn, case: Case, content: dict[str, str]) -> None:
    write_referral(db, actor=me, case=case, content=content, seen_version=0, sign=True, number=1)
    item = item_of(db, case.shared_box_id, REFERRAL.code)
    assert item is not None
    record_agreement(db, actor=me, case=case, item=item, way="in_room", agreed=True)


def to_doctor(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    """To a doctor: suspected disorder, written advice, the case waits."""
    plan_anew(db, actor=me, case=case, to="assessment", reason="new_concern")
    content = {**ASSESSED, "main_problem": "P21", "insight": "broken", "severity": "LV4"}
    write_assessment(db, actor=me, case=case, content=content, seen_version=0, sign=True, number=2)
    _referred(db, me, case, ADVICE)
    refer_medically(db, actor=me, case=case)


def back(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    """Back from the doctor, with a second signature."""
    to_doctor(db, demo, me, case)
    paper = {"source": "hospital", "text": "医院意见：“轻度焦虑状态”，可以上学，建议继续咨询。", "sheet_place": "2号柜"}
    record_feedback(db, actor=me, case=case, number=1, **paper)
    task = ask_return(db, actor=me, case=case, reason="只做支持性谈话，配合医院的治疗")
    give_second_signature(db, actor=demo["gu"], task_id=task.task_id, agreed=True)
    explain(db, me, case)
    return_from_doctor(db, actor=me, case=case, to="counselling")


def wants_another(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    """The client wishes for somebody else."""
    ask_transfer(db, actor=me, case=case, by="counsellor", reason="client_wish")


def handed_over(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    """Handed over to a colleague, the summary read by both."""
    other = demo["lin" if demo["lin"].holder_id != me.holder_id else "zhou"]
    assert other.holder_id is not None
    ask_transfer(db, actor=me, case=case, by="counsellor", reason="leave")
    choose_receiver(db, actor=demo["gu"], case=case, to=other.holder_id)
    number = hand_over_number(db, case)
    write_hand_over(db, actor=me, case=case, content=SUMMARY, seen_version=0, sign=True, number=number)
    item = item_of(db, case.shared_box_id, HAND_OVER.code)
    assert item is not None
    record_agreement(db, actor=me, case=case, item=item, way="in_room", agreed=True)
    give_key(db, actor=me, case=case)
    accept_transfer(db, actor=other, case=case, no_conflict=True)


def _interviewed(db: Session, me: SignedIn, case: Case, **said: str) -> None:
    words = {
        "presenting_complaint": "想问选科的事",
        "course": "这学期",
        "past_help": "没有",
        "expectations": "有人一起理一理",
        "disposition": "谈一次，看是否够了",
    }
    full = {**words, "no_conflict": "yes", "in_scope": "yes", "within_competence": "yes", "client_agrees": "yes", **said}
    sign_intake(db, actor=me, case=case, content=full, seen_version=0)


def one_talk(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    """One talk was enough."""
    _interviewed(db, me, case)
    decide_intake(db, actor=me, case=case, to="single_session")


def out_of_scope(db: Session, demo: Demo, me: SignedIn, case: Case) -> None:
    """Out of scope: recommended elsewhere, in writing."""
    _interviewed(db, me, case, in_scope="no", recommendation="区未成年人保护热线")
    elsewhere = {"kind": "social", "target": "区未成年人保护热线", "receipt": "client", "reason": "问的是家里的法律纠纷"}
    _referred(db, me, case, {**ADVICE, **elsewhere})
    decide_intake(db, actor=me, case=case, to="out_of_scope")
