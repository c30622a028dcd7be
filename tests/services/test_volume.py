"""R6-04: a file comes about by the filing procedure only: its number, its required parts, the check that nothing is open."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy.orm import Session

from counsel.archive.hand_over import hand_in
from counsel.audit.chain import recording
from counsel.core.clock import now
from counsel.core.errors import RefusedError, TransitionError
from counsel.pathway.cases.countersign import give_second_signature
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.opening import next_number, open_case
from counsel.pathway.closing.evaluation import waive_evaluation
from counsel.pathway.closing.services import close_case, end_counselling
from counsel.pathway.closing.volume import missing_parts
from counsel.pathway.intake.levels import apply_lowering, ask_lowering, ask_risk_owner, record_screen
from counsel.pathway.intake.services import decide_intake
from counsel.risk.cards import has_card
from counsel.tasks.services import end_task, open_task
from tests.conftest import Centre
from tests.services.test_ending import report, with_session
from tests.services.test_referral import advise
from tests.story import ALL_NO, open_the_centre, received, record_crisis
from tests.together import together


def closed(centre: Centre) -> Case:
    """A withdrawn case with everything it needs."""
    case = with_session(centre)
    lan = centre.school["lan"]
    end_counselling(centre.db, actor=centre.school["S2024001"], case=case)
    report(centre, case)
    waive_evaluation(centre.db, actor=lan, case=case, reason="withdrawn")
    close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    return case


def test_what_is_open_is_named_and_holds_the_file_back(centre: Centre) -> None:
    """An unanswered referral and an open task, one after the other; G13 comes before the archive is asked."""
    case = with_session(centre)
    lan = centre.school["lan"]
    advise(centre, case, kind="institution")
    end_counselling(centre.db, actor=centre.school["S2024001"], case=case)
    report(centre, case)
    waive_evaluation(centre.db, actor=lan, case=case, reason="withdrawn")
    close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    with recording(centre.db):
        task = open_task(centre.db, kind="contact", due_at=now() + timedelta(hours=1), client_id=case.client_id)
    assert missing_parts(centre.db, actor=lan, case=case) == ["referral", "task"]
    with pytest.raises(TransitionError, match="G13"):
        hand_in(centre.db, actor=lan, case=case, pages=0, retention="D30")
    with recording(centre.db):
        end_task(task, "reached_safe")
    assert missing_parts(centre.db, actor=lan, case=case) == ["referral"]


def closed_in_danger(centre: Centre) -> Case:
    """A case that closed at level 2 because somebody else watches on (I1)."""
    case = with_session(centre)
    lan = centre.school["lan"]
    record_screen(centre.db, actor=lan, case=case, answers={**ALL_NO, "q2": "yes", "q3": "yes"}, ticks=frozenset(), keeping="")
    task = ask_risk_owner(centre.db, actor=lan, case=case, reason="继续关注")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    record_crisis(centre, case)
    end_counselling(centre.db, actor=centre.school["S2024001"], case=case)
    report(centre, case)
    waive_evaluation(centre.db, actor=lan, case=case, reason="withdrawn")
    close_case(centre.db, actor=lan, case=case, reason="withdrawn")
    return case


def test_a_level_that_somebody_else_watches_still_holds_the_file_back(centre: Centre) -> None:
    """I1: the case may close when somebody watches on; it is filed when the level has fallen and nobody waits."""
    case, lan = closed_in_danger(centre), centre.school["lan"]
    assert missing_parts(centre.db, actor=lan, case=case) == ["task", "risk"]


def test_only_the_cases_own_counsellor_files_it_and_only_when_it_is_closed(centre: Centre) -> None:
    """A colleague, the archivist, the director and an open case: refused as if nothing were there."""
    open_the_centre(centre)
    case = received(centre)
    lan = centre.school["lan"]
    with pytest.raises(RefusedError):
        hand_in(centre.db, actor=lan, case=case, pages=0, retention="D30")
    record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
    with pytest.raises(TransitionError):
        decide_intake(centre.db, actor=lan, case=case, to="single_session")
    for who in ("qiu", "director", "admin", "S2024001"):
        with pytest.raises(RefusedError):
            missing_parts(centre.db, actor=centre.school[who], case=case)


def test_case_numbers_have_no_gap_under_many_hands(centre: Centre) -> None:
    """Eight at once and one that fails in between: every number once, none skipped."""
    open_the_centre(centre)
    first = received(centre).case_no
    lan = centre.school["lan"]
    with pytest.raises(TransitionError):
        open_case(centre.db, actor=lan, client_id=lan.holder_id, initial="?", source="self", evidence=[])  # type: ignore[arg-type]
    taken: list[int] = []

    def take(db: Session) -> None:
        with recording(db):
            number = next_number(db, "case")
        taken.append(number)

    assert together(centre, lambda db, _n: partial(take, db), 8) == ["done"] * 8
    assert sorted(taken) == list(range(first + 1, first + 9))


def test_lowering_an_old_case_ends_no_card_of_the_present_one(centre: Centre) -> None:
    """The closed case falls to be filed; what duty knows about the client's present danger stays."""
    case, lan = closed_in_danger(centre), centre.school["lan"]
    received(centre)
    assert has_card(centre.db, case.client_id)
    asked = ask_lowering(centre.db, actor=lan, case=case, level=0, reason="已由督导关注，风险下降")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=asked.task_id, agreed=True)
    assert apply_lowering(centre.db, actor=lan, case=case) == 0 and has_card(centre.db, case.client_id)
