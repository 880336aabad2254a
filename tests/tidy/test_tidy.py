"""Rules of the house that no linter knows. Medians don't tell good code from bad; tails do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from everpost.logs import FIELDS
from everpost.wiring import PROVIDERS

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "everpost"
FILE_LINES_MAX = 300
PROVIDER_LINES_MAX = 150
PROVIDER_FILES = {"__init__", "adapter", "mail", "events", "history", "lists"}
STAND_IN_FILES = {"__init__", "api", "events", "history", "lists"}
FUNCTION_LINES_MAX = 50
PARAMETERS_MAX = 6
VAGUE_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"}
NAMES_A_PROVIDER = re.compile(
    r"sendgrid|mailgun|postmark|sparkpost|brevo|mailjet|mailersend|mandrill|mailtrap|scaleway", re.IGNORECASE
)
MAY_NAME_PROVIDERS = {
    "providers",
    "dialects",
    "sandbox",
    "wiring",  # chooses the classes
    "entrypoints/laptop.py",  # the laptop's two accounts
    "entrypoints/cli",  # help texts and the demo
    "model/limits.py",  # says where a bound comes from
}

RATCHET: dict[str, int] = {}
"""Longest allowed length of files over FILE_LINES_MAX. Entries may only shrink and go."""


def modules(folder: Path = SOURCE) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.py")) if "__pycache__" not in path.parts)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def told(path: Path, line: int = 1) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_files_are_short_enough_to_be_read_at_once() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules()}
    long = {name: count for name, count in lengths.items() if count > RATCHET.get(name, FILE_LINES_MAX)}
    assert long == {}


def test_the_ratchet_only_lists_what_is_still_too_long() -> None:
    stale = [name for name in RATCHET if len((ROOT / name).read_text().splitlines()) <= FILE_LINES_MAX]
    assert stale == []


@pytest.mark.parametrize(("room", "shared"), [("providers", set()), ("sandbox", {"smtp"})])
def test_each_folder_is_a_provider_and_each_file_beside_them_is_shared(room: str, shared: set[str]) -> None:
    """Mail by SMTP is taken by the sandbox as a server does; that is no provider's."""
    assert {path.parent.name for path in (SOURCE / room).glob("*/*.py")} == set(PROVIDERS) - shared
    words = {word for path in (SOURCE / room).glob("*.py") for word in path.stem.split("_")}
    assert words & set(PROVIDERS) == shared


def test_the_stand_ins_have_files_of_the_same_names() -> None:
    assert {path.stem for path in (SOURCE / "sandbox").glob("*/*.py")} == STAND_IN_FILES


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_provider_is_a_folder_of_short_files_of_the_same_names(name: str) -> None:
    lengths = {path.stem: len(path.read_text().splitlines()) for path in (SOURCE / "providers" / name).glob("*.py")}
    assert {"__init__", "adapter"} <= lengths.keys() <= PROVIDER_FILES
    assert max(lengths.values()) <= PROVIDER_LINES_MAX


def test_such_folders_import_nothing_by_themselves() -> None:
    """So that who needs one file of theirs does not start with all of them."""
    folders = [SOURCE / "dialects" / "native", *(SOURCE / "providers").glob("*/"), *(SOURCE / "sandbox").glob("*/")]
    files = [path / "__init__.py" for path in folders if path.name != "__pycache__"]
    trees = {path: ast.parse(path.read_text()) for path in files}
    assert [told(path) for path, tree in trees.items() if len(tree.body) != 1 or not ast.get_docstring(tree)] == []


def test_functions_are_short() -> None:
    long = [
        f"{told(path, node.lineno)} {node.name}"
        for path in modules()
        for node in functions(path)
        if (node.end_lineno or node.lineno) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_functions_take_few_parameters() -> None:
    wide = []
    for path in modules():
        for node in functions(path):
            names = [arg.arg for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            if len([name for name in names if name not in ("self", "cls")]) > PARAMETERS_MAX:
                wide.append(f"{told(path, node.lineno)} {node.name}")
    assert wide == []


def test_no_module_has_a_vague_name() -> None:
    parts = {path: {*path.relative_to(SOURCE).parts[:-1], path.stem} for path in modules()}
    assert [told(path) for path, names in parts.items() if names & VAGUE_NAMES] == []


def test_only_providers_and_dialects_name_a_provider() -> None:
    found = []
    for path in modules():
        name = path.relative_to(SOURCE).as_posix()
        if any(name == allowed or name.startswith(f"{allowed}/") for allowed in MAY_NAME_PROVIDERS):
            continue
        found += [
            told(path, number)
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if NAMES_A_PROVIDER.search(line)
        ]
    assert found == []


def test_modules_hold_no_state_but_constants() -> None:
    """A lower-case name bound at module level is state, unless it is a logger, a context variable or the like."""
    allowed = re.compile(r"_?[A-Z][A-Za-z0-9_]*|_log|_current|__\w+__")
    found = []
    for path in modules():
        for node in ast.parse(path.read_text()).body:
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AnnAssign)
                else []
            )
            found += [
                f"{told(path, node.lineno)} {target.id}"
                for target in targets
                if isinstance(target, ast.Name) and not allowed.fullmatch(target.id)
            ]
    assert found == []


def test_logs_carry_only_fields_that_are_written() -> None:
    """Any other field would be left out of the line, and missed by whoever needs it."""
    strange = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("_log."):
                given = [ast.unparse(word.value) for word in node.keywords if word.arg == "extra"]
                used = re.findall(r"'(\w+)':", " ".join(given))
                strange += [f"{told(path, node.lineno)} {name}" for name in used if name not in FIELDS]
    assert strange == []


def test_every_test_asserts_something() -> None:
    idle = [
        f"{told(path, node.lineno)} {node.name}"
        for path in modules(ROOT / "tests")
        for node in functions(path)
        if node.name.startswith("test_") and not _asserts(node)
    ]
    assert idle == []


def test_no_test_sleeps_to_wait() -> None:
    sleeps = re.compile(r"time\.sleep\((?!0\))|asyncio\.sleep\([1-9]")
    found = []
    for path in modules(ROOT / "tests"):
        if path == Path(__file__) or "sim" in path.parts:  # the simulator's sleeps are virtual
            continue
        lines = enumerate(path.read_text().splitlines(), 1)
        found += [told(path, number) for number, line in lines if sleeps.search(line)]
    assert found == []


def _asserts(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name == "raises" or name.startswith(("assert_", "check_", "expect")):
                return True
    return False
