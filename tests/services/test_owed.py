"""What is owed waits for nobody who left: receipts, verdicts, answers, a later word to the client, a volume, a withholding."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from counsel.access.gate import keys_of
from counsel.archive.completeness import lacking
from counsel.archive.hand_over import send_back
from counsel.confidentiality.telling import Approval
from counsel.core.clock import now, today
from counsel.core.database import writing
from counsel.core.errors import ConflictError, InvalidError
from counsel.keys.boxes import open_box
from counsel.keys.models import Box, Grant
from counsel.keys.rotation import open_to_add, rotate
from counsel.keys.trust import group_id
from counsel.pathway.cases.countersign import give_second_signature, waiting_signatures
from counsel.pathway.intake.informing import still_owed
from counsel.pathway.intake.levels import apply_lowering, ask_lowering
from counsel.pathway.referral.transfer import accept_transfer, give_key
from counsel.people.settling import settle_in
from counsel.people.staff import dismiss
from counsel.safeguarding.disclosure.approving import Verdict, answer
from counsel.safeguarding.disclosure.models import Disclosure, Package
from counsel.safeguarding.disclosure.receiving import by_code, open_by_code, open_package, read_facts, read_facts_by_code
from counsel.safeguarding.disclosure.reviewing import review
from counsel.safeguarding.disclosure.sending import send
from counsel.safeguarding.disclosure.services import save, start, submit, withdraw
from counsel.safeguarding.disclosure.told import tell_what_is_due, told_about_me
from counsel.safeguarding.questions.services import answer as answer_question
from counsel.safeguarding.questions.services import ask, own_questions
from counsel.tasks.services import tasks_about
from tests.conftest import Centre
from tests.services.test_archive import handed as handed_in
from tests.services.test_archive import opens, sealed
from tests.services.test_danger import INTENT, NOW, in_danger, screen
from tests.services.test_disclosure import DO, KNOW, NOW_IN_DANGER, at_level, drafted, filled, part, sent, to_mother, to_teacher
from tests.services.test_informing import told
from tests.services.test_referral import handed
from tests.services.test_volume import closed
from tests.story import record_crisis

AT_FOUR = NOW_IN_DANGER


def stale(centre: Centre, box_id: object) -> None:
    """Somebody who read a box has left."""
    with writing(centre.db):
        centre.db.get_one(Box, box_id).stale = True


def left(centre: Centre, who: str) -> None:
    """A colleague is dismissed, and the groups renew themselves at the next unlock."""
    account = centre.school[who].account_id
    dismiss(centre.db, actor=centre.school["admin"], account_id=account, knowing=True)
    settle_in(centre.db, actor=centre.school["director" if who != "director" else "lan"])


def test_a_package_opens_though_its_sender_has_left(centre: Centre) -> None:
    """On the own page and by code: each leaves its receipts under the key at hand, or a new one."""
    case = at_level(centre, AT_FOUR)
    row, packed = sent(centre, case, filled(to_teacher(centre), to_mother()))
    left(centre, "lan")
    teacher, on_page, by_phone = centre.school["teacher"], packed[0].package, packed[1]
    assert open_package(centre.db, actor=teacher, package_id=on_page.package_id, promised=True).facts_wait
    assert str(read_facts(centre.db, actor=teacher, package_id=on_page.package_id)).count(KNOW) == 1
    package, keyring = by_code(centre.db, code=by_phone.code, digits="1234", address="::1")
    assert open_by_code(centre.db, package=package, keyring=keyring, promised=True).facts_wait
    assert str(read_facts_by_code(centre.db, package=package, keyring=keyring)).count(KNOW) == 1
    both = told_about_me(centre.db, actor=centre.school["S2024001"])
    assert [len(one.receipts) for one in both] == [2, 2] and row.told_on is not None


def test_a_yes_a_sending_and_a_look_afterwards_wait_for_nobody_who_left(centre: Centre) -> None:
    """A counsellor of the group duty, to which the page was granted, leaves between each two steps."""
    case = at_level(centre)
    lan, director = centre.school["lan"], centre.school["director"]
    row = drafted(centre, case, filled(to_teacher(centre)))
    submit(centre.db, actor=lan, row=row)
    left(centre, "qiu")
    assert open_box(centre.db, keys_of(centre.db, director), row.box_id, for_writing=True).stale
    answer(centre.db, actor=director, row=row, verdict=Verdict(True))
    stale(centre, row.box_id)
    send(centre.db, actor=lan, row=row)
    stale(centre, row.box_id)
    review(centre.db, actor=centre.school["supervisor"], row=row, finding="in_order", words="")
    assert (row.state, row.reviewed_by) == ("sent", centre.school["supervisor"].holder_id)


def test_a_second_signature_and_an_answer_wait_for_nobody_who_left(centre: Centre) -> None:
    """Whoever asked has left; the client asked of two directors, and one has left."""
    case = in_danger(centre, INTENT)
    told(centre, case, "guardian", "withheld")
    (task,) = [one for one in waiting_signatures(centre.db, actor=centre.school["director"]) if one.object_id == case.case_id]
    left(centre, "lan")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=task.task_id, agreed=True)
    assert task.outcome == "signed"
    student = centre.school["S2024001"]
    question = ask(centre.db, actor=student, kind="opening", text="谁看过？")
    stale(centre, question.box_id)
    answer_question(centre.db, actor=centre.school["director"], question_id=question.question_id, text="咨询师一人")
    assert own_questions(centre.db, actor=student)[0].answer == "咨询师一人"


def test_whoever_can_gives_a_new_key_and_whoever_cannot_adds(centre: Centre) -> None:
    """The counsellor rotates; the director, who has no key to the case, writes under the present one; nothing is planted."""
    case = at_level(centre)
    lan, director = (keys_of(centre.db, centre.school[who]) for who in ("lan", "director"))
    row = drafted(centre, case, filled(to_teacher(centre)))
    submit(centre.db, actor=centre.school["lan"], row=row)
    stale(centre, row.box_id)
    with writing(centre.db):
        assert open_to_add(centre.db, director, row.box_id).epoch == 1
        opened = open_to_add(centre.db, lan, row.box_id)
    assert (opened.epoch, opened.stale) == (2, False)
    assert open_box(centre.db, director, row.box_id).epoch == 2


def test_a_client_told_later_is_told_after_the_facts_were_read_and_the_case_changed_hands(centre: Centre) -> None:
    """The reader's key to the facts is gone, the case is somebody else's; the sender's next unlock tells all the same."""
    case = handed(centre)
    day = today(centre.settings.time_zone) + timedelta(days=3)
    late = {"informed": "not_told", "why_not": "会更危险", "tell_on": day.isoformat()}
    screen(centre, case, NOW)
    row, packed = sent(centre, case, filled(to_teacher(centre), **late))
    teacher, lan, qiu = (centre.school[who] for who in ("teacher", "lan", "qiu"))
    open_package(centre.db, actor=teacher, package_id=packed[0].package.package_id, promised=True)
    read_facts(centre.db, actor=teacher, package_id=packed[0].package.package_id)
    give_key(centre.db, actor=lan, case=case)
    accept_transfer(centre.db, actor=qiu, case=case, no_conflict=True)
    with time_machine.travel(now() + timedelta(days=4), tick=True):
        assert tell_what_is_due(centre.db, actor=lan) == 1 and row.told_on is not None
        assert told_about_me(centre.db, actor=centre.school["S2024001"])[0].facts


def test_a_client_with_new_keys_keeps_no_grant_of_the_old(centre: Centre) -> None:
    """One grant for each box, to the keys of today; the box keeps its epoch: nobody left."""
    case = at_level(centre, AT_FOUR)
    row, packed = sent(centre, case, filled(to_teacher(centre)))
    with writing(centre.db):
        for grant in centre.db.scalars(select(Grant).where(Grant.holder_id == case.client_id)):
            grant.holder_version, grant.own_wrap = 99, None
    assert tell_what_is_due(centre.db, actor=centre.school["lan"]) == 1
    mine = select(Grant).where(Grant.holder_id == case.client_id, Grant.box_id == packed[0].package.box_id)
    assert centre.db.scalars(mine).one().holder_version == 1
    box = centre.db.get_one(Box, packed[0].package.box_id)
    assert (box.stale, box.epoch) == (False, 1) and row.told_on is not None


def test_nobody_files_a_case_whose_client_has_not_been_told(centre: Centre) -> None:
    """Afterwards nobody could tell; for a client without keys of their own it is no reason to wait."""
    case = closed(centre)
    lan = centre.school["lan"]
    row = start(centre.db, actor=lan, client_id=case.client_id, case=case)
    with writing(centre.db):
        row.state, row.review_due_on = "sent", row.on_day
    assert lacking(centre.db, actor=lan, case=case) == ["disclosure"]
    with writing(centre.db):
        row.told_on = today(centre.settings.time_zone)
    assert lacking(centre.db, actor=lan, case=case) == []


def test_what_was_begun_while_the_case_was_handed_in_leaves_after_it_is_sealed(centre: Centre) -> None:
    """Its packages open for the sender and whom they are for; the sealed case is not asked."""
    case = closed(centre)
    lan, teacher = centre.school["lan"], centre.school["teacher"]
    volume = handed_in(centre, case)
    row = start(centre.db, actor=lan, client_id=case.client_id, case=case)
    save(centre.db, actor=lan, row=row, content=filled(to_teacher(centre, parts={"advice": part(DO)})), seen_version=1)
    sealed(centre, case, volume)
    submit(centre.db, actor=lan, row=row)
    if row.state == "submitted":
        answer(centre.db, actor=centre.school["director"], row=row, verdict=Verdict(True))
    (packed,) = send(centre.db, actor=lan, row=row)
    assert open_package(centre.db, actor=teacher, package_id=packed.package.package_id, promised=True).told
    assert centre.db.get_one(Box, packed.package.box_id).parent_id is None


def test_a_box_that_was_given_a_new_key_while_it_waited_goes_back(centre: Centre) -> None:
    """A reader left meanwhile: the archivist is told that it is not as signed, sends it back, and nothing has changed."""
    case = closed(centre)
    volume = handed_in(centre, case)
    with writing(centre.db):
        rotate(centre.db, keys_of(centre.db, centre.school["lan"]), case.box_id)
    with pytest.raises(InvalidError) as found:
        sealed(centre, case, volume)
    assert found.value.problems == {"contents": "not_as_signed"} and volume.state == "submitted"
    assert not opens(centre, "archive", case.box_id)
    archive = select(Grant.grant_id).where(Grant.box_id == case.box_id, Grant.holder_id == group_id(centre.house, "archive"))
    assert centre.db.scalar(archive) is None
    send_back(
        centre.db, actor=centre.school["archive"], volume=volume, case=case, flaws=["other"], words="清点期间换过钥匙，请重新移交"
    )
    sealed(centre, case, handed_in(centre, case))
    assert case.is_filed


def test_an_old_withholding_settles_nothing_of_a_level_that_rose_since(centre: Centre) -> None:
    """Level 3, the guardian withheld from; level 4; then the signature comes: both are owed word, and the clock runs."""
    case = in_danger(centre, INTENT)
    told(centre, case, "leader")
    told(centre, case, "guardian", "withheld")
    (asked,) = [one for one in waiting_signatures(centre.db, actor=centre.school["director"]) if one.object_id == case.case_id]
    with time_machine.travel(now() + timedelta(minutes=5), tick=True):
        screen(centre, case, NOW)
        give_second_signature(centre.db, actor=centre.school["director"], task_id=asked.task_id, agreed=True)
        (task,) = tasks_about(centre.db, case.case_id, ("inform",))
        owed = still_owed(centre.db, actor=centre.school["lan"], case=case)
        assert set(owed) == {"guardian", "leader"} and task.due_at == min(owed.values())


def test_a_deadline_that_runs_never_moves_back_when_the_level_rises(centre: Centre) -> None:
    """Level 3's two hours have almost passed; level 4's half hour is later: the earlier one stands."""
    case = in_danger(centre, INTENT)
    (before,) = tasks_about(centre.db, case.case_id, ("inform",))
    with time_machine.travel(now() + timedelta(minutes=110), tick=True):
        screen(centre, case, NOW)
        (task,) = tasks_about(centre.db, case.case_id, ("inform",))
        assert task is not before and before.outcome == "risen" and task.due_at == before.due_at


def test_the_free_pass_of_level_four_ends_with_the_level(centre: Centre) -> None:
    """Submitted at level 4, lowered by two people before it left: then it asks for a yes, and is written anew."""
    case = at_level(centre, AT_FOUR)
    lan = centre.school["lan"]
    row = drafted(centre, case, filled(to_teacher(centre)))
    submit(centre.db, actor=lan, row=row)
    record_crisis(centre, case)
    lowered = ask_lowering(centre.db, actor=lan, case=case, level=1, reason="谈过两次")
    give_second_signature(centre.db, actor=centre.school["director"], task_id=lowered.task_id, agreed=True)
    apply_lowering(centre.db, actor=lan, case=case)
    with pytest.raises(ConflictError, match="level_fell"):
        send(centre.db, actor=lan, row=row)
    assert row.state == "approved" and centre.db.scalar(select(Package.package_id)) is None
    withdraw(centre.db, actor=lan, row=row)


def test_whoever_counsels_no_more_asks_for_a_yes(centre: Centre) -> None:
    """A draft of level 4 that its writer kept after the case changed hands: they see no level any longer."""
    case = handed(centre)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    screen(centre, case, NOW)
    row = drafted(centre, case, filled(to_teacher(centre)))
    give_key(centre.db, actor=lan, case=case)
    accept_transfer(centre.db, actor=qiu, case=case, no_conflict=True)
    assert submit(centre.db, actor=lan, row=row) is Approval.DIRECTOR_OR_DUTY and row.state == "submitted"


def test_packages_are_as_they_were_for_whoever_may_still_read(centre: Centre) -> None:
    """A box with a code's holder among its readers takes a new epoch like any other."""
    case = at_level(centre, AT_FOUR)
    _row, packed = sent(centre, case, filled(to_mother()))
    package = centre.db.get_one(Package, packed[0].package.package_id)
    with writing(centre.db):
        assert rotate(centre.db, keys_of(centre.db, centre.school["lan"]), package.box_id).epoch == 2
    found, keyring = by_code(centre.db, code=packed[0].code, digits="1234", address="::1")
    assert open_by_code(centre.db, package=found, keyring=keyring, promised=True).told
    assert centre.db.scalar(select(Disclosure.state)) == "sent"
