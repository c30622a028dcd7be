"""A fictional school, made through the real services: all roles, sixty students, twenty-five cases, the present week alive.

Nobody in it exists. Passphrases are printed, which is why a demonstration can never become a real centre.
"""

import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.accounts import find_account, login_tag, open_with_code, set_passphrase
from counsel.access.sign_ins import open_sign_in, sign_out
from counsel.audit.chain import recording
from counsel.confidentiality.roles import CERTIFIED, Role
from counsel.core.clock import now, today
from counsel.core.database import house_of
from counsel.core.settings import Settings
from counsel.home.demo_archive import file_and_lend
from counsel.home.demo_cases import WAYS, walk_further_cases
from counsel.home.demo_story import COUNSELLORS, PASSPHRASE, STAGES, Demo, live_this_week, walk_cases
from counsel.home.demo_told import tell
from counsel.keys.bundle import Keyring
from counsel.people.founding import found_centre
from counsel.people.invitations import activate, invite_staff, invite_student
from counsel.people.models import Student
from counsel.people.recovery import confirm_code
from counsel.people.roll import import_students
from counsel.people.rule_texts import acknowledge_rule, rules_waiting
from counsel.people.settling import settle_in
from counsel.people.staff import record_credential, record_education, vouch_for
from counsel.roster.services import add_room, publish_hours, set_duty
from counsel.roster.visits import begin_visit, end_visit

STAFF = (
    ("gu", "顾杉", Role.DIRECTOR),
    ("zhou", "周岚", Role.COUNSELLOR),
    ("chen", "陈砚秋", Role.COUNSELLOR),
    ("lin", "林汀", Role.COUNSELLOR),
    ("desk", "岑小满", Role.FRONT_DESK),
    ("shen", "沈柏", Role.ARCHIVIST),
    ("admin", "于榆", Role.SYSADMIN),
    ("teacher", "方枫", Role.HEAD_TEACHER),
    ("leader", "宋松", Role.SCHOOL_LEADER),
    ("manager", "童桐", Role.DUTY_MANAGER),
    ("supervisor", "柳青", Role.SUPERVISOR),
    ("expert", "槐安", Role.EXPERT),
)
SURNAMES = "温云简桑阮江叶苏祝纪闻路安季容舒"
GIVEN = (
    "未名",
    "有汀",
    "小满",
    "无恙",
    "望舒",
    "听澜",
    "南星",
    "北辰",
    "半夏",
    "知秋",
    "言蹊",
    "疏影",
    "若水",
    "青禾",
    "初霁",
)
CLASSES = (("高一1班", 16), ("高二1班", 17), ("高三2班", 18), ("初一3班", 13))
Progress = Callable[[int, int], None]


def read_demo(settings: Settings) -> dict[str, Any] | None:
    """Return what `fill_demo` wrote beside the database, or None."""
    path = settings.instance / "demo.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def name_demo(settings: Settings) -> None:
    """Give the fictional school its name, where the folder has no settings of its own."""
    path = settings.instance / "settings.toml"
    if not path.exists():
        path.write_text('school_name = "望舒中学"\nschool_name_en = "Wangshu School"\n', encoding="utf-8")


def fill_demo(db: Session, *, progress: Progress = lambda done, total: None) -> dict[str, Any]:
    """Fill an empty, marked installation. Deterministic but for keys and codes."""
    demo, total = Demo(), len(STAFF) + 12 + len(STAGES) + len(WAYS) + 5
    steps = iter(range(1, total + 1))

    def step() -> None:
        progress(next(steps, total), total)

    dice = random.Random(2020)  # noqa: S311
    _staff(db, demo, step)
    _centre(db, demo)
    students = _students(db, demo, dice, step)
    walk_cases(db, demo, students[: len(STAGES)], step)
    walk_further_cases(db, demo, step)
    live_this_week(db, demo, students[len(STAGES) :])
    tell(db, demo, step)
    file_and_lend(db, demo, step)
    for person in demo.signed_in.values():
        sign_out(db, actor=person)
    known: dict[str, Any] = {"accounts": demo.accounts, "people": demo.people}
    return _keep(house_of(db).settings, known)


def _keep(settings: Settings, known: dict[str, Any]) -> dict[str, Any]:
    """Keep only who can sign in: the names of students must be in no file in clear."""
    path = settings.instance / "demo.json"
    logins = [{**account, "display_name": ""} for account in known["accounts"]]
    logins = [{**account, "username": "", "student_no": ""} if account["role"] == "student" else account for account in logins]
    path.write_text(json.dumps({"accounts": [a for a in logins if a["username"]], "people": []}, ensure_ascii=False))
    path.chmod(0o600)
    return known


def _staff(db: Session, demo: Demo, step: Callable[[], None]) -> None:
    login, name, _role = STAFF[0]
    founding = found_centre(db, login=login, display=name)
    account = find_account(db, login)
    keyring = open_with_code(house_of(db), account, founding.code)
    assert account is not None and keyring is not None
    with recording(db):
        set_passphrase(house_of(db), account, keyring, PASSPHRASE)
    _remember(db, demo, login, name, keyring, founding.code)
    step()
    for login, name, role in STAFF[1:]:
        code = invite_staff(db, actor=demo["gu"], login=login, display=name, roles={role})
        account, keyring, printed = activate(db, code=code, passphrase=PASSPHRASE)
        if role in CERTIFIED and vouch_for(db, actor=demo["gu"], account_id=account.account_id):
            vouch_for(db, actor=demo["zhou"], account_id=account.account_id)
        _remember(db, demo, login, name, keyring, printed)
        step()


def _remember(db: Session, demo: Demo, login: str, name: str, keyring: Keyring, code: str) -> None:
    account = find_account(db, login)
    assert account is not None
    demo.signed_in[login] = open_sign_in(db, account=account, keyring=keyring, device="computer")
    confirm_code(db, actor=demo.signed_in[login], code=code)
    settle_in(db, actor=demo[login])
    for rule in rules_waiting(db, actor=demo[login]):
        acknowledge_rule(db, actor=demo[login], code=rule.code, version=rule.version)
    demo.note(str(demo[login].role), login, name)


def _centre(db: Session, demo: Demo) -> None:
    director = demo["gu"]
    rooms = [add_room(db, actor=director, name=f"咨询室{n}", place="行政楼3层") for n in (1, 2, 3)]
    day = today(house_of(db).settings.time_zone)
    for number, who in enumerate(COUNSELLORS):
        holder = demo[who].holder_id
        assert holder is not None and demo[who].staff_id is not None
        years = {"valid_from": day - timedelta(days=900), "valid_to": day + timedelta(days=40 if number == 2 else 700)}
        paper = {
            "name": "心理咨询专业人员",
            "issuer": "某省心理学会",
            "number": f"X-{1000 + number}",
            "areas": "P01–P16",
        }
        record_credential(db, actor=director, holder_id=holder, **paper, **years)  # type: ignore[arg-type]
        study = {"topic": "危机干预实务", "minutes": 180, "on_date": day - timedelta(days=30)}
        record_education(db, actor=director, staff_id=demo[who].staff_id, **study)  # type: ignore[arg-type]
        for weekday in range(7):
            span = {"weekday": weekday, "start_minute": 9 * 60, "end_minute": 18 * 60, "room_id": rooms[number]}
            publish_hours(db, actor=director, holder_id=holder, **span)  # type: ignore[arg-type]
    for weekday in range(7):
        for half, who in (("morning", "chen"), ("afternoon", "lin")):
            set_duty(db, actor=director, weekday=weekday, half=half, holder_id=demo[who].holder_id)
    visitor = {"room_id": rooms[2], "who": "repair", "escort_id": demo["chen"].holder_id}
    gone = begin_visit(db, actor=director, words="空调维修", **visitor)  # type: ignore[arg-type]
    end_visit(db, actor=director, visit_id=gone.visit_id)
    begin_visit(db, actor=director, words="消防检查两人", **visitor | {"who": "inspection"})  # type: ignore[arg-type]


def _students(db: Session, demo: Demo, dice: random.Random, step: Callable[[], None]) -> list[str]:
    """Import sixty students and activate twelve of them."""
    lines, born = _roll(demo, dice, today(house_of(db).settings.time_zone))
    report = import_students(db, actor=demo["admin"], raw="\n".join(lines).encode())
    assert report.added == 60, report.problems
    chosen = [line.split(",")[0] for line in lines[1:] if "初一" not in line][:12]
    for number in chosen:
        row = db.scalars(select(Student).where(Student.login_tag == login_tag(house_of(db), number))).one()
        code, card = invite_student(db, actor=demo["desk"], student_id=row.student_id, ends=now() + timedelta(days=60))
        account, keyring, printed = activate(db, code=code, passphrase=PASSPHRASE, login=number, born=born[number])
        demo.signed_in[number] = open_sign_in(db, account=account, keyring=keyring, device="phone")
        confirm_code(db, actor=demo.signed_in[number], code=printed)
        demo.note("student", number, card.name, number)
        step()
    return chosen


def _roll(demo: Demo, dice: random.Random, day: date) -> tuple[list[str], dict[str, date]]:
    names = [surname + given for surname in SURNAMES for given in GIVEN]
    dice.shuffle(names)
    lines, born = ["student_no,name,birth_date,class,leaves_on,guardian,guardian_phone"], {}
    for n in range(60):
        class_name, age = CLASSES[n % 4]
        number, name, phone = f"W{20260000 + n + 1}", names[n], f"1390000{n:04}"
        born[number] = date(day.year - age, 1 + n % 12, 1 + n % 28)
        guardian = name[0] + "家长"
        lines.append(f"{number},{name},{born[number]},{class_name},{day.year + 2}-07,{guardian},{phone}")
        demo.people += [number, name, phone]
    return lines, born
