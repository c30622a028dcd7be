"""Whoever is suspected of harming a client: lists that are added and never replaced, handed on, and what they keep away from."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import delete, func, select, update

from counsel.access.accounts import colleagues_here
from counsel.access.models import Account
from counsel.access.sign_ins import SignedIn, open_sign_in
from counsel.app import create_app
from counsel.audit.chain import recording
from counsel.audit.models import AuditLine
from counsel.audit.patterns import opened_many, refused_often
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.roles import Role
from counsel.core.clock import now, today
from counsel.core.database import house_of, writing
from counsel.core.errors import InvalidError, RefusedError, TamperError, TransitionError, UnreadableError
from counsel.core.ids import new_id
from counsel.keys.boxes import open_box
from counsel.keys.models import Box, BoxEpoch, Grant
from counsel.keys.trust import group_id
from counsel.outbox.notices import notices_of
from counsel.pathway.appointments.alarms import raise_alarm
from counsel.pathway.cases.countersign import give_second_signature, waiting_signatures
from counsel.pathway.cases.kept_away import keep_away_again
from counsel.pathway.cases.models import Case
from counsel.pathway.cases.services import find_case
from counsel.pathway.closing.services import case_for_director, void_case
from counsel.pathway.intake.informing import record_told, still_owed
from counsel.pathway.referral.transfer import accept_transfer, add_second_reader, give_key
from counsel.people.cards import client_cards
from counsel.people.conflicts import declare, declared_against
from counsel.people.exclusions import Excluded, exclude, excluded_for
from counsel.people.invitations import activate, invite_staff
from counsel.people.models import Exclusion
from counsel.people.names import sees_the_roll
from counsel.people.settling import settle_in
from counsel.people.staff import dismiss, vouch_for
from counsel.records.models import Body
from counsel.safeguarding.disclosure.approving import Verdict, answer, waiting_for_yes
from counsel.safeguarding.disclosure.found import form_of, read_form
from counsel.safeguarding.disclosure.reviewing import waiting_for_review
from counsel.safeguarding.disclosure.sending import send
from counsel.safeguarding.disclosure.services import save, start, submit
from counsel.safeguarding.disclosure.told import count_what_arrived, take_back_what_fell
from counsel.safeguarding.reports.draft import SOMEBODY_ELSE, suspects_of, with_names
from counsel.safeguarding.reports.events import told_to_me
from counsel.safeguarding.reports.found import add_to_report, report_facts
from counsel.safeguarding.reports.mandatory import begin, child_was_told, make, owed_by
from tests.conftest import Centre
from tests.school import WORDS, School, _join
from tests.services.test_disclosure import NOW_IN_DANGER, at_level, drafted, filled, problems, to_mother, to_teacher
from tests.services.test_many import loosened
from tests.services.test_referral import handed
from tests.services.test_reports import harmed, reported, suspect
from tests.story import CALM, on_duty, open_the_centre, received


def listed(centre: Centre, case: Case, *people: Excluded, who: str = "lan") -> None:
    """Put people on the client's list."""
    with writing(centre.db):
        exclude(centre.db, actor=centre.school[who], client_id=case.client_id, people=people)


def colleague(centre: Centre, who: str) -> Excluded:
    """A colleague as a list names them."""
    person = centre.school[who]
    assert person.holder_id is not None
    return Excluded(person.name, person.holder_id.hex)


def newcomer(centre: Centre) -> SignedIn:
    """A counsellor who joins after the lists were made; vouched for by the director."""
    school = School(dict(centre.school.people), dict(centre.school.codes))
    _join(centre.db, school, "xin", "新老师", {Role.COUNSELLOR})
    return school["xin"]


def names(centre: Centre, actor: SignedIn, case: Case) -> set[str]:
    """Whom somebody knows to be on the list."""
    return {person.name for person in excluded_for(centre.db, actor=actor, client_id=case.client_id)}


def test_a_colleague_who_comes_later_is_handed_the_list(centre: Centre) -> None:
    """With the director's word for the new keys, in the same breath: there is no moment in which the suspected can be told."""
    case = at_level(centre)
    listed(centre, case, Excluded("继父"))
    assert names(centre, newcomer(centre), case) == {"继父"}
    settle_in(centre.db, actor=centre.school["lan"])
    lines = centre.db.scalars(select(AuditLine).where(AuditLine.tag == "people:exclusion:granted")).all()
    assert len(lines) == 1 and lines[0].subject_id == case.client_id


def test_a_list_that_names_the_director_is_handed_on_by_a_colleague(centre: Centre) -> None:
    """At the next unlock of somebody who can read it; never to whoever it names, however often they unlock."""
    case = at_level(centre)
    listed(centre, case, colleague(centre, "director"))
    late = newcomer(centre)
    centre.db.execute(delete(Grant).where(Grant.holder_id == late.holder_id, Grant.purpose == "exclusion"))
    centre.db.commit()
    settle_in(centre.db, actor=centre.school["director"])
    assert names(centre, late, case) == set()
    settle_in(centre.db, actor=centre.school["lan"])
    assert names(centre, late, case) == {"主任杉"} and names(centre, centre.school["director"], case) == set()


def test_whoever_cannot_read_the_list_takes_nothing_from_it(centre: Centre) -> None:
    """A report by somebody without the key adds; the others know both, and the suspected of the first list knows neither."""
    case = at_level(centre)
    qiu = centre.school["qiu"]
    listed(centre, case, Excluded("继父"), colleague(centre, "director"))
    centre.db.execute(delete(Grant).where(Grant.holder_id == qiu.holder_id, Grant.purpose == "exclusion"))
    centre.db.commit()
    assert names(centre, qiu, case) == set()
    listed(centre, case, Excluded("姑父"), who="qiu")
    assert names(centre, centre.school["lan"], case) == {"继父", "主任杉", "姑父"}
    assert centre.db.scalar(select(func.count()).select_from(Exclusion)) == 2
    for name in ("继父", "姑父"):
        assert problems(centre, case, filled(to_mother(name=name)))["r0_name"] == "excluded"


def test_new_keys_are_granted_the_old_list(centre: Centre) -> None:
    """A grant to keys that were replaced opens nothing; at a colleague's unlock the new keys get one in its place."""
    case = at_level(centre)
    qiu = centre.school["qiu"]
    listed(centre, case, Excluded("继父"))
    mine = (Grant.holder_id == qiu.holder_id, Grant.purpose == "exclusion")
    centre.db.execute(update(Grant).where(*mine).values(holder_version=99, own_wrap=None))
    centre.db.commit()
    settle_in(centre.db, actor=centre.school["lan"])
    assert names(centre, qiu, case) == {"继父"}
    assert centre.db.scalars(select(Grant.holder_version).where(*mine)).one() != 99


def test_two_reports_at_once_leave_two_lists(centre: Centre) -> None:
    """Neither waits for the other, neither is lost; and two who unlock at once hand a list on once."""
    case = at_level(centre)
    client_id, gate, wrong = case.client_id, threading.Barrier(2), []

    def add(who: str, name: str) -> None:
        try:
            with centre.session() as db:
                gate.wait()
                with writing(db):
                    exclude(db, actor=centre.school[who], client_id=client_id, people=[Excluded(name)])
                db.commit()
                gate.wait()
                settle_in(db, actor=centre.school[who])
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=add, args=pair) for pair in (("lan", "继父"), ("qiu", "姑父"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    centre.db.expire_all()
    assert wrong == [] and names(centre, centre.school["director"], case) == {"继父", "姑父"}


def test_a_suspected_counsellor_is_barred_once_the_case_has_changed_hands(centre: Centre) -> None:
    """While they counsel, barring would show; from the hand-over on no work with this client comes back to them."""
    case = handed(centre)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    listed(centre, case, colleague(centre, "lan"), who="qiu")
    keep_away_again(centre.db, actor=qiu)
    assert lan.holder_id not in declared_against(centre.db, case.client_id)
    give_key(centre.db, actor=lan, case=case)
    accept_transfer(centre.db, actor=qiu, case=case, no_conflict=True)
    assert case.counsellor_id == qiu.holder_id and lan.holder_id in declared_against(centre.db, case.client_id)
    with pytest.raises(TransitionError, match="ELSEWHERE"):
        add_second_reader(centre.db, actor=qiu, case=case, holder_id=lan.holder_id)


def test_a_suspected_director_is_asked_for_nothing(centre: Centre) -> None:
    """Neither for the yes, nor for a signature, nor to look at it afterwards: the outside supervisor is, by key and by rule."""
    case, lan = at_level(centre), centre.school["lan"]
    director, supervisor = centre.school["director"], centre.school["supervisor"]
    listed(centre, case, colleague(centre, "director"))
    keep_away_again(centre.db, actor=lan)
    before = len(notices_of(centre.db, director.holder_id))
    row = drafted(centre, case, filled(to_teacher(centre)))
    submit(centre.db, actor=lan, row=row)
    assert waiting_for_yes(centre.db, actor=director) == [] and waiting_for_yes(centre.db, actor=supervisor) == [row]
    with pytest.raises(RefusedError):
        answer(centre.db, actor=director, row=row, verdict=Verdict(True))
    with time_machine.travel(now() + timedelta(hours=1), tick=True), pytest.raises(RefusedError):
        answer(centre.db, actor=replace(director, on_duty=True), row=row, verdict=Verdict(True))
    answer(centre.db, actor=supervisor, row=row, verdict=Verdict(True))
    send(centre.db, actor=lan, row=row)
    told = {"actor": lan, "case": case, "whom": "guardian", "outcome": "withheld", "words": "会增加危险"}
    record_told(centre.db, **told)
    assert waiting_signatures(centre.db, actor=director) == [] and waiting_for_review(centre.db, actor=director) == []
    (task,) = waiting_signatures(centre.db, actor=supervisor)
    give_second_signature(centre.db, actor=supervisor, task_id=task.task_id, agreed=True)
    assert "guardian" not in still_owed(centre.db, actor=lan, case=case)
    assert len(notices_of(centre.db, director.holder_id)) == before


def test_what_duty_tells_about_a_suspected_counsellor_opens_for_nobody_of_the_case(centre: Centre) -> None:
    """The case's counsellor is the one: no key to the record, none to a package, nothing on the own pages."""
    case = at_level(centre, NOW_IN_DANGER)
    lan, duty = centre.school["lan"], on_duty(centre)
    listed(centre, case, colleague(centre, "lan"), who="qiu")
    row = start(centre.db, actor=duty, client_id=case.client_id, level=4)
    save(centre.db, actor=duty, row=row, content=filled(to_mother()), seen_version=1)
    submit(centre.db, actor=duty, row=row)
    (one,) = send(centre.db, actor=duty, row=row)
    boxes = (row.box_id, one.package.box_id)
    assert centre.db.scalars(select(Grant).where(Grant.box_id.in_(boxes), Grant.holder_id == lan.holder_id)).all() == []
    with pytest.raises(RefusedError):
        read_form(centre.db, actor=lan, row=row)


def test_an_ordinary_relationship_takes_nobody_the_list(centre: Centre) -> None:
    """Who has declared one and is suspected of nothing must still know whom not to tell: by night, on duty."""
    case, qiu = at_level(centre), centre.school["qiu"]
    assert qiu.holder_id is not None
    with writing(centre.db):
        declare(centre.db, qiu.holder_id, case.client_id)
    listed(centre, case, Excluded("继父"))
    assert names(centre, qiu, case) == {"继父"}


def test_a_suspected_second_reader_reads_no_further(centre: Centre) -> None:
    """The key to the case goes with the report; a later report that does not name them again opens for them no more."""
    case, row = harmed(centre)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    add_second_reader(centre.db, actor=lan, case=case, holder_id=qiu.holder_id)
    make(centre.db, actor=lan, row=row, content=reported(centre, suspects=[suspect(centre, "qiu", "秋老师")]))
    with pytest.raises(RefusedError):
        find_case(centre.db, actor=qiu, case_id=case.case_id, permission=Permission.CASE_READ)
    later = begin(centre.db, actor=lan, client_id=case.client_id, case=case)
    assert later is not None
    make(centre.db, actor=lan, row=later, content=reported(centre))
    for box_id in (case.box_id, later.box_id):
        with pytest.raises(UnreadableError):
            open_box(centre.db, qiu.keyring, box_id)  # type: ignore[arg-type]


def test_a_leader_named_before_hears_of_no_later_report(centre: Centre) -> None:
    """Though the second report names nobody."""
    case, row = harmed(centre)
    lan, leader = centre.school["lan"], centre.school["leader"]
    make(centre.db, actor=lan, row=row, content=reported(centre, suspects=[suspect(centre, "leader", leader.name)]))
    later = begin(centre.db, actor=lan, client_id=case.client_id, case=case)
    assert later is not None
    make(centre.db, actor=lan, row=later, content=reported(centre))
    assert told_to_me(centre.db, actor=leader) == [] and notices_of(centre.db, leader.holder_id) == []


def test_one_spoilt_name_keeps_nobody_outside(centre: Centre) -> None:
    """A colleague's sealed name that does not open: sign-in, report and list go on; that colleague gets no list."""
    case, row = harmed(centre)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    listed(centre, case, Excluded("继父"))
    centre.db.execute(update(Account).where(Account.holder_id == qiu.holder_id).values(names_sealed=b"x" * 300))
    centre.db.execute(delete(Grant).where(Grant.holder_id == qiu.holder_id, Grant.purpose == "exclusion"))
    centre.db.commit()
    centre.db.expire_all()
    settle_in(centre.db, actor=lan)
    make(centre.db, actor=lan, row=row, content=reported(centre, suspects=[{"name": "姑父", "holder": ""}]))
    assert names(centre, lan, case) == {"继父", "姑父"} and names(centre, qiu, case) == set()


def test_a_suspected_counsellor_is_barred_once_the_case_is_closed(centre: Centre) -> None:
    """By the next page of anybody who reads the list; the suspected one's own page brings nothing about."""
    open_the_centre(centre)
    case, lan, director = received(centre), centre.school["lan"], centre.school["director"]
    listed(centre, case, colleague(centre, "lan"), who="qiu")
    found = case_for_director(centre.db, actor=director, number=case.case_no)
    void_case(centre.db, actor=director, case=found, reason="opened_twice")
    keep_away_again(centre.db, actor=lan)
    assert lan.holder_id not in declared_against(centre.db, case.client_id)
    keep_away_again(centre.db, actor=centre.school["qiu"])
    assert lan.holder_id in declared_against(centre.db, case.client_id)


TEACHER = {"name": "班主任枫", "holder": "", "outside": False}


@pytest.mark.parametrize(
    ("typed", "people"),
    [
        ({"name": "继父", "holder": ""}, [{"name": "继父", "holder": "", "outside": False}]),
        ({"name": "", "holder": "ab"}, [{"name": "班主任枫", "holder": "ab"}]),
        ({"name": "班主任 枫", "holder": "ab"}, [{"name": "班主任枫", "holder": "ab"}]),
        (
            {"name": "继父", "holder": "ab"},
            [{"name": "班主任枫", "holder": "ab"}, {"name": "继父", "holder": "", "outside": False}],
        ),
        ({"name": "班主任枫", "holder": SOMEBODY_ELSE}, [{**TEACHER, "outside": True}]),
        ({"name": "继父", "holder": SOMEBODY_ELSE}, [{"name": "继父", "holder": "", "outside": True}]),
        ({"name": "继父", "holder": "no such"}, [{"name": "继父", "holder": "", "outside": False}]),
    ],
)
def test_every_suspected_person_stands_once(typed: dict[str, str], people: list[dict[str, Any]]) -> None:
    """A name typed beside a chosen colleague is another person, and is kept."""
    assert with_names({"suspects": [typed]}, {"ab": "班主任枫"})["suspects"] == people


def test_a_colleagues_name_alone_is_asked_about() -> None:
    """It may be a parent of the same name: whoever writes says which, and no colleague is barred by a name."""
    with pytest.raises(InvalidError):  # nor beside another colleague
        with_names({"suspects": [{"name": "班主任枫", "holder": "cd"}]}, {"ab": "班主任枫", "cd": "秋老师"})
    with pytest.raises(InvalidError) as found:
        with_names({"suspects": [{"name": "班主任枫", "holder": ""}]}, {"ab": "班主任枫"})
    assert found.value.problems == {"suspects": "which_one"}
    (person,) = suspects_of({"suspects": [{**TEACHER, "outside": True}]})
    assert not person.is_meant("班主任枫", "ab") and person.is_meant("班主任枫")


def watched(centre: Centre) -> tuple[SignedIn, Any]:
    """A student who has raised an alarm, and the duty counsellor, who owes a report."""
    open_the_centre(centre)
    student = centre.school["S2024003"]
    raise_alarm(centre.db, actor=student, answers={**CALM, "q7": "yes"})
    duty = on_duty(centre)
    row = begin(centre.db, actor=duty, client_id=student.client_id)
    assert row is not None
    return duty, row


def test_what_somebody_owed_who_left_is_the_directors_to_make(centre: Centre) -> None:
    """It does not stay late for ever: the director meets it, makes it, and it ends; before, it is nobody's but the sender's."""
    duty, row = watched(centre)
    director = centre.school["director"]
    assert owed_by(centre.db, actor=director) == [] and owed_by(centre.db, actor=duty) == [row]
    facts = report_facts(centre.db, row)
    assert facts is not None and not facts.watched
    account = centre.db.scalars(select(Account).where(Account.holder_id == duty.holder_id)).one()
    dismiss(centre.db, actor=centre.school["admin"], account_id=account.account_id, knowing=True)
    assert owed_by(centre.db, actor=director) == [row] and owed_by(centre.db, actor=centre.school["lan"]) == []
    make(centre.db, actor=director, row=row, content=reported(centre))
    assert row.outcome == "reported" and row.sender_id == director.holder_id and owed_by(centre.db, actor=director) == []


def test_what_was_left_behind_waits_for_no_suspected_director(centre: Centre) -> None:
    """The only director is the one: whoever is on duty meets it and makes it, and the director does not, counselling or not."""
    duty, row = watched(centre)
    director, lan = centre.school["director"], centre.school["lan"]
    with writing(centre.db):
        exclude(centre.db, actor=lan, client_id=row.client_id, people=[colleague(centre, "director")])
    account = centre.db.scalars(select(Account).where(Account.holder_id == duty.holder_id)).one()
    dismiss(centre.db, actor=centre.school["admin"], account_id=account.account_id, knowing=True)
    who = next(one for one in ("lan", "qiu") if centre.school[one].holder_id != duty.holder_id)
    assert owed_by(centre.db, actor=director) == [] and owed_by(centre.db, actor=centre.school[who]) == []
    next_duty = on_duty(centre, who)
    assert owed_by(centre.db, actor=next_duty) == [row]
    make(centre.db, actor=next_duty, row=row, content=reported(centre))
    assert row.outcome == "reported" and owed_by(centre.db, actor=next_duty) == []


def test_a_colleague_nobody_has_vouched_for_can_be_named(centre: Centre) -> None:
    """Activated today and already suspected: asked about by name, chosen from the list, barred before anybody vouches."""
    case, row = harmed(centre)
    lan = centre.school["lan"]
    code = invite_staff(centre.db, actor=centre.school["director"], login="xin", display="新老师", roles={Role.COUNSELLOR})
    account, keyring, _printed = activate(centre.db, code=code, passphrase=WORDS)
    here = {holder.hex: name for holder, name in colleagues_here(centre.db)}
    with pytest.raises(InvalidError):
        with_names(reported(centre, suspects=[{"name": "新老师", "holder": ""}]), here)
    chosen = with_names(reported(centre, suspects=[{"name": "", "holder": keyring.holder_id.hex}]), here)
    make(centre.db, actor=lan, row=row, content=chosen)
    assert keyring.holder_id in declared_against(centre.db, case.client_id)
    vouch_for(centre.db, actor=centre.school["director"], account_id=account.account_id)
    person = open_sign_in(centre.db, account=account, keyring=keyring, device="desk")
    settle_in(centre.db, actor=lan)
    assert names(centre, person, case) == set()


def test_whoever_comes_with_a_name_that_was_typed_is_barred(centre: Centre) -> None:
    """Named as a stranger, hired later: by the list no key, and at a colleague's next look no work with this client."""
    case = at_level(centre)
    lan = centre.school["lan"]
    listed(centre, case, Excluded("新老师"), Excluded("秋老师", outside=True))
    late = newcomer(centre)
    keep_away_again(centre.db, actor=lan)
    assert late.holder_id in declared_against(centre.db, case.client_id) and names(centre, late, case) == set()
    assert centre.school["qiu"].holder_id not in declared_against(centre.db, case.client_id)
    assert len(centre.db.scalars(select(AuditLine).where(AuditLine.tag == "people:exclusion:read")).all()) == 1


def spoil_group(centre: Centre, name: str, **values: Any) -> None:
    """Damage every member's grant of a group."""
    centre.db.execute(update(Grant).where(Grant.box_id == group_id(centre.house, name)).values(**values))
    centre.db.commit()
    centre.db.expire_all()


@pytest.mark.parametrize(
    "values", [{"own_wrap": b"x" * 300}, {"own_wrap": None, "signature": b"x" * 64}], ids=["spoilt", "planted"]
)
def test_a_group_that_does_not_open_keeps_nobody_outside(centre: Centre, values: dict[str, Any]) -> None:
    """Spoilt, or put there by somebody else: told at the unlock and on record; what does not need the group works."""
    case, lan = at_level(centre), centre.school["lan"]
    spoil_group(centre, "office", **values)
    assert settle_in(centre.db, actor=lan) == ["office"]
    (line,) = centre.db.scalars(select(AuditLine).where(AuditLine.tag == "people:group:unreadable"))
    assert line.detail == "office" and line.actor_id == lan.holder_id
    assert not sees_the_roll(centre.db, actor=lan)
    assert find_case(centre.db, actor=lan, case_id=case.case_id, permission=Permission.CASE_READ) is case
    with pytest.raises(UnreadableError):
        client_cards(centre.db, lan.keyring, [case.client_id])  # type: ignore[arg-type]


def test_a_stale_group_with_a_planted_member_is_told_and_not_renewed(centre: Centre) -> None:
    """The other groups are; nothing half-done is left of the one."""
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    office = group_id(centre.house, "office")
    centre.db.execute(update(Box).where(Box.box_id.in_([office, group_id(centre.house, "duty")])).values(stale=True))
    planted = (Grant.box_id == office, Grant.holder_id == qiu.holder_id)
    centre.db.execute(update(Grant).where(*planted).values(wrap=b"x" * 300, signature=b"x" * 64))
    centre.db.commit()
    centre.db.expire_all()
    assert settle_in(centre.db, actor=lan) == ["office"]
    epochs = {box_id: centre.db.get_one(Box, box_id).epoch for box_id in (office, group_id(centre.house, "duty"))}
    assert epochs == {office: 1, group_id(centre.house, "duty"): 2}
    assert centre.db.scalars(select(BoxEpoch).where(BoxEpoch.box_id == office)).all() == []


def test_looks_nobody_asked_for_are_no_refusals(centre: Centre) -> None:
    """A disclosure whose form is spoilt: every look of the landing page passes it by and counts nothing against its owner."""
    case, lan = at_level(centre), centre.school["lan"]
    row = drafted(centre, case, filled(to_teacher(centre)))
    submit(centre.db, actor=lan, row=row)
    answer(centre.db, actor=centre.school["director"], row=row, verdict=Verdict(True))
    (one,) = send(centre.db, actor=lan, row=row)
    one.package.opened_on = today(house_of(centre.db).settings.time_zone)
    loosened(centre)
    centre.db.execute(update(Body).where(Body.item_id == form_of(centre.db, row).item_id).values(sealed=b"x" * 300))
    centre.db.commit()
    centre.db.expire_all()
    count_what_arrived(centre.db, actor=lan)
    take_back_what_fell(centre.db, actor=lan)
    assert centre.db.scalars(select(AuditLine).where(AuditLine.tag.like("gate:%:refused"))).all() == []
    with pytest.raises(TamperError):
        read_form(centre.db, actor=lan, row=row)


def test_whoever_has_no_key_to_a_report_adds_nothing_and_says_nothing_was_told(centre: Centre) -> None:
    """Refused as for reading it, not an error; the client's page shows nothing."""
    case, row = harmed(centre)
    lan, qiu = centre.school["lan"], centre.school["qiu"]
    later = reported(centre, child_knows="later", why_later="等安全后", suspects=[suspect(centre, "qiu", "秋老师")])
    make(centre.db, actor=lan, row=row, content=later)
    case.counsellor_id = qiu.holder_id  # as if the case had come to them all the same
    centre.db.commit()
    for attempt in (
        lambda: add_to_report(centre.db, actor=qiu, row=row, words="x"),
        lambda: child_was_told(centre.db, actor=qiu, row=row),
    ):
        with pytest.raises(RefusedError):
            attempt()
    assert row.told_on is None
    line = centre.db.scalars(select(AuditLine).where(AuditLine.tag.like("gate:%:refused")).order_by(AuditLine.seq.desc())).first()
    assert line is not None and line.tag == f"gate:{Permission.REPORT_READ}:refused" and line.object_id == row.report_id


@pytest.mark.parametrize("count", [refused_often, opened_many])
def test_two_roles_halve_no_count(centre: Centre, count: Any) -> None:
    """Four as one and four as the other are eight of one person; told once, with both roles."""
    lan = centre.school["lan"]
    tag = "gate:case:read:refused" if count is refused_often else "pathway:f06:read"
    with recording(centre.db) as record:
        for n in range(8):
            role = Role.COUNSELLOR if n % 2 else Role.DIRECTOR
            record.line(tag, role=role, actor_id=lan.holder_id, subject_id=new_id(), object_id=new_id())
    assert count(centre.db, 8) == [(lan.holder_id, "counsellor,director")] and count(centre.db, 9) == []


def test_the_door_says_which_group_does_not_open(sqlite_centre: Centre) -> None:
    """On the page after signing in, and in again after the vault was shut."""
    spoil_group(sqlite_centre, "office", own_wrap=b"x" * 300)
    app = create_app(sqlite_centre.settings)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    for path, typed in (("/sign-in", {"login": "lan"}), ("/unlock", {})):
        answer = client.post(path, data={**typed, "passphrase": WORDS}, headers={"Accept-Language": "en"}, follow_redirects=True)
        assert answer.status_code == 200 and "The keys of the group reception do not open" in answer.text, path
        client.post("/lock")
