"""What can be checked without any key: folders, permissions, durability, copies. `counsel doctor` adds the rest."""

import stat

from counsel.core.database import House, assert_durable, make_engine
from counsel.core.errors import SettingsError
from counsel.core.settings import read_secret

Finding = tuple[str, bool, str]


def findings(house: House) -> list[Finding]:
    """Return (what was checked, whether it is well, detail)."""
    settings = house.settings
    found: list[Finding] = []
    mode = stat.S_IMODE(settings.instance.stat().st_mode)
    found.append(("instance folder", mode & 0o077 == 0, oct(mode)))
    found.append(_check("server secret", lambda: read_secret(settings.instance)))
    found.append(_check("database durability", lambda: _durable(settings.database_url)))
    found.append(_check("lock store durability", lambda: assert_durable(house.locks)))
    copies = sorted(settings.locks_backup.glob("locks-*.sqlite"))
    found.append(("copy of the locks", bool(copies), copies[-1].name if copies else "none yet: counsel jobs run"))
    heads = sorted(settings.audit_heads.glob("head-*.json"))
    found.append(("audit head kept elsewhere", bool(heads), heads[-1].name if heads else "none yet: counsel jobs run"))
    inside = settings.instance in settings.locks_backup.parents or settings.instance in settings.audit_heads.parents
    found.append(("copies on another disk", not inside, "both lie in the instance folder" if inside else ""))
    return found


def _durable(url: str) -> None:
    engine = make_engine(url)
    try:
        assert_durable(engine)
    finally:
        engine.dispose()


def _check(name: str, act: object) -> Finding:
    try:
        act()  # type: ignore[operator]
    except SettingsError as error:
        return (name, False, str(error))
    return (name, True, "")
