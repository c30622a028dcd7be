"""The guardian's own answer: recorded apart from the client's, in one of the ways a guardian has, and never instead of it."""

import pytest
from sqlalchemy import select, update

from counsel.core.errors import InvalidError, RefusedError, TransitionError
from counsel.pathway.cases.agreement import GUARDIAN, agreed_to, answer_words, newest_answer, record_agreement
from counsel.pathway.cases.dossier import CONSENT
from counsel.pathway.cases.models import Agreement, Case
from counsel.pathway.intake.consent import consent_given, guardian_settled, record_consent
from counsel.pathway.intake.services import decide_intake
from counsel.records.models import Item
from counsel.records.services import item_of
from tests.conftest import Centre
from tests.story import consent_content, open_the_centre, received

CHILD = "S2024003"


def explained(centre: Centre, **changes: str) -> tuple[Case, Item]:
    """A child's consent, explained and recorded with some changes."""
    open_the_centre(centre)
    case = received(centre, CHILD)
    record_consent(centre.db, actor=centre.school["lan"], case=case, content=consent_content(guardian="signed", **changes))
    item = item_of(centre.db, case.shared_box_id, CONSENT.code)
    assert item is not None
    return case, item


def settled(centre: Centre, case: Case) -> bool:
    """Return G3 as the counsellor's page sees it."""
    lan = centre.school["lan"]
    consent = consent_given(centre.db, actor=lan, case=case)
    assert consent is not None
    return guardian_settled(centre.db, actor=lan, case=case, consent=consent)


@pytest.mark.parametrize(("way", "at_once"), [("on_paper", True), ("by_phone", True), ("in_room", False)])
def test_a_guardian_answers_in_an_own_way(centre: Centre, way: str, at_once: bool) -> None:
    """On paper and by telephone at once, in the room when the screen is handed over; two answers stand side by side."""
    case, item = explained(centre, guardian_way=way)
    assert settled(centre, case) is at_once
    lan = centre.school["lan"]
    if not at_once:
        said = {"way": way, "agreed": True, "words": "母亲"}
        record_agreement(centre.db, actor=lan, case=case, item=item, party=GUARDIAN, **said)  # type: ignore[arg-type]
    assert settled(centre, case)
    row = newest_answer(centre.db, item.item_id, GUARDIAN)
    assert row is not None and (row.party, row.way) == (GUARDIAN, way)
    assert answer_words(centre.db, actor=lan, case=case, number=row.number)["words"] in ("苏母", "母亲")
    mine = newest_answer(centre.db, item.item_id)
    assert mine is not None and (mine.party, mine.number) == ("client", 1)


def test_a_no_of_the_guardian_holds_and_a_later_yes_lifts_it(centre: Centre) -> None:
    """The newest answer counts; without it the assessment does not begin (篇8 二; PIPL 31)."""
    case, item = explained(centre)
    lan = centre.school["lan"]
    for agreed in (False, True):
        said = {"way": "by_phone", "agreed": agreed, "words": "母亲"}
        record_agreement(centre.db, actor=lan, case=case, item=item, party=GUARDIAN, **said)  # type: ignore[arg-type]
        assert settled(centre, case) is agreed
        if not agreed:
            with pytest.raises(TransitionError):
                decide_intake(centre.db, actor=lan, case=case, to="assessment")


def test_the_guardians_yes_is_never_the_clients(centre: Centre) -> None:
    """G2 and G3 are two answers: the guardian's does not stand for the child's, nor is a row turned round believed."""
    case, item = explained(centre, way="in_room")
    lan = centre.school["lan"]
    assert consent_given(centre.db, actor=lan, case=case) is None
    assert agreed_to(centre.db, actor=lan, case=case, item=item, party=GUARDIAN) is not None
    centre.db.execute(update(Agreement).values(party="client"))
    centre.db.commit()
    assert consent_given(centre.db, actor=lan, case=case) is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"guardian_way": "own_sign_in"}, "guardian_way"),
        ({"guardian_way": ""}, "guardian_way"),
        ({"guardian_place": " "}, "guardian_place"),
        ({"guardian_note": ""}, "guardian_note"),
    ],
)
def test_a_signature_without_who_or_where_is_no_signature(sqlite_centre: Centre, changes: dict[str, str], problem: str) -> None:
    """Who it was, how, and where the sheet lies; nothing half-done stays."""
    open_the_centre(sqlite_centre)
    case = received(sqlite_centre, CHILD)
    with pytest.raises(InvalidError) as refused:
        record_consent(
            sqlite_centre.db,
            actor=sqlite_centre.school["lan"],
            case=case,
            content=consent_content(guardian="signed", **changes),
        )
    assert set(refused.value.problems) == {problem}
    assert sqlite_centre.db.scalars(select(Agreement)).all() == []


def test_a_guardian_without_a_name_and_a_stranger_record_nothing(centre: Centre) -> None:
    """Words say who it was; a colleague who is not the child's counsellor is refused."""
    case, item = explained(centre, guardian_way="in_room")
    said = {"way": "in_room", "agreed": True, "party": GUARDIAN}
    with pytest.raises(InvalidError):
        record_agreement(centre.db, actor=centre.school["lan"], case=case, item=item, **said)  # type: ignore[arg-type]
    with pytest.raises(RefusedError):
        record_agreement(centre.db, actor=centre.school["qiu"], case=case, item=item, words="母亲", **said)  # type: ignore[arg-type]
    assert newest_answer(centre.db, item.item_id, GUARDIAN) is None
