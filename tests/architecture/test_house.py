"""The house itself: order of rooms, declared permissions, texts in both languages, nothing undocumented."""

import ast
import csv
import re
import subprocess
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from counsel.app import create_app
from counsel.core.settings import Settings
from counsel.home.clauses import clause_rows
from counsel.web.headers import SEVERAL
from tests.conftest import Centre

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "counsel").rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
CATALOGUE = ROOT / "counsel" / "translations" / "zh_Hans_CN" / "LC_MESSAGES" / "messages.po"


def functions(path: Path) -> list[ast.FunctionDef]:
    """Return the functions of a file."""
    return [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)]


def test_every_route_declares_its_permission(sqlite_centre: Centre) -> None:
    """A route without a declared permission cannot exist; only the door, and the two pages for a code, are public."""
    app = create_app(sqlite_centre.settings)
    public = set()
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        assert hasattr(view, "permission"), rule
        if view.permission is None:
            public.add(rule.endpoint)
    assert public == {
        "people.sign_in_here",
        "people.activate_here",
        "people.recover_here",
        "people.leave",
        "disclosure.told",
        "home.copy",
        "people.language",
        "assets.asset_file",
        "robots",
    }


def test_every_change_is_a_post(sqlite_centre: Centre) -> None:
    """Routes that only change something do not answer GET."""
    app = create_app(sqlite_centre.settings)
    acts = ("cancel", "accept", "vouch", "dismiss", "reset", "decide", "finish", "begin", "receive", "sign_out", "lock")
    for rule in app.url_map.iter_rules():
        name = rule.endpoint.split(".")[-1]
        if name in acts or (name.endswith("_here") and name in ("sign_out_here", "dismiss_here", "help_here")):
            assert "GET" not in (rule.methods or ()), rule


def test_every_rendered_template_exists_and_every_template_is_used() -> None:
    """No missing page, no page left behind."""
    named = set()
    for path in [*SOURCES, *TEMPLATES]:
        named |= set(re.findall(r"['\"]([a-z_]+/[a-z_]+\.html)['\"]", path.read_text("utf-8")))
    there = {str(path.relative_to(ROOT / "templates")) for path in TEMPLATES}
    steps = {f"appointments/{name}.html" for name in ("limits", "safety", "reason")}
    assert named - there == set()
    assert there - named == steps


def test_templates_are_escaped_and_carry_nothing_inline() -> None:
    """No safe filter, no inline script, style or handler."""
    found = [
        (path.name, match.group(0))
        for path in TEMPLATES
        for match in re.finditer(r"\|\s*safe\b|\bstyle=\"|\son[a-z]+=\"|<script(?![^>]*\bsrc=)", path.read_text("utf-8"))
    ]
    assert found == []


def test_rooms_stay_small_and_speak_for_themselves() -> None:
    """Files of at most 300 lines, functions of at most 60, a docstring on every module and public function."""
    problems = []
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        if len(path.read_text("utf-8").splitlines()) > 300:
            problems.append(f"{path.name}: long file")
        if not ast.get_docstring(tree):
            problems.append(f"{path.name}: no docstring")
        for node in functions(path):
            if (node.end_lineno or 0) - node.lineno + 1 > 60:
                problems.append(f"{path.name}:{node.name}: long function")
            if not node.name.startswith("_") and not ast.get_docstring(node) and len(node.body) > 2:
                problems.append(f"{path.name}:{node.name}: no docstring")
    assert problems == [], problems


def test_cryptography_is_imported_in_one_place() -> None:
    """Only `crypto/` touches the primitives."""
    others = [path for path in SOURCES if path.parent.name != "crypto"]
    assert [path for path in others if re.search(r"^\s*(from|import) cryptography", path.read_text("utf-8"), re.M)] == []


def test_imports_point_down() -> None:
    """The layers of setup.cfg hold, exhaustively."""
    found = subprocess.run([ROOT / ".venv" / "bin" / "lint-imports"], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_every_text_is_in_chinese() -> None:
    """The catalogue is complete: nothing untranslated, nothing fuzzy, placeholders kept."""
    with CATALOGUE.open("rb") as source:
        catalogue = read_po(source, locale="zh_Hans_CN")
    bad = []
    for message in catalogue:
        if message.id:
            ids = message.id if isinstance(message.id, str) else message.id[0]
            text = message.string if isinstance(message.string, str) else message.string[0]
            names = [set(re.findall(r"%\(\w+\)[sd]", part)) for part in (ids, text)]
            if not text or message.fuzzy or names[0] != names[1]:
                bad.append(ids)
    assert bad == []


def test_the_catalogue_knows_every_text(tmp_path: Path) -> None:
    """What the code and the pages say now is what the catalogue holds."""
    collected = tmp_path / "messages.pot"
    command = ["extract", "--ignore-dirs", ".*", "-F", "babel.cfg", "-k", "_l", "-k", "N_", "-o", str(collected), "."]
    subprocess.run([ROOT / ".venv" / "bin" / "pybabel", "-q", *command], cwd=ROOT, check=True, capture_output=True)
    with collected.open("rb") as said, CATALOGUE.open("rb") as held:
        now, known = read_po(said), read_po(held, locale="zh_Hans_CN")
    assert [message.id for message in now if message.id and message.id not in known] == []


def test_every_setting_is_documented() -> None:
    """A setting that operations.md does not name cannot exist."""
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert [f.name for f in fields(Settings) if f.name not in ("instance", "demo") and f"`{f.name}`" not in text] == []


def test_every_clause_row_names_tests_that_exist() -> None:
    """`counsel clauses` tells the truth: a behaviour is done only with tests, and each named test is there."""
    rows = clause_rows()
    with files("counsel.data").joinpath("clauses.csv").open("r", encoding="utf-8") as source:
        assert [row["id"] for row in rows] == [row["id"] for row in csv.DictReader(source)]
    wrong = []
    for row in rows:
        tests = row["tests"]
        assert isinstance(tests, list)
        if (row["status"] == "done") != bool(tests):
            wrong.append(row["id"])
        for node in tests:
            path, _, name = str(node).partition("::")
            if not (ROOT / path).exists() or f"def {name}(" not in (ROOT / path).read_text("utf-8"):
                wrong.append(node)
    assert wrong == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "NotImplementedError"])
def test_nothing_is_left_for_later_silently(word: str) -> None:
    """What is not done is said in docs/progress.md, not hidden in the code."""
    assert [path.name for path in SOURCES if re.search(rf"\b{word}\b", path.read_text("utf-8"))] == []


def test_every_field_with_several_values_may_come_several_times() -> None:
    """A form with two boxes ticked is answered, not refused as a doubled parameter."""
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "counsel").rglob("*.py"))
    named = set(re.findall(r"(\w+) = SelectMultipleField", source)) | set(re.findall(r'getlist\("(\w+)"\)', source))
    assert len(named) >= 7 and named <= SEVERAL
