"""Passphrases, the roll's rows, initials, wording, deadlines, settings."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from counsel.core.clock import age_on
from counsel.core.errors import InvalidError, SettingsError
from counsel.core.settings import load_settings, read_secret
from counsel.pathway.appointments.lifecycle import STATES as TIMES
from counsel.pathway.appointments.lifecycle import TRANSITIONS, allowed
from counsel.pathway.cases.wording import forbidden_words
from counsel.pathway.intake.consent import guardian_parts
from counsel.people.cards import initial_of
from counsel.people.passphrases import DEMONSTRATION, check_passphrase, offer_passphrase
from counsel.people.roll import read_roll
from counsel.roster.queries import working_deadline

HEAD = "student_no,name,birth_date,class,leaves_on,guardian,guardian_phone\n"
GOOD = "S1,苏未名,2009-03-01,高二1班,2027-07,苏家长,139\n"


@pytest.mark.parametrize(
    "words",
    ["wodemima123456", "zhangwei199012", "aaaaaaaaaaaaaaaa", "woaini1314520 woaini", "123456789012345", "abcabcabcabcabc"],
)
def test_well_known_passphrases_are_refused(words: str) -> None:
    """Pinyin commonplaces, names with birth years, runs and repetitions."""
    with pytest.raises(InvalidError, match="well_known"):
        check_passphrase(words, staff=False)


def test_own_data_makes_no_passphrase() -> None:
    """Name, number and birth date of the person are taken away before anything counts."""
    with pytest.raises(InvalidError, match="well_known"):
        check_passphrase("suweiming20090301", staff=False, personal=["suweiming", "2009-03-01"])


@pytest.mark.parametrize(("length", "staff", "code"), [(14, True, "too_short_staff"), (11, False, "too_short_student")])
def test_short_passphrases_are_refused(length: int, staff: bool, code: str) -> None:
    """Staff 15, students 12; no composition rules."""
    with pytest.raises(InvalidError, match=code):
        check_passphrase("kqzvmtbpwxrgjd"[:length], staff=staff)


def test_a_real_centre_refuses_the_demonstrations_passphrase() -> None:
    """What is printed for everybody opens nothing real."""
    check_passphrase(DEMONSTRATION, staff=True, demo=True)
    with pytest.raises(InvalidError, match="well_known"):
        check_passphrase(DEMONSTRATION, staff=True)


def test_offered_passphrases_are_accepted() -> None:
    """Four pinyin words, always good enough."""
    for _n in range(50):
        check_passphrase(offer_passphrase(), staff=True)


def test_long_unicode_passphrases_are_accepted_whole() -> None:
    """Up to 128 characters of any script; nothing is cut."""
    check_passphrase("青山绿水明月晚风都在窗外等着我们", staff=True)
    with pytest.raises(InvalidError, match="too_long"):
        check_passphrase("x y" * 50, staff=True)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_roll_is_read_in_three_encodings(encoding: str) -> None:
    """UTF-8 with and without BOM, and GB18030."""
    rows, problems = read_roll((HEAD + GOOD).encode(encoding))
    assert problems == [] and rows[0].name == "苏未名" and rows[0].leaves_month == date(2027, 7, 1)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("S1,,2009-03-01,高二,2027-07,,\n", "empty"),
        ("S1,=HYPERLINK(1),2009-03-01,高二,2027-07,,\n", "formula"),
        ("S1,＋苏,2009-03-01,高二,2027-07,,\n", "formula"),
        ("S1,苏\u202e未,2009-03-01,高二,2027-07,,\n", "hidden_characters"),
        ("S1,苏未名,2009-02-30,高二,2027-07,,\n", "no_date"),
        ("S1,苏未名,2009-03-01,高二,2027-13,,\n", "no_month"),
        ("S1," + "长" * 61 + ",2009-03-01,高二,2027-07,,\n", "too_long"),
        (GOOD + GOOD, "twice"),
        ("", "no_rows"),
    ],
)
def test_a_bad_row_is_named_with_row_and_reason(line: str, code: str) -> None:
    """All or nothing: one bad cell and no row is taken."""
    _rows, problems = read_roll((HEAD + line).encode())
    assert code in {problem.code for problem in problems}


def test_a_roll_without_its_columns_or_in_no_encoding_is_refused() -> None:
    """Said once, in row 1."""
    assert {problem.code for problem in read_roll(b"a,b\n1,2\n")[1]} == {"missing_column"}
    assert read_roll(b"\xff\xff\x00")[1][0].code == "encoding"


@pytest.mark.parametrize(("name", "letter"), [("苏未名", "S"), ("曾某", "Z"), ("Li", "L"), ("", "·"), ("岚", "·"), ("7", "·")])
def test_a_list_shows_one_letter(name: str, letter: str) -> None:
    """One Latin letter says less than a surname."""
    assert initial_of(name) == letter


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("诊断为焦虑", ["诊断"]),
        ("医院写着“诊断：焦虑”，我们评估为压力", []),
        ("He was diagnosed and treated", ["diagnosed"]),
        ('the paper says "diagnosis"', []),
        ("评估", []),
    ],
)
def test_words_of_diagnosis_are_found_outside_quotation(text: str, found: list[str]) -> None:
    """评估, not 诊断; a hospital's paper may be quoted."""
    assert forbidden_words(text) == found


def test_a_note_is_due_in_working_time() -> None:
    """24 hours later, a weekend not counted."""
    friday = datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert working_deadline(friday, 24, "Asia/Shanghai") == datetime(2026, 11, 23, 8, tzinfo=UTC)
    monday = datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert working_deadline(monday, 24, "Asia/Shanghai") == datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("birth", "parts"),
    [
        (date(2012, 11, 24), ("signed",)),
        (date(2012, 11, 23), ("informed", "contraindicated", "signed")),
        (date(2008, 11, 24), ("informed", "contraindicated", "signed")),
        (date(2008, 11, 23), ("not_needed",)),
    ],
)
def test_the_guardians_part_changes_on_the_birthday(birth: date, parts: tuple[str, ...]) -> None:
    """13 years 364 days, 14, 17 years 364 days, 18 (R8-02)."""
    assert guardian_parts(age_on(birth, date(2026, 11, 23)), "inform_unless_contraindicated") == parts


def test_an_unknown_age_takes_the_stricter_rule() -> None:
    """And the policies for 14 to 17 are what they say."""
    assert guardian_parts(None, "student_only") == ("signed",)
    assert guardian_parts(15, "student_only") == ("not_needed",)
    assert guardian_parts(15, "required") == ("signed",)


def test_only_the_listed_appointment_moves_exist() -> None:
    """All pairs; terminal states have no way out."""
    terminal = {"completed", "forfeited", "no_show", "cancelled_by_client", "cancelled_by_centre", "lapsed", "moved"}
    for before in TIMES:
        for after in TIMES:
            assert allowed(before, after) == ((before, after) in TRANSITIONS)
            assert not (before in terminal and allowed(before, after))


@pytest.mark.parametrize(
    "environ",
    [
        {"COUNSEL_TIME_ZONE": "Mars/Olympus"},
        {"COUNSEL_VAULT_IDLE_MINUTES": "0"},
        {"COUNSEL_VAULT_IDLE_MINUTES": "600"},
        {"COUNSEL_VAULT_IDLE_MINUTES": "soon"},
        {"COUNSEL_STAGE": "kindergarten"},
        {"COUNSEL_GUARDIAN_POLICY": "whatever"},
        {"COUNSEL_DATABASE_URL": "mysql://x"},
        {"COUNSEL_DATABASE_URL": "sqlite:///a", "COUNSEL_LOCKS_URL": "sqlite:///a"},
        {"COUNSEL_DATABASE_URL": "postgresql+psycopg://u@db.example/x"},
        {"COUNSEL_NO_SUCH": "1"},
    ],
)
def test_weak_settings_stop_the_start(environ: dict[str, str], tmp_path: Path) -> None:
    """A message that names the setting, and no start."""
    with pytest.raises(SettingsError):
        load_settings(tmp_path, environ)


def test_a_readable_weak_or_missing_secret_stops_the_start(tmp_path: Path) -> None:
    """0400, 32 random bytes, or nothing."""
    with pytest.raises(SettingsError, match="missing"):
        read_secret(tmp_path)
    path = tmp_path / "server-secret"
    path.write_bytes(bytes(range(32)))
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="read by others"):
        read_secret(tmp_path)
    path.chmod(0o400)
    assert len(read_secret(tmp_path)) == 32
    path.chmod(0o600)
    path.write_bytes(bytes(32))
    with pytest.raises(SettingsError, match="no server secret"):
        read_secret(tmp_path)
