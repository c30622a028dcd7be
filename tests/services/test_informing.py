"""Guardian and leader are told when a level rises, each within its clock; the counsellor speaks to a supervisor (domain §3.3)."""

from datetime import date, timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from counsel.core.clock import now
from counsel.core.database import house_of, writing
from counsel.core.errors import InvalidError, RefusedError
from counsel.jobs.telling import escalate
from counsel.outbox.notices import notices_of
from counsel.pathway.appointments.alarms import raise_alarm
from counsel.pathway.cases.countersign import give_second_signature, waiting_signatures
from counsel.pathway.cases.dossier import TOLD
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import cover_of
from counsel.pathway.intake.informing import record_told, settle_what_fell, still_owed, told_in
from counsel.pathway.intake.levels import apply_lowering, ask_lowering
from counsel.pathway.safety.services import write_supervision
from counsel.records.models import Body, Item
from counsel.risk.cards import read_cards
from counsel.risk.clocks import owed_to
from counsel.safeguarding.disclosure.receiving import by_code, open_by_code
from counsel.safeguarding.disclosure.sending import revoke_package, send
from counsel.safeguarding.disclosure.services import save, start, submit
from counsel.safeguarding.disclosure.told import count_what_arrived
from counsel.tasks.models import Task
from counsel.tasks.services import tasks_about
from tests.conftest import Centre
from tests.services.test_danger import INTENT, NOW, THOUGHTS, in_danger, screen
from tests.services.test_disclosure import approved, filled, part, to_mother
from tests.services.test_many import loosened
from tests.story import CALM, on_duty, record_crisis

SAID = {"with_whom": "督导柳", "question": "如何与家长谈", "agreed": "先约家长面谈", "risk_points": "", "next_step": ""}


def minutes_until(centre: Centre, case: Case, whom: str) -> int:
    """In how many minutes somebody must have been told."""
    due = still_owed(centre.db, actor=centre.school["lan"], case=case)[whom]
    return round((due - now()).total_seconds() / 60)


def told(centre: Centre, case: Case, whom: str, outcome: str = "told") -> None:
    """Record it."""
    record_told(centre.db, actor=centre.school["lan"], case=case, whom=whom, outcome=outcome, words="电话里说了约定的几句")


@pytest.mark.parametrize(
    ("level", "age", "whom"),
    [
        (4, 15, {"guardian": 30, "leader": 30}),
        (3, 17, {"guardian": 120, "leader": 120}),
        (2, 17, {"guardian": 1440}),
        (2, 18, {}),
        (3, 18, {"leader": 120}),
        (4, 18, {"guardian": 30, "leader": 30}),
        (2, None, {"guardian": 1440}),
        (1, 15, {}),
        (0, None, {}),
    ],
)
def test_who_is_told_depends_on_level_and_age(centre: Centre, level: int, age: int | None, whom: dict[str, int]) -> None:
    """By the table of the regulations' practice; of age only at level 4, an unknown age as a minor."""
    found = owed_to(house_of(centre.db).settings, level, age)
    assert {name: after.total_seconds() / 60 for name, after in found.items()} == whom


def test_one_neutral_task_says_when_the_next_one_is_due(centre: Centre) -> None:
    """Level 3: both within two hours; one told, the other stays; both told, it ends."""
    case = in_danger(centre, INTENT)
    (task,) = tasks_about(centre.db, case.case_id, ("inform",))
    assert minutes_until(centre, case, "guardian") == minutes_until(centre, case, "leader") == 120
    told(centre, case, "guardian")
    assert set(still_owed(centre.db, actor=centre.school["lan"], case=case)) == {"leader"} and task.ended_on is None
    told(centre, case, "leader", "not_reached")
    assert minutes_until(centre, case, "leader") == 120  # an hour from now is sooner than its own clock
    told(centre, case, "leader")
    assert task.outcome == "recorded"
    assert [said["whom"] for said in told_in(centre.db, actor=centre.school["lan"], case=case)] == [
        "guardian",
        "leader",
        "leader",
    ]


def test_whoever_was_not_reached_is_tried_again(centre: Centre) -> None:
    """Past the clock a try gives an hour, no more."""
    case = in_danger(centre, NOW)
    with time_machine.travel(now() + timedelta(minutes=29), tick=True):
        told(centre, case, "guardian", "not_reached")
        assert minutes_until(centre, case, "guardian") == 60
        assert minutes_until(centre, case, "leader") == 1


def test_a_higher_level_asks_anew_and_a_lower_one_lets_go(centre: Centre) -> None:
    """What was told at level 2 is not enough at level 4; when the level falls nothing is owed any more."""
    case = in_danger(centre, THOUGHTS)
    told(centre, case, "guardian")
    assert tasks_about(centre.db, case.case_id, ("inform",)) == []
    with time_machine.travel(now() + timedelta(minutes=5), tick=True):
        screen(centre, case, NOW)
        assert set(still_owed(centre.db, actor=centre.school["lan"], case=case)) == {"guardian", "leader"}
        record_crisis(centre, case)
        lan = centre.school["lan"]
        asked = ask_lowering(centre.db, actor=lan, case=case, level=1, reason="谈过两次")
        give_second_signature(centre.db, actor=centre.school["director"], task_id=asked.task_id, agreed=True)
        apply_lowering(centre.db, actor=lan, case=case)
        assert tasks_about(centre.db, case.case_id, ("inform",)) == []
        assert len(tasks_about(centre.db, case.case_id, ("supervise",))) == 1  # that is still held


def test_withholding_needs_a_reason_and_a_second_signature(centre: Centre) -> None:
    """A guardian who must hear nothing: the clock ends, the director is asked."""
    case = in_danger(centre, INTENT)
    before = len(waiting_signatures(centre.db, actor=centre.school["director"]))
    with pytest.raises(InvalidError):
        record_told(centre.db, actor=centre.school["lan"], case=case, whom="guardian", outcome="withheld", words=" ")
    told(centre, case, "leader")
    told(centre, case, "guardian", "withheld")
    waiting = waiting_signatures(centre.db, actor=centre.school["director"])
    assert len(waiting) == before + 1 and minutes_until(centre, case, "guardian") == 120  # until it is signed nothing moves
    (task,) = [one for one in waiting if one.object_id == case.case_id]
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    assert still_owed(centre.db, actor=centre.school["lan"], case=case) == {}
    assert tasks_about(centre.db, case.case_id, ("inform",)) == []  # at once, without a key to the case


def test_a_leader_told_while_the_signature_waits_ends_it_at_the_next_look(centre: Centre) -> None:
    """Whoever signs knows what was owed when it was asked; the case's own page ends what has been done since."""
    case = in_danger(centre, INTENT)
    told(centre, case, "guardian", "withheld")
    told(centre, case, "leader")
    waiting = waiting_signatures(centre.db, actor=centre.school["director"])
    (task,) = [one for one in waiting if one.object_id == case.case_id]
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    assert len(tasks_about(centre.db, case.case_id, ("inform",))) == 1
    settle_what_fell(centre.db, actor=centre.school["lan"], case=case)
    assert tasks_about(centre.db, case.case_id, ("inform",)) == []


def test_a_signed_withholding_leaves_what_others_are_owed(centre: Centre) -> None:
    """The leader was not reached and is tried again: the task is due for that."""
    case = in_danger(centre, INTENT)
    later = now() + timedelta(minutes=100)
    with time_machine.travel(later, tick=True):
        told(centre, case, "leader", "not_reached")
        told(centre, case, "guardian", "withheld")
        (inform,) = tasks_about(centre.db, case.case_id, ("inform",))
        guardian = still_owed(centre.db, actor=centre.school["lan"], case=case)["guardian"]
        assert inform.due_at == guardian
        waiting = waiting_signatures(centre.db, actor=centre.school["director"])
        (task,) = [one for one in waiting if one.object_id == case.case_id]
        give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
        owed = still_owed(centre.db, actor=centre.school["lan"], case=case)
        assert set(owed) == {"leader"} and inform.ended_on is None and inform.due_at == owed["leader"] > guardian


def test_a_record_that_does_not_open_holds_back_no_danger(centre: Centre) -> None:
    """What was recorded about telling is spoilt: level 4 is recorded all the same, and everybody is owed word."""
    case = in_danger(centre, THOUGHTS)
    told(centre, case, "guardian")
    spoilt = select(Item.item_id).where(Item.box_id == case.box_id, Item.kind == TOLD.code)
    loosened(centre)
    centre.db.execute(update(Body).where(Body.item_id.in_(spoilt)).values(sealed=b"gone"))
    centre.db.commit()
    screen(centre, case, NOW)
    lan = centre.school["lan"]
    assert cover_of(centre.db, actor=lan, case=case).level == 4
    assert set(still_owed(centre.db, actor=lan, case=case)) == {"guardian", "leader"}


def test_withholding_that_is_declined_settles_nothing(centre: Centre) -> None:
    """The guardian is owed as before, and the task stands."""
    case = in_danger(centre, INTENT)
    told(centre, case, "guardian", "withheld")
    waiting = waiting_signatures(centre.db, actor=centre.school["director"])
    (task,) = [one for one in waiting if one.object_id == case.case_id]
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=False, words="请再谈一次")
    assert minutes_until(centre, case, "guardian") == 120
    assert len(tasks_about(centre.db, case.case_id, ("inform",))) == 1


def test_a_level_lowered_by_steps_owes_what_is_left(centre: Centre) -> None:
    """From 3 to 2: the guardian within a day, the leader nothing any more."""
    case = in_danger(centre, INTENT)
    record_crisis(centre, case)
    lan = centre.school["lan"]
    asked = ask_lowering(centre.db, actor=lan, case=case, level=2, reason="谈过两次")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=asked.task_id, agreed=True)
    apply_lowering(centre.db, actor=lan, case=case)
    assert minutes_until(centre, case, "guardian") == 1440
    (task,) = tasks_about(centre.db, case.case_id, ("inform",))
    assert task.due_at == still_owed(centre.db, actor=lan, case=case)["guardian"]


@pytest.mark.parametrize("wrong", [{"whom": "neighbour"}, {"outcome": "perhaps"}, {"words": ""}, {"words": "长" * 1001}])
def test_what_is_wrong_is_said(centre: Centre, wrong: dict[str, str]) -> None:
    """Beside the field; nothing is kept."""
    case = in_danger(centre, INTENT)
    full = {"whom": "guardian", "outcome": "told", "words": "说了", **wrong}
    with pytest.raises(InvalidError) as found:
        record_told(centre.db, actor=centre.school["lan"], case=case, **full)
    assert set(found.value.problems) == set(wrong) and told_in(centre.db, actor=centre.school["lan"], case=case) == []


def test_only_the_cases_own_counsellor_records_it(centre: Centre) -> None:
    """A colleague and the director are refused, as if there were no such case."""
    case = in_danger(centre, INTENT)
    for who in ("qiu", "director", "leader"):
        with pytest.raises(RefusedError):
            record_told(centre.db, actor=centre.school[who], case=case, whom="leader", outcome="told", words="说了")


MOTHER = {"parts": {"concern": part("请马上来"), "advice": part("到校医室")}}


def test_a_disclosure_by_word_of_mouth_counts_at_once(centre: Centre) -> None:
    """It stands among what was told, by its number."""
    case = in_danger(centre, NOW)
    row = approved(centre, case, filled(to_mother(**MOTHER, way="spoken")))
    send(centre.db, actor=centre.school["lan"], row=row)
    assert set(still_owed(centre.db, actor=centre.school["lan"], case=case)) == {"leader"}
    assert f"{row.number:04}" in told_in(centre.db, actor=centre.school["lan"], case=case)[0]["words"]


def test_what_duty_said_by_word_of_mouth_ends_the_clock_at_the_counsellors_next_look(centre: Centre) -> None:
    """Duty has no key to the case; the counsellor's landing page counts it, and one that is spoilt holds up no page."""
    case, lan = in_danger(centre, NOW), centre.school["lan"]
    duty = on_duty(centre)
    row = start(centre.db, actor=duty, client_id=case.client_id, level=4)
    save(centre.db, actor=duty, row=row, content=filled(to_mother(**MOTHER, way="spoken")), seen_version=1)
    submit(centre.db, actor=duty, row=row)
    send(centre.db, actor=duty, row=row)
    assert "guardian" in still_owed(centre.db, actor=lan, case=case)
    count_what_arrived(centre.db, actor=lan)
    assert "guardian" not in still_owed(centre.db, actor=lan, case=case)
    loosened(centre)
    with writing(centre.db):
        centre.db.execute(
            update(Body).where(Body.item_id.in_(select(Item.item_id).where(Item.box_id == row.box_id))).values(sealed=b"x" * 300)
        )
    screen(centre, case, NOW)
    count_what_arrived(centre.db, actor=lan)


def test_a_package_counts_once_it_was_opened(centre: Centre) -> None:
    """Sent, the clock runs on; opened, it ends at the counsellor's next look, once; taken back unopened it never does."""
    case, lan = in_danger(centre, NOW), centre.school["lan"]
    first = send(centre.db, actor=lan, row=approved(centre, case, filled(to_mother(**MOTHER))))[0]
    revoke_package(centre.db, actor=lan, package_id=first.package.package_id)
    (second,) = send(centre.db, actor=lan, row=approved(centre, case, filled(to_mother(**MOTHER))))
    count_what_arrived(centre.db, actor=lan)
    assert "guardian" in still_owed(centre.db, actor=lan, case=case) and told_in(centre.db, actor=lan, case=case) == []
    package, keyring = by_code(centre.db, code=second.code, digits="1234", address="127.0.0.1")
    open_by_code(centre.db, package=package, keyring=keyring, promised=True)
    for _twice in range(2):
        count_what_arrived(centre.db, actor=lan)
    assert "guardian" not in still_owed(centre.db, actor=lan, case=case)
    assert [said["whom"] for said in told_in(centre.db, actor=lan, case=case)] == ["guardian"]


def test_what_was_sent_before_the_level_rose_says_nothing_about_it(centre: Centre) -> None:
    """Sent at level 3, opened after the rise to 4: the guardian does not know how things stand now."""
    case, lan = in_danger(centre, INTENT), centre.school["lan"]
    (one,) = send(centre.db, actor=lan, row=approved(centre, case, filled(to_mother(**MOTHER))))
    with time_machine.travel(now() + timedelta(minutes=5), tick=True):
        screen(centre, case, NOW)
        package, keyring = by_code(centre.db, code=one.code, digits="1234", address="127.0.0.1")
        open_by_code(centre.db, package=package, keyring=keyring, promised=True)
        count_what_arrived(centre.db, actor=lan)
        assert "guardian" in still_owed(centre.db, actor=lan, case=case)


def test_late_telling_escalates_to_the_director_then_the_leader(centre: Centre) -> None:
    """Ten minutes after the clock, then half an hour: that a task is overdue, and nothing else."""
    in_danger(centre, NOW)
    director, leader = centre.school["director"], centre.school["leader"]
    read_cards(centre.db, actor=on_duty(centre))
    moment = now()
    for minutes, to_director, to_leader in ((39, 0, 0), (41, 1, 0), (72, 1, 1)):
        with time_machine.travel(moment + timedelta(minutes=minutes), tick=True):
            escalate(centre.db)
        late = [row for row in notices_of(centre.db, director.holder_id) if row.kind == "task_overdue"]
        assert (len(late), len(notices_of(centre.db, leader.holder_id))) == (to_director, to_leader)


def test_supervision_is_held_and_recorded(centre: Centre) -> None:
    """Within a day at level 3, with whom and what was agreed; then the task ends. A draft ends nothing."""
    case = in_danger(centre, INTENT)
    lan = centre.school["lan"]
    (task,) = tasks_about(centre.db, case.case_id, ("supervise",))
    assert round((task.due_at - now()).total_seconds() / 3600) == 24
    content = {**SAID, "on_date": now().date().isoformat()}
    write_supervision(centre.db, actor=lan, case=case, content=content, seen_version=0, sign=False, number=1)
    assert task.ended_on is None
    with pytest.raises(InvalidError):
        write_supervision(centre.db, actor=lan, case=case, content={**content, "agreed": ""}, seen_version=1, sign=True, number=1)
    write_supervision(centre.db, actor=lan, case=case, content=content, seen_version=1, sign=True, number=1)
    assert task.outcome == "held"


def test_an_alarm_reaches_duty_whatever_else_is_open(centre: Centre) -> None:
    """Somebody watched over who asks for help now is not held back by the tasks about the case."""
    case = in_danger(centre, NOW)
    alarms = centre.db.query(Task).filter(Task.client_id == case.client_id, Task.box_id.is_not(None), Task.kind == "contact")
    assert alarms.count() == 0
    raise_alarm(centre.db, actor=centre.school["S2024001"], answers={**CALM, "q7": "yes"})
    raise_alarm(centre.db, actor=centre.school["S2024001"], answers={**CALM, "q7": "yes"})
    assert alarms.count() == 1


def test_who_comes_of_age_before_is_told_decides_alone(centre: Centre) -> None:
    """Level 2 on the eve of the birthday: the guardian is owed word; on the birthday nothing stands behind the task."""
    with time_machine.travel(date(2027, 2, 28), tick=True):  # born 2009-03-01
        case = in_danger(centre, THOUGHTS)
        assert set(still_owed(centre.db, actor=centre.school["lan"], case=case)) == {"guardian"}
    with time_machine.travel(date(2027, 3, 2), tick=True):
        assert still_owed(centre.db, actor=centre.school["lan"], case=case) == {}
        settle_what_fell(centre.db, actor=centre.school["lan"], case=case)
        settle_what_fell(centre.db, actor=centre.school["lan"], case=case)
    assert tasks_about(centre.db, case.case_id, ("inform",)) == []
