"""The level of risk: screens only raise it; lowering takes a reason, a second signature, and nobody asked anew since."""

import pytest

from counsel.core.errors import InvalidError, RefusedError, TransitionError
from counsel.pathway.cases.countersign import give_second_signature
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import cover_of
from counsel.pathway.intake.levels import apply_lowering, ask_lowering, ask_risk_owner, record_screen
from tests.conftest import Centre
from tests.story import ALL_NO, open_the_centre, received, record_crisis

WORRY = {**ALL_NO, "q2": "yes", "q3": "yes"}


def screened(centre: Centre, answers: dict[str, str], case: Case | None = None) -> Case:
    """A case in which the questions were asked, perhaps once more."""
    if case is None:
        open_the_centre(centre)
        case = received(centre)
    record_screen(centre.db, actor=centre.school["lan"], case=case, answers=answers, ticks=frozenset(), keeping="")
    return case


def level(centre: Centre, case: Case) -> int:
    """The level in force."""
    return cover_of(centre.db, actor=centre.school["lan"], case=case).level


def test_a_calm_screen_after_a_worry_lowers_nothing(centre: Centre) -> None:
    """domain §3.2: a score never lowers."""
    case = screened(centre, WORRY)
    screened(centre, ALL_NO, case)
    assert level(centre, case) == 2


def test_a_level_is_lowered_once_by_two_people(centre: Centre) -> None:
    """Reason, a lower level, the director's signature; it stands until then, and one signature lowers one step once."""
    case = screened(centre, WORRY)
    record_crisis(centre, case)
    lan, director = centre.school["lan"], centre.school["director"]
    for wanted, reason, field in ((0, " ", "reason"), (2, "好转", "level"), (3, "好转", "level"), (-1, "好转", "level")):
        with pytest.raises(InvalidError) as refused:
            ask_lowering(centre.db, actor=lan, case=case, level=wanted, reason=reason)
        assert field in refused.value.problems
    with pytest.raises(RefusedError):
        ask_lowering(centre.db, actor=centre.school["qiu"], case=case, level=0, reason="好转")
    task = ask_lowering(centre.db, actor=lan, case=case, level=1, reason="八天来平稳")
    with pytest.raises(TransitionError, match="SECOND"):
        apply_lowering(centre.db, actor=lan, case=case)
    with pytest.raises(RefusedError):
        give_second_signature(centre.db, actor=lan, task_id=task.task_id, agreed=True)
    give_second_signature(centre.db, actor=director, task_id=task.task_id, agreed=True)
    assert level(centre, case) == 2
    assert apply_lowering(centre.db, actor=lan, case=case) == 1 == level(centre, case)
    with pytest.raises(TransitionError, match="SECOND"):
        apply_lowering(centre.db, actor=lan, case=case)


def test_whoever_was_asked_anew_since_is_not_lowered_by_an_old_word(centre: Centre) -> None:
    """A screen after the wish makes the signature void, whatever it says; so does a no."""
    case = screened(centre, WORRY)
    record_crisis(centre, case)
    lan, director = centre.school["lan"], centre.school["director"]
    task = ask_lowering(centre.db, actor=lan, case=case, level=0, reason="好转")
    screened(centre, WORRY, case)
    give_second_signature(centre.db, actor=director, task_id=task.task_id, agreed=True)
    with pytest.raises(TransitionError, match="SECOND"):
        apply_lowering(centre.db, actor=lan, case=case)
    again = ask_lowering(centre.db, actor=lan, case=case, level=0, reason="好转")
    give_second_signature(centre.db, actor=director, task_id=again.task_id, agreed=False)
    with pytest.raises(TransitionError, match="SECOND"):
        apply_lowering(centre.db, actor=lan, case=case)
    assert level(centre, case) == 2


def test_watching_on_asks_for_a_reason_and_is_asked_by_the_counsellor_alone(centre: Centre) -> None:
    """I1."""
    case = screened(centre, WORRY)
    with pytest.raises(InvalidError):
        ask_risk_owner(centre.db, actor=centre.school["lan"], case=case, reason="")
    for who in ("qiu", "director", "S2024001"):
        with pytest.raises(RefusedError):
            ask_risk_owner(centre.db, actor=centre.school[who], case=case, reason="看着")
