"""Settings of one centre: `settings.toml` in the instance folder, overridden by `COUNSEL_*`; weak ones stop the start."""

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy.engine import make_url

from counsel.core.errors import SettingsError


def setting(default: Any, source: str, about: str) -> Any:
    """Declare one policy setting with its default, where that default comes from and what it means."""
    return field(default=default, metadata={"source": source, "about": about})


@dataclass(frozen=True)
class Settings:
    """Everything a centre can decide. Paths and addresses first, then policy with its source."""

    instance: Path
    database_url: str
    locks_url: str
    locks_backup: Path
    audit_heads: Path
    demo: bool = False
    site_address: str = ""  # where messages lead to, such as https://counsel.school.example
    mail_host: str = ""
    mail_port: int = 587
    mail_security: str = "starttls"
    mail_user: str = ""
    mail_password: str = field(default="", repr=False)
    mail_from: str = ""
    gateway_url: str = ""  # SMS or a school messenger: JSON is posted there
    gateway_token: str = field(default="", repr=False)
    outbox_ca: str = ""  # a certificate file of the school's own authority
    files_url: str = ""  # where material lies: empty for the instance's own folder, or s3://bucket/prefix
    files_endpoint: str = ""  # of a store that speaks S3 and is not Amazon's
    clamd_address: str = ""  # host:port or the path of a socket: documents are looked through for viruses
    school_name: str = setting("学校", "design §4", "name on every page")
    school_name_en: str = setting("School", "design §4", "name on English pages")
    time_zone: str = setting("Asia/Shanghai", "篇7 七", "local time of windows and deadlines")
    stage: str = setting("high", "domain §0", "primary, middle, high, vocational or university: words and guardian rules")
    duty_phone: str = setting("8012", "domain §3.3", "telephone of the duty counsellor")
    helpline: str = setting("12356", "domain §3.3 S24", "national psychological helpline")
    youth_line: str = setting("12355", "domain §3.3 [OK]", "youth line")
    tls_ahead: bool = setting(False, "security V12", "a proxy speaks TLS to the browser and plain HTTP to us")
    leave_to: str = setting("https://www.baidu.com/", "look §14", "where 'leave quickly' goes")
    leader_escalation_minutes: int = setting(30, "domain §3.3 [DF]", "after which the leader hears that a task is overdue")
    level_4_record_hours: int = setting(2, "domain §3.3 [DF]", "level 4: until the crisis record is signed")
    level_3_record_hours: int = setting(24, "domain §3.3 [DF]", "level 3: until the crisis record is signed")
    level_2_record_hours: int = setting(24, "domain §3.3 [DF]", "level 2: until the crisis record is signed")
    level_4_contact_hours: int = setting(24, "domain §3.3 [DF]", "level 4: until the client is spoken to again")
    level_3_contact_hours: int = setting(24, "domain §3.3 [DF]", "level 3: until the client is spoken to again")
    level_2_contact_hours: int = setting(72, "domain §3.3 [DF]", "level 2: until the client is spoken to again")
    level_1_contact_hours: int = setting(168, "domain §3.3 [DF]", "level 1: until the client is spoken to again")
    level_4_guardian_minutes: int = setting(30, "domain §3.3 [DF]", "level 4: until a guardian is told, of age by limit EX1")
    level_3_guardian_minutes: int = setting(120, "domain §3.3 [DF]", "level 3, minors: until a guardian is told")
    level_2_guardian_hours: int = setting(24, "domain §3.3 [DF]", "level 2, minors: until a guardian is told the least")
    level_4_leader_minutes: int = setting(30, "domain §3.3 [DF]", "level 4: until a leader is told the least")
    level_3_leader_minutes: int = setting(120, "domain §3.3 [DF]", "level 3: until a leader is told the least")
    level_4_supervision_hours: int = setting(24, "domain §3.3 [DF]", "level 4: until the counsellor has had supervision")
    level_3_supervision_hours: int = setting(24, "domain §3.3 [DF]", "level 3: until the counsellor has had supervision")
    level_1_supervision_hours: int = setting(72, "domain §3.3 [DF]", "level 1 for the third time: until there was supervision")
    level_4_duty_minutes: int = setting(10, "domain §3.3 [DF]", "level 4: until duty or the director has looked at the card")
    level_3_duty_minutes: int = setting(30, "domain §3.3 [DF]", "level 3: until duty or the director has looked at the card")
    level_2_duty_minutes: int = setting(480, "domain §3.3 [DF]", "level 2: until duty or the director has looked at the card")
    level_2_supervision_hours: int = setting(72, "domain §3.3 [DF]", "level 2: until the counsellor has had supervision")
    not_reached_minutes: int = setting(60, "domain §3.3 [DF]", "until somebody who was not reached is tried again")
    question_days: int = setting(5, "look §9 [DF]", "days until a client who asks about the own file has an answer")
    disclosure_hours: int = setting(72, "domain §10a [DF]", "hours a recipient may read what to do, unless another end is set")
    disclosure_most_days: int = setting(14, "domain §10a", "the latest end of what a recipient may read")
    disclosure_tries_limit: int = setting(5, "security §4.8", "wrong tries after which a code given by telephone is dead")
    director_wait_minutes: int = setting(15, "issue; domain §3.3 [DF]", "level 3: until duty may say yes for the director")
    approval_hours: int = setting(24, "domain §3.3 [DF]", "until somebody must have said yes or no to a disclosure")
    disclosure_record_hours: int = setting(2, "篇4 五 [DF]", "level 4: until what was told is on record")
    review_workdays: int = setting(3, "篇4 五 [DF]", "working days until a second person has looked at a disclosure")
    told_later_days: int = setting(14, "ACA B.2 [OK]", "the longest a client is told later about a disclosure")
    report_clock_hours: int = setting(2, "domain §3.6 [DF]", "until the report about a harmed minor must have been made")
    report_stop_hours: int = setting(24, "domain §3.6 [DF]", "after which the case stands still until it has been made")
    event_report_minutes: int = setting(60, "篇8 十 [DF]", "until leadership must know of a major event")
    event_seen_minutes: int = setting(60, "篇8 十 [DF]", "until leadership must have acknowledged a major event")
    document_most_mib: int = setting(
        32, "security A26 [DF]", "the largest document or picture, in MiB: it is looked through in memory"
    )
    hand_over_days: int = setting(30, "篇4 二 [DF]", "days after closing until a case must have been handed in to the archive")
    term_ends: str = setting("01-31,07-15", "篇4 二 [DF]", "last days of the terms, month-day: no hand-over later than that")
    reading_days: int = setting(14, "domain §5.5 [DF]", "days a filed case is open to the counsellor of a client who came back")
    loan_workdays: int = setting(3, "domain §5.5 [DF]", "working days a volume is lent or read on another ground")
    loan_director_days: int = setting(3, "domain §5.5 [DF]", "days after which the director hears of a loan that is not back")
    loss_hours: int = setting(24, "domain §5.5 [DF]", "hours within which a lost volume is reported as a major event")
    copy_hours: int = setting(72, "domain §5.5 [DF]", "hours within which somebody fetches the copy of the own file with a code")
    reading_window: int = setting(0, "篇4 三 [DF]", "days the counsellor may still read after the archive has signed")
    fonds_code: str = setting("QZ001", "DA/T 22 [DF]", "number of the school's fonds, first part of every archival code")
    archive_category: str = setting("XL", "DA/T 22 [DF]", "category of psychological counselling in the code")
    recording_most_days: int = setting(183, "domain §5.2 RC3 [DF]", "the longest a recording may be kept, in days")
    copy_wish_days: int = setting(30, "篇4 四 [DF]", "days a client's wish for a copy keeps a recording from being erased")
    recording_most_mib: int = setting(4096, "issue; security A26 [DF]", "the largest recording, in MiB")
    session_minutes: int = setting(50, "domain §6 [DF]", "length of a session")
    buffer_minutes: int = setting(10, "domain §6 [DF]", "pause after a session")
    cancel_hours: int = setting(24, "domain §1.1 S12", "hours ahead until which cancelling is free")
    late_forfeit_minutes: int = setting(30, "domain §1.1 S12", "lateness after which a session is forfeited")
    no_show_limit: int = setting(3, "domain §1.1 S12", "unexplained absences after which one queues again")
    offer_hours: int = setting(24, "domain §10a", "working hours an offered new time stays open")
    request_hours: int = setting(48, "domain §10a", "working hours until a request that nobody triaged lapses")
    note_due_hours: int = setting(24, "domain §1.3 G9 S14b", "working hours until a session note must be signed")
    contact_tries_limit: int = setting(3, "domain §10a", "tries to reach a client before a case is closed as lost")
    contact_tries_days: int = setting(14, "domain §10a", "days over which those tries are spread")
    old_counsellor_read_days: int = setting(14, "domain §10a", "days the counsellor before may still read after a hand-over")
    paper_takeover: bool = setting(True, "篇4 二 [DF]", "running cases may be taken over from paper")
    guardian_policy: str = setting(
        "inform_unless_contraindicated",
        "domain §1.3 G3 [DF]",
        "required, inform_unless_contraindicated or student_only",
    )
    competence_warning_days: int = setting(60, "domain §9.5", "days before expiry at which a credential warns")
    staff_invitation_hours: int = setting(72, "design §2", "life of a staff invitation")
    vault_idle_minutes: int = setting(15, "篇5 7; security §4.7", "idle minutes after which the vault locks")
    refusals_limit: int = setting(5, "security A2", "different things refused in an hour after which the director is told")
    openings_step_up_limit: int = setting(20, "security A30", "clients opened in an hour until the passphrase is asked again")
    openings_stop_limit: int = setting(40, "security A30", "clients opened in an hour until nothing more opens")
    opening_sample_percent: int = setting(5, "security R13", "share of openings that somebody looks at afterwards")
    sign_in_idle_minutes: int = setting(30, "security V7", "idle minutes after which a sign-in ends")
    sign_in_hours: int = setting(8, "security V7", "longest life of a sign-in")
    lock_copy_days: int = setting(30, "design §1 promise 5", "days until the last copy of an erased lock is gone")

    def policies(self) -> list[tuple[str, Any, str, str]]:
        """Return (name, value, source, meaning) of every policy setting, for the administrator's page."""
        return [
            (f.name, getattr(self, f.name), f.metadata["source"], f.metadata["about"])
            for f in fields(self)
            if "source" in f.metadata
        ]


HERE = ("localhost", "127.0.0.1", "::1")
MAIL_SECURITY = ("starttls", "tls", "none")
STAGES = ("primary", "middle", "high", "vocational", "university")
GUARDIAN_POLICIES = ("required", "inform_unless_contraindicated", "student_only")
POSITIVE = [f.name for f in fields(Settings) if f.name.endswith(("_minutes", "_hours", "_days", "_workdays", "_limit", "_mib"))]


def load_settings(instance: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of an instance folder.

    :param instance: the folder; None takes ``COUNSEL_INSTANCE``, else ``instance`` in the working directory.
    :raises SettingsError: when a value is unknown, of the wrong type or weak.
    """
    folder = Path(instance or environ.get("COUNSEL_INSTANCE") or "instance").resolve()
    values = _from_file(folder / "settings.toml") | _from_environment(environ)
    values.setdefault("database_url", f"sqlite:///{folder / 'counsel.sqlite'}")
    values.setdefault("locks_url", f"sqlite:///{folder / 'locks.sqlite'}")
    for name, default in (("locks_backup", "lock-copies"), ("audit_heads", "audit-heads")):
        values[name] = Path(values.get(name) or folder / default).resolve()
    settings = Settings(instance=folder, **values)
    check_settings(settings)
    return settings


def _from_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    return _known(values, str(path))


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found = {
        key.removeprefix("COUNSEL_").lower(): value
        for key, value in environ.items()
        if key.startswith("COUNSEL_") and key != "COUNSEL_INSTANCE"
    }
    return _known(found, "the environment")


def _known(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    kinds = {f.name: f.type for f in fields(Settings) if f.name != "instance"}
    unknown = sorted(set(values) - set(kinds))
    if unknown:
        raise SettingsError(f"{where} sets {', '.join(unknown)}, which is no setting of counsel")
    return {name: _typed(name, value, kinds[name]) for name, value in values.items()}


def _typed(name: str, value: Any, kind: Any) -> Any:
    if kind is int and not isinstance(value, bool):
        try:
            return int(value)
        except (TypeError, ValueError) as error:
            raise SettingsError(f"{name} must be a whole number, not {value!r}") from error
    if kind is bool:
        return str(value).lower() in ("1", "true", "yes")
    return str(value)


def check_settings(settings: Settings) -> None:
    """Refuse what would make a promise untrue.

    :raises SettingsError: naming the first setting that is wrong.
    """
    if settings.time_zone not in available_timezones():
        raise SettingsError(f"time_zone {settings.time_zone!r} is unknown")
    ZoneInfo(settings.time_zone)
    if settings.stage not in STAGES:
        raise SettingsError(f"stage must be one of {', '.join(STAGES)}")
    if settings.guardian_policy not in GUARDIAN_POLICIES:
        raise SettingsError(f"guardian_policy must be one of {', '.join(GUARDIAN_POLICIES)}")
    for name in POSITIVE:
        if getattr(settings, name) <= 0:
            raise SettingsError(f"{name} must be more than 0")
    if settings.vault_idle_minutes > 60:
        raise SettingsError("vault_idle_minutes must be 60 or less: an open vault on an empty chair is no vault")
    _check_database(settings)
    _check_outbox(settings)
    _check_files(settings)
    _check_archive(settings)


def _check_outbox(settings: Settings) -> None:
    if settings.mail_security not in MAIL_SECURITY:
        raise SettingsError(f"mail_security must be one of {', '.join(MAIL_SECURITY)}")
    if settings.mail_host and settings.mail_security == "none" and settings.mail_host not in HERE:
        raise SettingsError("mail_security none is for a mail server on this machine: others are spoken to over TLS")
    if settings.mail_host and "@" not in settings.mail_from:
        raise SettingsError("mail_from must be the centre's own mail address")
    gateway = urlsplit(settings.gateway_url)
    if settings.gateway_url and gateway.scheme != "https" and not (gateway.scheme == "http" and gateway.hostname in HERE):
        raise SettingsError("gateway_url must be https, unless it is on this machine")
    if settings.site_address and urlsplit(settings.site_address).scheme not in ("http", "https"):
        raise SettingsError("site_address must be the address of this site, such as https://counsel.school.example")


def _check_files(settings: Settings) -> None:
    address, endpoint = urlsplit(settings.files_url), urlsplit(settings.files_endpoint)
    if settings.files_url and (address.scheme != "s3" or not address.netloc):
        raise SettingsError("files_url must be s3://bucket or s3://bucket/prefix, or empty for the instance's own folder")
    if settings.files_endpoint and endpoint.scheme != "https" and endpoint.hostname not in HERE:
        raise SettingsError("files_endpoint must be https, unless it is on this machine")


def _check_archive(settings: Settings) -> None:
    try:
        ends = [date.fromisoformat(f"2000-{part.strip()}") for part in settings.term_ends.split(",")]
    except ValueError as error:
        raise SettingsError("term_ends must be days such as 01-31,07-15") from error
    if any((end.month, end.day) == (2, 29) for end in ends):
        raise SettingsError("term_ends: 02-29 does not come every year")
    if settings.reading_window < 0:
        raise SettingsError("reading_window must be 0 or more")


def _check_database(settings: Settings) -> None:
    if settings.database_url == settings.locks_url:
        raise SettingsError("locks_url must differ from database_url: a lock beside its data locks nothing")
    url = make_url(settings.database_url)
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise SettingsError("database_url must be SQLite or PostgreSQL")
    if url.get_backend_name() == "postgresql" and not url.password and url.host not in (None, "", "localhost", "127.0.0.1"):
        raise SettingsError("database_url has no password for a database on another machine")


def read_secret(instance: Path) -> bytes:
    """Return the 32 bytes of the server secret.

    :raises SettingsError: when the file is missing, of another size, or readable by others than its owner.
    """
    path = instance / "server-secret"
    if not path.exists():
        raise SettingsError(f"{path} is missing: run `counsel init` or restore it")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SettingsError(f"{path} can be read by others: chmod 0400 it")
    secret = path.read_bytes()
    if len(secret) != 32 or len(set(secret)) < 8:
        raise SettingsError(f"{path} is no server secret: 32 random bytes are needed")
    return secret
