"""What a client asks about the own file: sealed to the director, answered once, seen by nobody else (篇4 一)."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from counsel.audit.models import AuditLine
from counsel.core.clock import at_local, local
from counsel.core.database import house_of
from counsel.core.errors import ConflictError, InvalidError, RefusedError, UnreadableError
from counsel.home.queries import file_sight
from counsel.jobs.telling import escalate
from counsel.keys.boxes import open_box
from counsel.outbox.notices import notices_of
from counsel.safeguarding.questions.models import KINDS, OwnQuestion
from counsel.safeguarding.questions.services import answer, ask, own_questions, read_question, waiting_questions
from counsel.tasks.services import tasks_about
from tests.conftest import Centre
from tests.story import open_the_centre

WORDS, REPLY = "为什么上周有人打开我的名字?", "前台为了接待打开的,已经核对"


def asked(centre: Centre, kind: str = "opening") -> OwnQuestion:
    """A student's question."""
    open_the_centre(centre)
    return ask(centre.db, actor=centre.school["S2024001"], kind=kind, text=WORDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_is_answered_on_the_clients_own_page(centre: Centre, kind: str) -> None:
    """Asked, told to the director, opened with an audit line, answered once, told to the client."""
    row = asked(centre, kind)
    student, director = centre.school["S2024001"], centre.school["director"]
    assert [found.question_id for found in waiting_questions(centre.db, actor=director)] == [row.question_id]
    assert [found.kind for found in notices_of(centre.db, director.holder_id)] == ["question_asked"]
    seen, card = read_question(centre.db, actor=director, question_id=row.question_id)
    assert seen.words == WORDS and card is not None and card.student_no == "S2024001"
    answer(centre.db, actor=director, question_id=row.question_id, text=REPLY)
    (mine,) = own_questions(centre.db, actor=student)
    assert (mine.words, mine.answer) == (WORDS, REPLY)
    assert [found.kind for found in notices_of(centre.db, student.holder_id)] == ["answered"]
    with pytest.raises(ConflictError):
        answer(centre.db, actor=director, question_id=row.question_id, text="又一次")
    assert waiting_questions(centre.db, actor=director) == []
    assert "safeguarding:question:read" in [tag for _at, _who, tag in file_sight(centre.db, actor=student).opened]


def test_a_late_answer_is_told_to_the_supervisor_and_nobody_else(centre: Centre) -> None:
    """Not before its day has passed; a neutral line; answered in time, never."""
    row = asked(centre)
    (task,) = tasks_about(centre.db, row.question_id, ("answer",))
    zone = house_of(centre.db).settings.time_zone
    assert task.client_id is None and local(task.due_at, zone) == at_local(row.due_on + timedelta(days=1), 0, zone)
    with time_machine.travel(task.due_at - timedelta(minutes=5), tick=True):
        escalate(centre.db)
        assert task.escalated_on is None
    with time_machine.travel(task.due_at + timedelta(days=1), tick=True):
        escalate(centre.db)
        for who in ("supervisor", "director", "leader", "lan", "admin"):
            late = [one for one in notices_of(centre.db, centre.school[who].holder_id) if one.object_id == task.task_id]
            assert len(late) == (who == "supervisor")
    answer(centre.db, actor=centre.school["director"], question_id=row.question_id, text=REPLY)
    assert task.outcome == "answered"


def test_nobody_else_reads_or_answers_it(centre: Centre) -> None:
    """By rule and by key: colleagues, desk, administrator, another student."""
    row = asked(centre)
    for who in ("lan", "qiu", "desk", "admin", "S2024001", "S2024002"):
        with pytest.raises(RefusedError):
            read_question(centre.db, actor=centre.school[who], question_id=row.question_id)
        with pytest.raises(RefusedError):
            answer(centre.db, actor=centre.school[who], question_id=row.question_id, text="x")
        with pytest.raises(RefusedError):
            waiting_questions(centre.db, actor=centre.school[who])
    for who in ("lan", "qiu", "desk", "admin", "S2024002"):
        keyring = centre.school[who].keyring
        assert keyring is not None
        with pytest.raises(UnreadableError):
            open_box(centre.db, keyring, row.box_id)
    assert own_questions(centre.db, actor=centre.school["S2024002"]) == []
    with pytest.raises(RefusedError):
        ask(centre.db, actor=centre.school["lan"], kind="opening", text="x")


@pytest.mark.parametrize(
    ("kind", "text", "field"), [("gossip", "x", "kind"), ("copy", " ", "text"), ("copy", "x" * 2001, "text")]
)
def test_what_is_no_question_is_refused_beside_the_field(sqlite_centre: Centre, kind: str, text: str, field: str) -> None:
    """Nothing half-done stays."""
    open_the_centre(sqlite_centre)
    with pytest.raises(InvalidError) as refused:
        ask(sqlite_centre.db, actor=sqlite_centre.school["S2024001"], kind=kind, text=text)
    assert set(refused.value.problems) == {field}
    assert sqlite_centre.db.scalars(select(OwnQuestion)).all() == []


def test_three_wait_at_the_most_and_words_stand_in_no_line(centre: Centre) -> None:
    """A fourth is told kindly; answered ones do not count; the audit holds codes only."""
    first = asked(centre)
    student, director = centre.school["S2024001"], centre.school["director"]
    for kind in ("copy", "access"):
        ask(centre.db, actor=student, kind=kind, text=WORDS)
    with pytest.raises(ConflictError, match="questions_waiting"):
        ask(centre.db, actor=student, kind="erasure", text=WORDS)
    answer(centre.db, actor=director, question_id=first.question_id, text=REPLY)
    ask(centre.db, actor=student, kind="erasure", text=WORDS)
    details = centre.db.scalars(select(AuditLine.detail)).all()
    assert not any(WORDS[:4] in detail or REPLY[:4] in detail for detail in details)
