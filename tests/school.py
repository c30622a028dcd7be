"""A small fictional school, founded through the real services; its people keep their keys in memory between tests."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from sqlalchemy.orm import Session

from counsel.access.accounts import find_account, login_tag, open_with_code
from counsel.access.sign_ins import SignedIn, open_sign_in
from counsel.confidentiality.roles import CERTIFIED, Role
from counsel.core.clock import now
from counsel.core.database import house_of
from counsel.core.installation import open_house
from counsel.core.settings import Settings
from counsel.people.centre import prepare_centre
from counsel.people.founding import found_centre
from counsel.people.invitations import activate, invite_staff, invite_student
from counsel.people.models import Student
from counsel.people.roll import import_students
from counsel.people.settling import settle_in
from counsel.people.staff import record_credential, vouch_for

WORDS = "shanquan zhufeng luoye chuyue"
STAFF = {
    "lan": ("岚老师", {Role.COUNSELLOR}),
    "qiu": ("秋老师", {Role.COUNSELLOR}),
    "desk": ("前台小岑", {Role.FRONT_DESK}),
    "archive": ("档案员柏", {Role.ARCHIVIST}),
    "admin": ("管理员榆", {Role.SYSADMIN}),
    "teacher": ("班主任枫", {Role.HEAD_TEACHER}),
    "leader": ("校领导松", {Role.SCHOOL_LEADER}),
    "manager": ("值班主管桐", {Role.DUTY_MANAGER}),
    "expert": ("专家槐", {Role.EXPERT}),
    "supervisor": ("督导柳", {Role.SUPERVISOR}),
}
ROLL = """学号,姓名,出生日期,班级,离校年月,监护人,监护人电话
S2024001,苏未名,2009-03-01,高二1班,2027-07,苏家长,13900000001
S2024002,叶无声,2008-11-23,高二1班,2027-07,叶家长,13900000002
S2024003,阮小满,2013-05-05,初一2班,2030-07,阮家长,13900000003
S2024004,江有汀,2007-01-15,高三3班,2026-07,江家长,13900000004
"""


@dataclass
class School:
    """People by sign-in name or student number; each is a `SignedIn` whose keys are at hand."""

    people: dict[str, SignedIn] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, who: str) -> SignedIn:
        person = self.people[who]
        ring = replace(person.keyring, groups={}) if person.keyring else None
        return replace(person, keyring=ring)


def found_school(settings: Settings) -> School:
    """Found the centre, invite and vouch for all staff, import the roll, activate three students."""
    prepare_centre(settings)
    _house, engine, sessions = open_house(settings)
    school = School()
    with sessions() as db:
        founding = found_centre(db, login="director", display="主任杉")
        account = find_account(db, "director")
        keyring = open_with_code(house_of(db), account, founding.code)
        school.people["director"] = open_sign_in(db, account=account, keyring=keyring, device="desk")
        school.codes["director"] = founding.code
        for login, (display, roles) in STAFF.items():
            _join(db, school, login, display, roles)
        _roll(db, school)
    engine.dispose()
    _house.locks.dispose()
    return school


def _join(db: Session, school: School, login: str, display: str, roles: set[Role]) -> None:
    code = invite_staff(db, actor=school["director"], login=login, display=display, roles=roles)
    account, keyring, printed = activate(db, code=code, passphrase=WORDS)
    school.codes[login] = printed
    if roles & set(CERTIFIED):
        missing = vouch_for(db, actor=school["director"], account_id=account.account_id)
        if missing:
            assert vouch_for(db, actor=school["lan"], account_id=account.account_id) == []
    person = open_sign_in(db, account=account, keyring=keyring, device="desk")
    school.people[login] = person
    settle_in(db, actor=school[login])
    if Role.COUNSELLOR in roles:
        record_credential(
            db,
            actor=school["director"],
            holder_id=keyring.holder_id,
            name="心理咨询师",
            issuer="测试机构",
            number="T-1",
            areas="P01,P03,P05",
            valid_from=date(2020, 1, 1),
            valid_to=date(2099, 1, 1),
        )


def _roll(db: Session, school: School) -> None:
    report = import_students(db, actor=school["admin"], raw=ROLL.encode())
    assert report.added == 4, report.problems
    for line in ROLL.splitlines()[1:4]:
        number, _name, born = line.split(",")[:3]
        student = db.query(Student).filter_by(login_tag=login_tag(house_of(db), number)).one()
        ends = now() + timedelta(days=60)
        code, _card = invite_student(db, actor=school["desk"], student_id=student.student_id, ends=ends)
        day = date.fromisoformat(born)
        account, keyring, printed = activate(db, code=code, passphrase=WORDS, login=number, born=day)
        school.people[number] = open_sign_in(db, account=account, keyring=keyring, device="phone")
        school.codes[number] = printed
