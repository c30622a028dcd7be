"""Exceptions to the guardian's part, and every way in which the second signature must not be given."""

from datetime import timedelta

import pytest

from counsel.confidentiality.roles import Role
from counsel.core.clock import now, today
from counsel.core.errors import ConflictError, InvalidError, RefusedError, TransitionError, UnreadableError
from counsel.keys.boxes import open_box
from counsel.pathway.cases.countersign import give_second_signature, read_reason, waiting_signatures
from counsel.pathway.cases.models import Case
from counsel.pathway.intake.consent import guardian_settled, present_consent, record_consent
from counsel.pathway.intake.levels import record_screen
from counsel.pathway.intake.services import decide_intake, sign_intake
from counsel.people.deputies import name_deputy
from counsel.people.staff import record_credential
from counsel.tasks.models import Task
from tests.conftest import Centre
from tests.story import ALL_NO, INTAKE_CONTENT, consent_content, open_the_centre, received

REASON = "继父就是她说的那个人"


def asked(centre: Centre, part: str = "conflicted", who: str = "lan") -> tuple[Case, Task]:
    """A child of 12 whose guardian must not be asked: the consent is recorded, the signature wanted."""
    open_the_centre(centre)
    case = received(centre, "S2024003", who)
    content = consent_content(guardian=part, guardian_note=REASON)
    consent = record_consent(centre.db, actor=centre.school[who], case=case, content=content)
    assert consent.countersign_id is not None
    return case, centre.db.get_one(Task, consent.countersign_id)


@pytest.mark.parametrize(("part", "code"), [("emergency", "E1"), ("conflicted", "E2")])
def test_an_exception_counts_when_the_director_has_signed(centre: Centre, part: str, code: str) -> None:
    """G3: reason, then a second signature; before it the case waits, after it assessment may begin."""
    case, task = asked(centre, part)
    lan, director = centre.school["lan"], centre.school["director"]
    record_screen(centre.db, actor=lan, case=case, answers=ALL_NO, ticks=frozenset(), keeping="")
    sign_intake(centre.db, actor=lan, case=case, content=INTAKE_CONTENT, seen_version=0)
    with pytest.raises(TransitionError, match="G3"):
        decide_intake(centre.db, actor=lan, case=case, to="assessment")
    _task, said = read_reason(centre.db, actor=director, task_id=task.task_id)
    assert (said["code"], said["reason"], said["age"]) == (code, REASON, 13)
    give_second_signature(centre.db, actor=director, task_id=task.task_id, agreed=True)
    decide_intake(centre.db, actor=lan, case=case, to="assessment")
    assert case.state == "assessment"


def test_a_declined_exception_stays_open_and_can_be_asked_anew(centre: Centre) -> None:
    """No is an answer; a further reason makes a further task."""
    case, task = asked(centre)
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=False, words="先问外婆")
    consent = present_consent(centre.db, case)
    assert consent is not None and not guardian_settled(centre.db, actor=centre.school["lan"], case=case, consent=consent)
    again = record_consent(
        centre.db,
        actor=centre.school["lan"],
        case=case,
        content=consent_content(guardian="conflicted", guardian_note="外婆也住在一起"),
    )
    assert again.countersign_id != task.task_id
    assert [row.task_id for row in waiting_signatures(centre.db, actor=centre.school["director"])] == [again.countersign_id]


def test_whoever_asks_never_signs_and_nobody_else_reads(centre: Centre) -> None:
    """By rule, and by missing keys: only the reason's readers open it, and nothing of the case with it."""
    case, task = asked(centre)
    for who in ("lan", "qiu", "desk", "leader", "admin", "supervisor", "archive", "S2024003", "S2024001"):
        with pytest.raises(RefusedError):
            read_reason(centre.db, actor=centre.school[who], task_id=task.task_id)
        with pytest.raises(RefusedError):
            give_second_signature(centre.db, actor=centre.school[who], task_id=task.task_id, agreed=True)
    assert task.box_id is not None
    for who in ("qiu", "supervisor", "desk"):
        with pytest.raises(UnreadableError):
            open_box(centre.db, centre.school[who].keyring, task.box_id)  # type: ignore[arg-type]
    with pytest.raises(UnreadableError):
        open_box(centre.db, centre.school["director"].keyring, case.box_id)  # type: ignore[arg-type]


def test_the_director_who_asks_is_signed_for_from_outside(centre: Centre) -> None:
    """second_person: a supervisor vouched for signs the director's own, and nothing else."""
    director = centre.school["director"]
    paper = {"name": "心理咨询师", "issuer": "测试机构", "number": "T-2", "areas": "P01"}
    day = today(centre.settings.time_zone)
    dates = {"valid_from": day, "valid_to": day + timedelta(days=9)}
    record_credential(centre.db, actor=director, holder_id=director.holder_id, **paper, **dates)  # type: ignore[arg-type]
    _case, task = asked_by_director(centre)
    assert task.owner_role == Role.SUPERVISOR
    with pytest.raises(RefusedError):
        give_second_signature(centre.db, actor=director, task_id=task.task_id, agreed=True)
    supervisor = centre.school["supervisor"]
    assert [row.task_id for row in waiting_signatures(centre.db, actor=supervisor)] == [task.task_id]
    assert read_reason(centre.db, actor=supervisor, task_id=task.task_id)[1]["reason"] == REASON
    assert give_second_signature(centre.db, actor=supervisor, task_id=task.task_id, agreed=True).outcome == "signed"


def asked_by_director(centre: Centre) -> tuple[Case, Task]:
    """The director receives a child herself."""
    open_the_centre(centre)
    from counsel.roster.queries import rooms
    from counsel.roster.services import publish_hours

    director = centre.school["director"]
    room = next(iter(rooms(centre.db)))
    for weekday in range(7):
        hours = {"weekday": weekday, "start_minute": 1080, "end_minute": 1260, "room_id": room}
        publish_hours(centre.db, actor=director, holder_id=director.holder_id, **hours)  # type: ignore[arg-type]
    case = received(centre, "S2024003", "director")
    content = consent_content(guardian="conflicted", guardian_note=REASON)
    consent = record_consent(centre.db, actor=director, case=case, content=content)
    return case, centre.db.get_one(Task, consent.countersign_id)  # type: ignore[arg-type]


def test_a_deputy_signs_in_the_directors_place_but_not_their_own(centre: Centre) -> None:
    """Whoever is deputy when it is asked can open the reason; the asker stays excluded in any role."""
    from counsel.access.models import Account
    from counsel.access.sign_ins import open_sign_in

    day = today(centre.settings.time_zone)
    director = centre.school["director"]
    for who in ("qiu", "lan"):
        until = {"from_on": day, "until_on": day + timedelta(days=5)}
        name_deputy(centre.db, actor=director, account_id=centre.school[who].staff_id, **until)
    _case, task = asked(centre)
    acting = {}
    for who in ("qiu", "lan"):
        account = centre.db.get_one(Account, centre.school[who].account_id)
        ring = centre.school[who].keyring
        acting[who] = open_sign_in(centre.db, account=account, keyring=ring, device="desk", role=Role.DIRECTOR)
    with pytest.raises(RefusedError):
        give_second_signature(centre.db, actor=acting["lan"], task_id=task.task_id, agreed=True)
    assert give_second_signature(centre.db, actor=acting["qiu"], task_id=task.task_id, agreed=True).outcome == "signed"
    with pytest.raises(ConflictError, match="task_ended"):
        give_second_signature(centre.db, actor=director, task_id=task.task_id, agreed=False)


def test_an_exception_without_a_reason_or_a_second_person_is_refused(centre: Centre) -> None:
    """Beside the field, and nothing is written."""
    open_the_centre(centre)
    case = received(centre, "S2024003")
    with pytest.raises(InvalidError) as caught:
        record_consent(centre.db, actor=centre.school["lan"], case=case, content=consent_content(guardian="emergency"))
    assert set(caught.value.problems) == {"guardian_note"} and present_consent(centre.db, case) is None
    assert now() is not None
