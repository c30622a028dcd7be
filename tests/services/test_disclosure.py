"""What leaves the room: nothing by itself, as little as possible, to named people, until a moment, kept exactly (篇4 五六)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select, update

from counsel.access.models import Account
from counsel.confidentiality.limits import LimitCode
from counsel.confidentiality.permissions import Permission
from counsel.confidentiality.telling import CEILING, WHOM, Approval, Part, Telling, To, approval_for, may_be_told
from counsel.core.clock import now, today
from counsel.core.database import writing
from counsel.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError, UnreadableError
from counsel.jobs.runner import run_jobs
from counsel.keys.boxes import open_box
from counsel.keys.bundle import new_keyring
from counsel.keys.models import Box, Holder
from counsel.outbox.notices import notices_of
from counsel.pathway.appointments.alarms import raise_alarm
from counsel.pathway.cases.agreement import agree_oneself, record_agreement
from counsel.pathway.cases.dossier import SUPPORT
from counsel.pathway.cases.models import Case
from counsel.pathway.intake.levels import record_screen
from counsel.pathway.plans.support import supporters, write_supporter
from counsel.pathway.referral.transfer import add_second_reader
from counsel.people.exclusions import Excluded, exclude, excluded_for
from counsel.people.guardians import import_guardians
from counsel.people.models import Client, Exclusion
from counsel.people.staff import dismiss
from counsel.records.models import Item
from counsel.records.services import item_of
from counsel.risk.cards import has_card
from counsel.safeguarding.disclosure.approving import Verdict, answer, waiting_for_yes
from counsel.safeguarding.disclosure.found import find_disclosure, read_form
from counsel.safeguarding.disclosure.models import Disclosure, Package
from counsel.safeguarding.disclosure.receiving import (
    by_code,
    open_by_code,
    open_package,
    packages_for,
    read_facts,
    read_facts_by_code,
    receipts_of,
)
from counsel.safeguarding.disclosure.reviewing import review, waiting_for_review
from counsel.safeguarding.disclosure.sending import Sent, revoke_package, send
from counsel.safeguarding.disclosure.services import problems_now, save, start, submit, withdraw
from counsel.safeguarding.disclosure.told import packages_of, take_back_what_fell, tell_what_is_due, told_about_me
from counsel.tasks.models import Task
from tests.conftest import Centre
from tests.services.test_power import cut_everywhere
from tests.story import ALL_NO, in_counselling, on_duty, open_the_centre, received

HIGH = {**ALL_NO, "q1": "yes", "q2": "yes", "q3": "yes", "q4": "yes"}
NOW_IN_DANGER = {**ALL_NO, "q7": "yes", "q8a": "yes"}
DO, KNOW = "课间留意，别让他一个人；有事打8012", "抽屉里的药"


def part(text: str = "", need: str = "安全需要") -> dict[str, str]:
    """One chosen part."""
    return {"text": text, "need": need}


def to_teacher(centre: Centre, **changes: Any) -> dict[str, Any]:
    """The class teacher, told on the own page."""
    holder = centre.school["teacher"].holder_id
    assert holder is not None
    parts = {"identity": part(), "concern": part("请协助"), "advice": part(DO), "facts": part(KNOW)}
    found = {"kind": "class_teacher", "holder": holder.hex, "name": "班主任枫", "phone": "", "way": "page", "hours": 72}
    return {**found, "print": False, "parts": parts, **changes}


def to_mother(**changes: Any) -> dict[str, Any]:
    """A guardian, told by a code."""
    parts = {"concern": part("请来一下"), "facts": part(KNOW)}
    found = {"kind": "guardian", "holder": "", "name": "母亲", "phone": "139 0000 1234", "way": "code", "hours": 72}
    return {**found, "print": False, "parts": parts, **changes}


def filled(*recipients: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A complete disclosure for danger to oneself."""
    basis = {"guardian_known": True, "code": "EX1", "purpose": "今晚有人陪", "informed": "told", "recipients": list(recipients)}
    return {**basis, **changes}


def at_level(centre: Centre, answers: Mapping[str, str] = HIGH) -> Case:
    """A case whose level the answers have raised."""
    open_the_centre(centre)
    case = in_counselling(centre)
    if answers is not ALL_NO:
        record_screen(centre.db, actor=centre.school["lan"], case=case, answers=answers, ticks=frozenset(), keeping="妹妹")
    return case


def drafted(centre: Centre, case: Case, content: Mapping[str, Any], who: str = "lan") -> Disclosure:
    """A saved draft."""
    row = start(centre.db, actor=centre.school[who], client_id=case.client_id, case=case)
    save(centre.db, actor=centre.school[who], row=row, content=dict(content), seen_version=1)
    return row


def approved(centre: Centre, case: Case, content: Mapping[str, Any]) -> Disclosure:
    """A disclosure the director has said yes to, where a yes is needed."""
    row = drafted(centre, case, content)
    submit(centre.db, actor=centre.school["lan"], row=row)
    if row.state == "submitted":
        answer(centre.db, actor=centre.school["director"], row=row, verdict=Verdict(True))
    return row


def sent(centre: Centre, case: Case, content: Mapping[str, Any]) -> tuple[Disclosure, list[Sent]]:
    """A disclosure that has left."""
    row = approved(centre, case, content)
    return row, send(centre.db, actor=centre.school["lan"], row=row)


def problems(centre: Centre, case: Case, content: Mapping[str, Any]) -> dict[str, str]:
    """What keeps a disclosure from leaving."""
    return problems_now(centre.db, actor=centre.school["lan"], row=drafted(centre, case, content))


def test_level_three_from_empty_page_to_the_look_afterwards(centre: Centre) -> None:
    """Empty at first; the director says yes, the teacher reads, the facts once; the client sees it; a second person looks."""
    case = at_level(centre)
    lan, director, teacher, student = (centre.school[who] for who in ("lan", "director", "teacher", "S2024001"))
    row = start(centre.db, actor=lan, client_id=case.client_id, case=case)
    assert read_form(centre.db, actor=lan, row=row) == {"level": 3, "recipients": []}
    save(centre.db, actor=lan, row=row, content=filled(to_teacher(centre)), seen_version=1)
    assert submit(centre.db, actor=lan, row=row) is Approval.DIRECTOR_OR_DUTY
    assert waiting_for_yes(centre.db, actor=director) == [row] and waiting_for_yes(centre.db, actor=on_duty(centre)) == []
    with pytest.raises(ConflictError):
        send(centre.db, actor=lan, row=row)
    answer(centre.db, actor=director, row=row, verdict=Verdict(True))
    (one,) = send(centre.db, actor=lan, row=row)
    assert [found.kind for found in notices_of(centre.db, teacher.holder_id)] == ["package"]
    number = one.package.package_id
    with pytest.raises(InvalidError, match="promise"):
        open_package(centre.db, actor=teacher, package_id=number, promised=False)
    opened = open_package(centre.db, actor=teacher, package_id=number, promised=True)
    assert [line["part"] for line in opened.told["lines"]] == ["identity", "concern", "advice"] and opened.facts_wait
    assert opened.told["lines"][0]["text"] == "高二1班 苏未名"
    assert read_facts(centre.db, actor=teacher, package_id=number)["lines"] == [{"part": "facts", "text": KNOW}]
    with pytest.raises(ConflictError, match="read_already"):
        read_facts(centre.db, actor=teacher, package_id=number)
    assert not open_package(centre.db, actor=teacher, package_id=number, promised=False).facts_wait
    (seen,) = told_about_me(centre.db, actor=student)
    assert (seen.told, seen.facts["lines"][0]["text"]) == (opened.told, KNOW)
    assert [receipt["what"] for receipt in seen.receipts] == ["opened", "facts"]
    assert waiting_for_review(centre.db, actor=director) == []
    (waits,) = waiting_for_review(centre.db, actor=centre.school["supervisor"])
    review(centre.db, actor=centre.school["supervisor"], row=waits, finding="in_order", words="")
    assert centre.db.scalars(select(Task).where(Task.object_id == row.disclosure_id, Task.ended_on.is_(None))).all() == []


def test_the_ceiling_is_the_table_of_the_regulations() -> None:
    """Every limit × recipient × part: nothing beside the table of domain §3.4, written here once more by hand."""
    high = {code: Telling(code, 4, spoken=True, paper=True) for code in LimitCode}
    low = {code: Telling(code, 2) for code in LimitCode}
    near = "class_teacher guardian leader related hospital"
    whom = {"EX1": near, "EX2": near, "EX3": "authority hospital", "EX4": "authority", "EX5": "named"}
    whom["EX6"] = "hospital guardian related"
    assert {str(code): " ".join(kinds) for code, kinds in WHOM.items()} == whom
    most = {
        "class_teacher": "identity concern advice facts",
        "guardian": "identity concern advice facts summary",
        "leader": "identity concern advice",
        "related": "identity advice facts",
        "hospital": "identity concern facts summary content",
        "authority": "identity concern facts summary content",
        "named": "identity concern advice facts summary",
    }
    for code in LimitCode:
        for kind in To:
            allowed = [str(p) for p in Part if may_be_told(high[code], kind, p)]
            wanted = most[kind].split() if kind in whom[code].split() else []
            if kind is To.HOSPITAL and code is LimitCode.EX3:
                wanted = ["identity", "concern", "facts"]
            assert sorted(allowed) == sorted(wanted), (code, kind)
    assert not may_be_told(low[LimitCode.EX1], To.CLASS_TEACHER, Part.CONCERN)
    assert not may_be_told(low[LimitCode.EX1], To.GUARDIAN, Part.SUMMARY)
    assert not any(may_be_told(low[LimitCode.EX4], To.AUTHORITY, p) for p in Part)
    assert all(len(parts) < len(Part) for parts in CEILING.values()), "nobody's table holds everything"


@pytest.mark.parametrize("code", list(LimitCode))
def test_who_says_yes_at_each_level(code: LimitCode) -> None:
    """Level 4 and a harmed minor ask nobody beforehand; 3 the director or duty; a demand of the law a legal opinion too."""
    danger = code in (LimitCode.EX1, LimitCode.EX2, LimitCode.EX6)
    for level in range(5):
        wanted = {
            LimitCode.EX3: Approval.NOBODY,
            LimitCode.EX4: Approval.DIRECTOR_AND_OPINION,
            LimitCode.EX5: Approval.CLIENT,
        }.get(code)
        if danger:
            wanted = {4: Approval.NOBODY, 3: Approval.DIRECTOR_OR_DUTY}.get(level, Approval.DIRECTOR)
        assert approval_for(code, level) is wanted


def test_what_keeps_it_from_leaving_stands_beside_its_field(sqlite_centre: Centre) -> None:
    """No ground, nobody named, no need, above the ceiling, no page, not told and no reason: each by itself."""
    centre, case = sqlite_centre, at_level(sqlite_centre)
    teacher = to_teacher(centre)
    expected: list[tuple[dict[str, Any], dict[str, str]]] = [
        (filled(code=""), {"code": "unknown"}),
        (filled(purpose=" "), {"purpose": "empty", "recipients": "nobody_named"}),
        (filled(teacher, informed=""), {"informed": "unknown"}),
        (filled(teacher, informed="not_told"), {"why_not": "empty", "tell_on": "told_later"}),
        (filled(to_mother(name="")), {"r0_name": "empty"}),
        (filled({**teacher, "parts": {}}), {"r0_parts": "nothing_chosen"}),
        (filled({**teacher, "parts": {"advice": part("", "")}}), {"r0_n_advice": "empty", "r0_t_advice": "empty"}),
        (filled({**teacher, "parts": {"content": part("她说")}}), {"r0_p_content": "above_ceiling"}),
        (filled({**teacher, "parts": {"advice": part("x" * 301)}}), {"r0_t_advice": "too_long"}),
        (filled({**teacher, "hours": 24 * 15}), {"r0_hours": "too_far"}),
        (filled({**teacher, "hours": 0}), {"r0_hours": "too_far"}),
        (filled({**teacher, "holder": ""}), {"r0_way": "no_page"}),
        (filled({**teacher, "holder": centre.school["leader"].holder_id.hex}), {"r0_way": "no_page"}),  # type: ignore[union-attr]
        (filled(to_mother(phone="12")), {"r0_phone": "phone"}),
        (filled(to_mother(kind="authority")), {"r0_kind": "not_for_this"}),
        (filled(to_mother(parts={"summary": part("大意")})), {"r0_p_summary": "above_ceiling"}),
        (filled({**teacher, "kind": "nonsense"}), {"r0_kind": "not_for_this"}),
    ]
    for content, wanted in expected:
        found = problems(centre, case, content)
        assert {name: code for name, code in found.items() if name in wanted} == wanted, content
        assert set(found) - set(wanted) <= {"r0_way", "r0_p_identity", "r0_p_concern", "r0_p_facts", "r0_p_advice"}, found
    assert problems(centre, case, filled(teacher, to_mother())) == {}
    assert centre.db.scalars(select(Package)).all() == []


def test_names_of_other_people_are_pointed_out(centre: Centre) -> None:
    """A classmate's name from the roll and a colleague's stop it until they are said to be needed; the client's own does not."""
    case = at_level(centre)
    content = filled(to_teacher(centre, parts={"advice": part("别让苏未名和叶无声坐在一起")}))
    assert problems(centre, case, content) == {"others_needed": "other_people"}
    assert problems(centre, case, {**content, "others_needed": True}) == {}


def test_level_four_asks_nobody_and_its_record_is_due(centre: Centre) -> None:
    """From the danger to the package without anybody's yes; the two hours end when it is on record."""
    case = at_level(centre, NOW_IN_DANGER)
    row = drafted(centre, case, filled(to_mother()))
    (due,) = centre.db.scalars(select(Task).where(Task.object_id == row.disclosure_id)).all()
    assert due.kind == "report" and timedelta(hours=1) < due.due_at - now() <= timedelta(hours=2)
    assert submit(centre.db, actor=centre.school["lan"], row=row) is Approval.NOBODY
    (one,) = send(centre.db, actor=centre.school["lan"], row=row)
    centre.db.refresh(due)
    assert due.outcome == "recorded" and len(one.code) == 29
    assert waiting_for_review(centre.db, actor=centre.school["supervisor"]) == [row]
    assert waiting_for_review(centre.db, actor=centre.school["director"]) == [row]


def test_a_code_opens_once_the_digits_fit_and_dies_after_five(centre: Centre) -> None:
    """A24's cousin: code and last digits together; the client's other papers stay shut; five wrong digits end it."""
    case = at_level(centre, NOW_IN_DANGER)
    _row, (one,) = sent(centre, case, filled(to_mother()))
    package, keyring = by_code(centre.db, code=one.code.lower(), digits="1234", address="10.0.0.1")
    with pytest.raises(UnreadableError):
        open_box(centre.db, keyring, case.box_id)
    with pytest.raises(InvalidError):
        open_by_code(centre.db, package=package, keyring=keyring, promised=False)
    assert open_by_code(centre.db, package=package, keyring=keyring, promised=True).told["to"] == "母亲"
    assert read_facts_by_code(centre.db, package=package, keyring=keyring)["lines"][0]["text"] == KNOW
    with pytest.raises(ConflictError):
        read_facts_by_code(centre.db, package=package, keyring=keyring)
    for _try in range(5):
        with pytest.raises(NotFoundError):
            by_code(centre.db, code=one.code, digits="9999", address="10.0.0.2")
    with pytest.raises(NotFoundError):
        by_code(centre.db, code=one.code, digits="1234", address="10.0.0.3")


def test_many_wrong_codes_from_one_address_wait(sqlite_centre: Centre) -> None:
    """Guessing costs time, and an unknown code looks like a spent one."""
    open_the_centre(sqlite_centre)
    for _try in range(30):
        with pytest.raises(NotFoundError):
            by_code(sqlite_centre.db, code="0" * 24, digits="1234", address="10.0.0.9")
    with pytest.raises(ConflictError, match="wait"):
        by_code(sqlite_centre.db, code="0" * 24, digits="1234", address="10.0.0.9")


def test_a22_a_package_is_bound_to_its_recipient(centre: Centre) -> None:
    """A22: the link forwarded: another teacher, the leader, the desk, the administrator find nothing, by rule and by key."""
    case = at_level(centre, NOW_IN_DANGER)
    _row, (one,) = sent(centre, case, filled(to_teacher(centre)))
    for who in ("leader", "desk", "admin", "qiu", "director", "S2024002", "manager", "supervisor"):
        with pytest.raises(RefusedError):
            open_package(centre.db, actor=centre.school[who], package_id=one.package.package_id, promised=True)
        keyring = centre.school[who].keyring
        assert keyring is not None
        with pytest.raises(UnreadableError):
            open_box(centre.db, keyring, one.package.box_id)
    assert packages_for(centre.db, actor=centre.school["leader"]) == []
    mine = centre.school["teacher"].keyring
    assert mine is not None
    for box_id in (case.box_id, case.shared_box_id, _row.box_id):
        with pytest.raises(UnreadableError):
            open_box(centre.db, mine, box_id)


@pytest.mark.parametrize("way", ["over", "revoked", "swept"])
def test_nothing_opens_after_the_end_or_once_taken_back(centre: Centre, way: str) -> None:
    """The end is in the grant; taking back needs no key; the job deletes keys whose end has come."""
    case = at_level(centre, NOW_IN_DANGER)
    _row, (page, code) = sent(centre, case, filled(to_teacher(centre), to_mother()))
    open_package(centre.db, actor=centre.school["teacher"], package_id=page.package.package_id, promised=True)
    later = timedelta(hours=0 if way == "revoked" else 73)
    if way == "revoked":
        for one in (page, code):
            revoke_package(centre.db, actor=centre.school["director"], package_id=one.package.package_id)
    with time_machine.travel(now() + later, tick=True):
        if way == "swept":
            assert any("packages: 4 keys" in line for line in run_jobs(centre.db))
        with pytest.raises(RefusedError):
            open_package(centre.db, actor=centre.school["teacher"], package_id=page.package.package_id, promised=True)
        with pytest.raises(RefusedError):
            read_facts(centre.db, actor=centre.school["teacher"], package_id=page.package.package_id)
        with pytest.raises(NotFoundError):
            by_code(centre.db, code=code.code, digits="1234", address="10.0.0.1")
        keyring = centre.school["teacher"].keyring
        assert keyring is not None
        with pytest.raises(UnreadableError):
            open_box(centre.db, keyring, page.package.box_id)
    assert len(told_about_me(centre.db, actor=centre.school["S2024001"])) == 2, "the client sees it as long as the file lasts"


def test_who_may_say_yes_and_who_never(centre: Centre) -> None:
    """The sender, a leader, another counsellor never; duty only after the director was waited for; the first answer stands."""
    case = at_level(centre)
    row = drafted(centre, case, filled(to_teacher(centre)))
    submit(centre.db, actor=centre.school["lan"], row=row)
    for who in ("lan", "leader", "desk", "archive", "admin", "supervisor", "teacher"):
        with pytest.raises(RefusedError):
            answer(centre.db, actor=centre.school[who], row=row, verdict=Verdict(True))
    with pytest.raises(RefusedError):
        answer(centre.db, actor=on_duty(centre), row=row, verdict=Verdict(True))
    with pytest.raises(InvalidError, match="words"):
        answer(centre.db, actor=centre.school["director"], row=row, verdict=Verdict(False))
    with time_machine.travel(now() + timedelta(minutes=16), tick=True):
        with pytest.raises(RefusedError):
            answer(centre.db, actor=centre.school["qiu"], row=row, verdict=Verdict(True))
        with pytest.raises(RefusedError):
            answer(centre.db, actor=replace(centre.school["lan"], on_duty=True), row=row, verdict=Verdict(True))
        assert waiting_for_yes(centre.db, actor=on_duty(centre)) == [row]
        answer(centre.db, actor=on_duty(centre), row=row, verdict=Verdict(True))
        with pytest.raises(RefusedError):
            answer(centre.db, actor=centre.school["director"], row=row, verdict=Verdict(False, "不同意"))
    assert row.decider_id == centre.school["qiu"].holder_id
    send(centre.db, actor=centre.school["lan"], row=row)
    assert waiting_for_review(centre.db, actor=on_duty(centre)) == [], "whoever said yes does not look afterwards"
    assert waiting_for_review(centre.db, actor=centre.school["director"]) == [row]
    with pytest.raises(RefusedError):
        review(centre.db, actor=centre.school["lan"], row=row, finding="in_order", words="")


def test_a_demand_of_the_law_needs_paper_and_opinion(centre: Centre) -> None:
    """EX4: without a number or a statute nothing may be named; the director's yes needs a legal opinion (R9-16)."""
    case = at_level(centre, ALL_NO)
    court = to_mother(kind="authority", name="某法院", parts={"identity": part(), "facts": part("来访日期：三次")})
    bare = filled(court, code="EX4", informed="told", door="paper")
    assert problems(centre, case, bare).items() >= {"paper_no": "empty", "paper_body": "empty"}.items()
    row = drafted(centre, case, {**bare, "paper_no": "（2026）1号", "paper_body": "某法院"})
    assert submit(centre.db, actor=centre.school["lan"], row=row) is Approval.DIRECTOR_AND_OPINION
    with pytest.raises(InvalidError, match="opinion"):
        answer(centre.db, actor=centre.school["director"], row=row, verdict=Verdict(True))
    said = Verdict(True, "", "法律顾问", "同意，只给公文点到的日期")
    answer(centre.db, actor=centre.school["director"], row=row, verdict=said)
    assert len(send(centre.db, actor=centre.school["lan"], row=row)) == 1
    statute = filled(court, code="EX4", door="statute", statute="未成年人保护法第十一条")
    assert problems(centre, case, statute) == {}


def test_what_a_client_releases_goes_to_that_person_alone(centre: Centre) -> None:
    """EX5: the client's yes to this person, these parts, this end; another name, part or a later end does not fit."""
    case = at_level(centre, ALL_NO)
    item = supported(centre, case)
    doctor = {"kind": "named", "holder": "", "name": "某医生", "phone": "13900005678", "way": "code", "hours": 24, "print": True}
    content = filled({**doctor, "parts": {"summary": part("一般心理问题")}}, code="EX5", release=item.item_id.hex)
    assert problems(centre, case, content) == {"release": "no_release"}, "proposed is not agreed"
    agree_oneself(centre.db, actor=centre.school["S2024001"], case=case, item=item, agreed=True)
    assert problems(centre, case, content) == {}
    for change, field in (({"name": "别人"}, "r0_name"), ({"hours": 24 * 14}, "r0_hours")):
        changed = {**content, "recipients": [{**content["recipients"][0], **change}]}
        assert problems(centre, case, changed) == {field: "not_released"}
    wider = {**content, "recipients": [{**doctor, "parts": {"facts": part("x1")}}]}
    assert problems(centre, case, wider) == {"r0_p_facts": "not_released"}
    row = drafted(centre, case, content)
    assert submit(centre.db, actor=centre.school["lan"], row=row) is Approval.CLIENT
    (one,) = send(centre.db, actor=centre.school["lan"], row=row)
    agree_oneself(centre.db, actor=centre.school["S2024001"], case=case, item=item, agreed=False)
    assert [p.package_id for p in take_back_what_fell(centre.db, actor=centre.school["lan"])] == [one.package.package_id]
    with pytest.raises(NotFoundError):
        by_code(centre.db, code=one.code, digits="5678", address="10.0.0.1")


def supported(centre: Centre, case: Case, **changes: Any) -> Item:
    """A support contact, proposed and signed by the counsellor."""
    until = today("Asia/Shanghai") + timedelta(days=7)
    content = {
        "name": "某医生",
        "relation": "professional",
        "purpose": "一起想办法",
        "scope": ["identity", "summary"],
        "until": until,
    }
    place = {"content": {**content, **changes}, "seen_version": 0, "sign": True, "number": 1}
    write_supporter(centre.db, actor=centre.school["lan"], case=case, **place)
    item = item_of(centre.db, case.shared_box_id, SUPPORT.code)
    assert item is not None
    return item


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scope": ["content"]}, "scope"),
        ({"relation": "x"}, "relation"),
        ({"until": today("Asia/Shanghai") - timedelta(days=1)}, "until"),
    ],
)
def test_a_support_contact_has_a_scope_and_an_end(sqlite_centre: Centre, change: dict[str, Any], field: str) -> None:
    """R9-06: words from sessions are never a scope; an end that has passed is none."""
    case = at_level(sqlite_centre, ALL_NO)
    with pytest.raises(InvalidError) as refused:
        supported(sqlite_centre, case, **change)
    assert set(refused.value.problems) == {field}


def test_below_fourteen_a_guardian_agrees_to_a_support_contact_too(centre: Centre) -> None:
    """The third student of the roll is a child: both must say yes."""
    open_the_centre(centre)
    case = received(centre, "S2024003")
    item = supported(centre, case)
    say = {"case": case, "item": item, "way": "by_phone", "agreed": True}
    record_agreement(centre.db, actor=centre.school["lan"], **say)
    (one,) = supporters(centre.db, actor=centre.school["lan"], case=case)
    assert (one.agreed, one.guardian_due, one.stands) == (True, True, False)
    record_agreement(centre.db, actor=centre.school["lan"], party="guardian", words="阮家长", **say)
    (one,) = supporters(centre.db, actor=centre.school["lan"], case=case)
    assert (one.guardian_due, one.stands) == (False, True)


def test_a_client_told_later_is_told_on_the_day_by_itself(centre: Centre) -> None:
    """For a recorded reason of safety only, at the latest on the recorded day, at the sender's next unlock."""
    case = at_level(centre, NOW_IN_DANGER)
    day = today("Asia/Shanghai") + timedelta(days=3)
    late = {"informed": "not_told", "why_not": "会更危险", "tell_on": day.isoformat()}
    row, _packages = sent(centre, case, filled(to_teacher(centre), **late))
    student, lan = centre.school["S2024001"], centre.school["lan"]
    assert told_about_me(centre.db, actor=student) == [] and tell_what_is_due(centre.db, actor=lan) == 0
    keyring = student.keyring
    assert keyring is not None
    with pytest.raises(UnreadableError):
        open_box(centre.db, keyring, packages_of(centre.db, row)[0].box_id)
    with time_machine.travel(now() + timedelta(days=3), tick=True):
        assert tell_what_is_due(centre.db, actor=lan) == 1 and tell_what_is_due(centre.db, actor=lan) == 0
        (seen,) = told_about_me(centre.db, actor=student)
        assert seen.told["to"] == "班主任枫"


def test_whoever_is_suspected_is_told_nothing_and_holds_no_key_to_it(centre: Centre) -> None:
    """By holder and by name, before and after: stopped at the check, taken back when the suspicion comes later, no trace."""
    case = at_level(centre, NOW_IN_DANGER)
    _row, (one,) = sent(centre, case, filled(to_teacher(centre)))
    lan, teacher = centre.school["lan"], centre.school["teacher"]
    assert teacher.holder_id is not None
    with writing(centre.db):
        exclude(
            centre.db, actor=lan, client_id=case.client_id, people=[Excluded("班主任枫", teacher.holder_id.hex), Excluded("继父")]
        )
    assert [p.package_id for p in take_back_what_fell(centre.db, actor=lan)] == [one.package.package_id]
    with pytest.raises(RefusedError):
        open_package(centre.db, actor=teacher, package_id=one.package.package_id, promised=True)
    assert problems(centre, case, filled(to_teacher(centre)))["r0_name"] == "excluded"
    assert problems(centre, case, filled(to_teacher(centre, name="枫")))["r0_name"] == "excluded"
    assert problems(centre, case, filled(to_mother(name=" 继 父 ")))["r0_name"] == "excluded"
    assert problems(centre, case, filled(to_mother())) == {}
    with pytest.raises(InvalidError, match="excluded"):
        supported(centre, case, name="继父")
    box_id = centre.db.scalars(select(Exclusion.box_id)).one()
    for who in ("teacher", "leader", "desk", "admin", "S2024001"):
        keyring = centre.school[who].keyring
        assert keyring is not None
        with pytest.raises(UnreadableError):
            open_box(centre.db, keyring, box_id)


def test_whoever_left_the_case_stops_no_message(centre: Centre) -> None:
    """A second reader is dismissed: the case's box is stale until the next writing, and a disclosure begins and leaves."""
    case, lan, qiu = at_level(centre, NOW_IN_DANGER), centre.school["lan"], centre.school["qiu"]
    add_second_reader(centre.db, actor=lan, case=case, holder_id=qiu.holder_id)
    account = centre.db.scalars(select(Account).where(Account.holder_id == qiu.holder_id)).one()
    dismiss(centre.db, actor=centre.school["admin"], account_id=account.account_id, knowing=True)
    assert centre.db.get_one(Box, case.box_id).stale
    assert len(sent(centre, case, filled(to_teacher(centre)))[1]) == 1


def test_a_spoilt_card_stops_no_message(centre: Centre) -> None:
    """The name is typed then; without it the check says so. The client's own keys cannot be proven and follow later."""
    case, lan = at_level(centre, NOW_IN_DANGER), centre.school["lan"]
    centre.db.execute(update(Client).values(card_sealed=b"x" * 300))
    centre.db.commit()
    assert problems(centre, case, filled(to_teacher(centre))) == {"called": "empty"}
    row, (one,) = sent(centre, case, filled(to_teacher(centre), called="高二1班 苏未名"))
    teacher = centre.school["teacher"]
    opened = open_package(centre.db, actor=teacher, package_id=one.package.package_id, promised=True)
    assert "高二1班 苏未名" in str(opened.told["lines"]) and row.told_on is None
    assert tell_what_is_due(centre.db, actor=lan) == 0


def test_a_suspected_counsellor_meets_no_trace(centre: Centre) -> None:
    """Even a colleague: the list opens for every counsellor but the one it names."""
    case = at_level(centre, NOW_IN_DANGER)
    qiu = centre.school["qiu"]
    assert qiu.holder_id is not None
    with writing(centre.db):
        exclude(centre.db, actor=centre.school["lan"], client_id=case.client_id, people=[Excluded("x", qiu.holder_id.hex)])
    assert excluded_for(centre.db, actor=qiu, client_id=case.client_id) == ()
    assert [one.holder for one in excluded_for(centre.db, actor=centre.school["director"], client_id=case.client_id)] == [
        qiu.holder_id.hex
    ]


def test_the_directors_own_go_to_the_outside_supervisor(centre: Centre) -> None:
    """The director sends from the watch list; nobody else's yes counts, and the supervisor opens this page only."""
    case = at_level(centre)
    director, supervisor = centre.school["director"], centre.school["supervisor"]
    row = start(centre.db, actor=director, client_id=case.client_id, level=3)
    save(centre.db, actor=director, row=row, content=filled(to_teacher(centre)), seen_version=1)
    submit(centre.db, actor=director, row=row)
    with pytest.raises(RefusedError):
        answer(centre.db, actor=director, row=row, verdict=Verdict(True))
    assert waiting_for_yes(centre.db, actor=supervisor) == [row]
    answer(centre.db, actor=supervisor, row=row, verdict=Verdict(True))
    assert row.case_id == case.case_id and read_form(centre.db, actor=centre.school["lan"], row=row)["level"] == 3
    keyring = supervisor.keyring
    assert keyring is not None
    with pytest.raises(UnreadableError):
        open_box(centre.db, keyring, case.box_id)
    assert len(send(centre.db, actor=director, row=row)) == 1


def test_duty_tells_about_an_alarm_whose_request_was_never_sent(centre: Centre) -> None:
    """C3: no case, no request; duty phones, sees level 4, tells the mother by code; a card lies there from the first moment."""
    open_the_centre(centre)
    student = centre.school["S2024002"]
    raise_alarm(centre.db, actor=student, answers={"q1": "yes", "q2": "yes", "q7": "yes"}, phone="13900001111")
    assert student.client_id is not None
    with pytest.raises(RefusedError):
        start(centre.db, actor=centre.school["qiu"], client_id=student.client_id, level=4)
    row = start(centre.db, actor=on_duty(centre), client_id=student.client_id, level=4)
    save(centre.db, actor=on_duty(centre), row=row, content=filled(to_mother()), seen_version=1)
    assert submit(centre.db, actor=on_duty(centre), row=row) is Approval.NOBODY
    (one,) = send(centre.db, actor=on_duty(centre), row=row)
    assert by_code(centre.db, code=one.code, digits="1234", address="x")[0] == one.package
    assert has_card(centre.db, student.client_id)


def test_nobody_begins_about_somebody_who_is_not_theirs(centre: Centre) -> None:
    """Another counsellor, the desk, the leader, the teacher; and about a calm client not even duty or the director."""
    case = at_level(centre, ALL_NO)
    for who in ("qiu", "desk", "leader", "teacher", "admin", "supervisor", "director"):
        with pytest.raises(RefusedError):
            start(centre.db, actor=centre.school[who], client_id=case.client_id, case=case)
    with pytest.raises(RefusedError):
        start(centre.db, actor=on_duty(centre), client_id=case.client_id, level=4)
    row = drafted(centre, case, filled(to_teacher(centre)))
    with pytest.raises(RefusedError):
        find_disclosure(
            centre.db, actor=centre.school["qiu"], disclosure_id=row.disclosure_id, permission=Permission.DISCLOSURE_READ
        )


def test_a_recipients_key_that_is_missing_or_replaced_stops_it(centre: Centre) -> None:
    """No account's keys: said beside the way. A planted key: nothing is sealed to it, nothing leaves, the draft stays."""
    case = at_level(centre, NOW_IN_DANGER)
    row = approved(centre, case, filled(to_teacher(centre)))
    teacher, other = centre.school["teacher"].holder_id, centre.school["leader"].holder_id
    planted = centre.db.scalars(select(Holder).where(Holder.holder_id == other)).one()
    with writing(centre.db):
        centre.db.scalars(select(Holder).where(Holder.holder_id == teacher)).one().kem_public = planted.kem_public
    with pytest.raises(InvalidError, match="no_page"):
        send(centre.db, actor=centre.school["lan"], row=row)
    assert row.state == "approved" and centre.db.scalars(select(Package)).all() == []


def test_a_recipient_with_new_keys_finds_nothing_and_the_sender_sends_anew(centre: Centre) -> None:
    """A forgotten passphrase opens nothing that was sealed before; the page looks as if it were not there."""
    case = at_level(centre, NOW_IN_DANGER)
    _row, (one,) = sent(centre, case, filled(to_teacher(centre)))
    teacher = centre.school["teacher"]
    assert teacher.holder_id is not None
    renewed = replace(teacher, keyring=new_keyring(teacher.holder_id, version=2))
    with pytest.raises(RefusedError):
        open_package(centre.db, actor=renewed, package_id=one.package.package_id, promised=True)


def test_a_colleague_who_was_not_asked_finds_nothing(centre: Centre) -> None:
    """Waiting for a yes, waiting for a look: without the key it is not there, by rule, and nothing falls over."""
    case = at_level(centre)
    row = approved(centre, case, filled(to_teacher(centre)))
    send(centre.db, actor=centre.school["lan"], row=row)
    for who in ("qiu", "lan", "director"):
        with pytest.raises(RefusedError):
            review(centre.db, actor=centre.school[who], row=row, finding="in_order", words="")
    for permission in (Permission.DISCLOSURE_REVIEW, Permission.DISCLOSURE_APPROVE, Permission.DISCLOSURE_READ):
        with pytest.raises(RefusedError):
            find_disclosure(centre.db, actor=centre.school["qiu"], disclosure_id=row.disclosure_id, permission=permission)
    at_once = start(centre.db, actor=centre.school["lan"], client_id=case.client_id, case=case)
    with pytest.raises(RefusedError):
        read_form(centre.db, actor=centre.school["qiu"], row=at_once)
    assert tell_what_is_due(centre.db, actor=centre.school["qiu"]) == 0


def test_what_was_submitted_is_kept_exactly_and_cannot_be_the_whole_file(centre: Centre) -> None:
    """R4-18: form and packages say the same for ever; a further save, another submit, a second send find it closed."""
    case = at_level(centre, NOW_IN_DANGER)
    row, _packages = sent(centre, case, filled(to_teacher(centre), to_mother()))
    lan = centre.school["lan"]
    kept = read_form(centre.db, actor=lan, row=row)
    told = [one.told for one in told_about_me(centre.db, actor=centre.school["S2024001"])]
    for recipient, seen in zip(kept["recipients"], told, strict=True):
        for line in seen["lines"]:
            assert recipient["parts"][line["part"]]["text"] in line["text"]
    for again in (
        lambda: save(centre.db, actor=lan, row=row, content=kept, seen_version=2),
        lambda: submit(centre.db, actor=lan, row=row),
        lambda: send(centre.db, actor=lan, row=row),
        lambda: withdraw(centre.db, actor=lan, row=row),
    ):
        with pytest.raises(ConflictError):
            again()
    assert read_form(centre.db, actor=lan, row=row) == kept
    receipts = receipts_of(centre.db, keyring=lan.keyring, package=packages_of(centre.db, row)[0])  # type: ignore[arg-type]
    assert receipts == []


def test_two_directors_answer_at_once_and_a_draft_is_saved_twice(centre: Centre) -> None:
    """One wins, the other is told."""
    case = at_level(centre)
    row = drafted(centre, case, filled(to_teacher(centre)))
    with pytest.raises(ConflictError, match="newer_draft"):
        save(centre.db, actor=centre.school["lan"], row=row, content=filled(), seen_version=1)
    submit(centre.db, actor=centre.school["lan"], row=row)
    with centre.session() as other:
        mine = other.get_one(Disclosure, row.disclosure_id)
        answer(other, actor=centre.school["director"], row=mine, verdict=Verdict(True))
    with pytest.raises((ConflictError, RefusedError)):
        answer(centre.db, actor=centre.school["director"], row=row, verdict=Verdict(False, "慢了"))
    centre.db.refresh(row)
    assert row.state == "approved"


def test_a_disclosure_given_up_keeps_its_number(centre: Centre) -> None:
    """Numbers have no gap; a withdrawn one ends its clock and is asked of nobody."""
    case = at_level(centre, NOW_IN_DANGER)
    row = drafted(centre, case, filled())
    withdraw(centre.db, actor=centre.school["lan"], row=row)
    assert centre.db.scalars(select(Task.outcome).where(Task.object_id == row.disclosure_id)).all() == ["withdrawn"]
    assert drafted(centre, case, filled()).number == row.number + 1


def test_cut_off_anywhere_a_disclosure_is_whole_or_as_it_was(centre: Centre) -> None:
    """From its beginning to the look afterwards, each act cut at each of its writes: never half a package, never half a yes."""
    case = at_level(centre)
    db, lan, director, teacher = centre.db, *(centre.school[who] for who in ("lan", "director", "teacher"))
    content = filled(to_teacher(centre), to_mother())

    def row() -> Disclosure:
        return db.scalars(select(Disclosure)).one()

    def package() -> Any:
        return packages_of(db, row())[0].package_id

    acts = {
        "start": lambda: start(db, actor=lan, client_id=case.client_id, case=case),
        "save": lambda: save(db, actor=lan, row=row(), content=content, seen_version=1),
        "submit": lambda: submit(db, actor=lan, row=row()),
        "yes": lambda: answer(db, actor=director, row=row(), verdict=Verdict(True)),
        "send": lambda: send(db, actor=lan, row=row()),
        "open": lambda: open_package(db, actor=teacher, package_id=package(), promised=True),
        "facts": lambda: read_facts(db, actor=teacher, package_id=package()),
        "review": lambda: review(db, actor=centre.school["supervisor"], row=row(), finding="in_order", words=""),
        "revoke": lambda: revoke_package(db, actor=director, package_id=package()),
    }
    cuts = {}
    for name, act in acts.items():
        if name in ("submit", "yes", "send"):  # read beforehand, in a step of its own that leaves the reader's own wrap
            read_form(db, actor=director if name == "yes" else lan, row=row())
        cuts[name] = cut_everywhere(centre, act, audit=False)
    assert all(count >= 2 for count in cuts.values()), cuts


def test_facts_read_twice_at_once_are_read_once(centre: Centre) -> None:
    """Two browsers of one recipient: one reads, the other is told that they were read."""
    case = at_level(centre, NOW_IN_DANGER)
    _row, (one,) = sent(centre, case, filled(to_teacher(centre)))
    teacher = centre.school["teacher"]
    open_package(centre.db, actor=teacher, package_id=one.package.package_id, promised=True)
    with centre.session() as other:
        assert other.get(Package, one.package.package_id) is not None
        read_facts(centre.db, actor=teacher, package_id=one.package.package_id)
        with pytest.raises((ConflictError, RefusedError)):
            read_facts(other, actor=teacher, package_id=one.package.package_id)


def guardians_now(centre: Centre, *names: str) -> None:
    """The school's list of guardians as it stands today."""
    rows = "".join(f"S2024001,{name},家长\n" for name in names)
    report = import_guardians(centre.db, actor=centre.school["admin"], raw=f"学号,监护人,关系\n{rows}".encode())
    assert not report.problems


def test_a_guardian_whom_nobody_lists_is_looked_at_first(centre: Centre) -> None:
    """Custody may have changed: a name the roll does not list needs a second look; at level 4 it holds nobody up."""
    case = at_level(centre)
    unsure = {"guardian_known": False}
    assert problems(centre, case, filled(to_mother(), **unsure)) == {"guardian_known": "not_on_list"}
    assert problems(centre, case, filled(to_mother(name="苏 家长"), **unsure)) == {}
    record_screen(centre.db, actor=centre.school["lan"], case=case, answers=NOW_IN_DANGER, ticks=frozenset(), keeping="")
    assert problems(centre, case, filled(to_mother(), **unsure)) == {}


def test_a_guardian_taken_off_the_list_reads_no_further(centre: Centre) -> None:
    """The relation is deleted while a package may still be read: it is taken back at the sender's next look."""
    case, lan = at_level(centre, NOW_IN_DANGER), centre.school["lan"]
    listed, typed = to_mother(name="苏家长"), to_mother(name="姨妈")
    _row, (one, other) = sent(centre, case, filled(listed, typed))
    assert take_back_what_fell(centre.db, actor=lan) == []
    guardians_now(centre, "苏母")
    assert [p.package_id for p in take_back_what_fell(centre.db, actor=lan)] == [one.package.package_id]
    with pytest.raises(NotFoundError):
        by_code(centre.db, code=one.code, digits="1234", address="10.0.0.9")
    assert by_code(centre.db, code=other.code, digits="1234", address="10.0.0.9")[0].revoked_on is None
    assert take_back_what_fell(centre.db, actor=lan) == []
