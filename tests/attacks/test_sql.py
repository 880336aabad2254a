"""No text of a caller is part of a statement: told by the code, and tried through every way in."""

import ast
from pathlib import Path
from urllib.parse import quote

import pytest

import everpost
from attacks.house import MAIL
from everpost.entrypoints.http import query, raw_mail
from everpost.entrypoints.http.mail_operations import MAIL as MAIL_OPERATIONS
from everpost.entrypoints.http.steering_operations import STEERING
from everpost.store import selection
from everpost.store.port import Filter

SOURCE = Path(everpost.__file__).parent
FILES = (
    *sorted((SOURCE / "store" / "sqlite").glob("*.py")),
    *sorted((SOURCE / "store" / "postgres").glob("*.py")),
    SOURCE / "store" / "selection.py",
    SOURCE / "health" / "sqlite.py",
)
BUILDERS = {
    # Where a statement is put together from others' words, and why these are constants of the code.
    "store/selection.py": {"id_", "source", "row", "' AND '.join(terms)", "_one_delivery(by, 'd')", "hint"},
    "store/sqlite/reads.py": {"' AND '.join(terms)"},
    "store/sqlite/writes.py": {"', '.join(('d.' + name for name in DELIVERY_COLUMNS.split(', ')))"},
    "store/sqlite/purge.py": {"table"},
    "store/sqlite/bulk.py": {"', '.join('?' * width)", "', '.join([row] * count)"},
}
CORPUS = (
    "'",
    '"',
    "''",
    "' OR '1'='1",
    "' OR 1=1 --",
    '" OR ""="',
    "1; DROP TABLE message",
    "'; DROP TABLE message; --",
    "' UNION SELECT name, value FROM config --",
    "') OR EXISTS (SELECT 1 FROM config WHERE name LIKE 'key/%",
    "1 AND 1=LIKE('ABCDEFG',UPPER(HEX(RANDOMBLOB(100000000))))",
    "' AND (SELECT count(*) FROM sqlite_master) > 0 --",
    "'||(SELECT hex(randomblob(1e9)))||'",
    "x' ESCAPE '%",
    "%",
    "_",
    "*",
    "?",
    "?1",
    ":project",
    ":tag",
    "@project",
    "$1",
    "{id}",
    "{rows}",
    "%s",
    "%(project)s",
    "\x00' OR 1=1",
    "\\' OR 1=1 --",
    "\u02bc OR 1=1",
    "\uff07 OR 1=1",
    "0x27 OR 1=1",
    "CHAR(39)",
    "/**/OR/**/1=1",
    "-1 OR 1=1",
    "1e309",
    "NULL",
    "; ATTACH DATABASE '/tmp/evil.db' AS evil; --",
    "load_extension('/tmp/evil.so')",
    "' OR 1 GLOB 1 --",
)
PLACES = ("state", "recipient", "tag", "account", "created_from", "created_before", "limit", "cursor")
HEADERS = (
    "Authorization",
    "Idempotency-Key",
    "X-Request-Id",
    "traceparent",
    "Prefer",
    "If-Match",
    "Host",
    "User-Agent",
)


def spliced():
    """What is put into a text that looks like SQL, by file: everything but constants of this or another file."""
    for path in FILES:
        tree = ast.parse(path.read_text())
        constants = {
            target.id
            for node in tree.body
            for target in (node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)])
            if isinstance(target, ast.Name)
        }
        imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr) and is_sql(ast.unparse(node)):
                for value in node.values:
                    if isinstance(value, ast.FormattedValue):
                        name = ast.unparse(value.value)
                        module, _, constant = name.rpartition(".")
                        is_known = name in constants | imported or (module in imported and constant.isupper())
                        if not is_known and not name.startswith("', '.join((repr("):
                            yield path.relative_to(SOURCE).as_posix(), name


def is_sql(text):
    return any(
        word in text for word in ("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WHERE ", " = :", "EXISTS ", "VALUES")
    )


def test_statements_are_put_together_from_constants_alone():
    strange = {(file, name) for file, name in spliced() if name not in BUILDERS.get(file, ())}
    assert strange == set()


def test_a_statement_is_never_made_by_another_way_of_formatting():
    """Neither `%` nor `+` of a value, and `.format` only with names of columns."""
    found = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and is_sql(ast.unparse(node.left)):
                found.add((path.name, ast.unparse(node)))
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".format"):
                found.add((path.name, ast.unparse(node)))
    assert found == {("selection.py", "_TAG_TERM.format(id=id_)")}


@pytest.mark.parametrize("text", CORPUS)
def test_the_statement_of_a_list_does_not_depend_on_what_is_looked_for(text):
    by = Filter(project=text, recipient=text, tag=text, account=text, created_from=1.0, created_before=2.0)
    plain = Filter(project="p", recipient="p", tag="p", account="p", created_from=1.0, created_before=2.0)
    assert selection.statement(by, text) == selection.statement(plain, "p")


OF_EVENTS = ("type", "account", "since", "until")
OF_A_WHOLE_MAIL = tuple(parameter.name for parameter in raw_mail.QUERY)
WHOLE = b"From: ann@example.com\r\nTo: bob@example.org\r\nDate: Thu, 01 Jan 2026 09:00:00 +0000\r\n\r\nHello\r\n"


@pytest.fixture(scope="module")
def filled(house):
    for number in range(3):
        assert house.ask("POST", "/v1/emails", MAIL | {"tags": [f"t{number}"]}, project="shop").status == 202
    return house


def listed(house, target):
    answer = house.ask("GET", target, project="shop")
    assert answer.status in (200, 400, 404, 422), (target, answer)
    return answer


def test_every_parameter_is_tried():
    known = {parameter.name for operation in (*MAIL_OPERATIONS, *STEERING) for parameter in operation.query}
    assert known - {"after", "message", "range", *OF_EVENTS, *OF_A_WHOLE_MAIL} == set(PLACES) - {*OF_EVENTS}
    assert len(PLACES) <= query.PARAMETERS_MAX


@pytest.mark.parametrize("name", PLACES)
def test_no_parameter_widens_what_is_found(filled, name):
    for text in CORPUS:
        answer = listed(filled, f"/v1/emails?{name}={quote(text)}")
        assert answer.status == 400 or answer.json["data"] == []


@pytest.mark.parametrize("name", OF_A_WHOLE_MAIL)
def test_no_parameter_of_a_whole_mail_is_more_than_a_text(filled, name):
    kind = [("Content-Type", "message/rfc822")]
    for text in CORPUS:
        told = filled.ask("POST", f"/v1/emails/raw?{name}={quote(text)}", WHOLE, kind, project="whole")
        assert told.status in (202, 400, 404, 422), (text, told)
    assert filled.ask("GET", "/v1/emails?tag=t0", project="shop").json["data"] != []


def test_no_part_of_an_address_widens_what_is_found(filled):
    for text in CORPUS:
        part = quote(text, safe="")
        for target in (f"/v1/emails/{part}", f"/v1/routes/{part}", f"/v1/suppressions/{part}"):
            assert listed(filled, target).status in (404, 422)
        found = filled.ask("POST", "/v1/suppressions/search", {"address": text}, project="shop")
        assert found.status == 422 or found.json["data"] == []
        for name in ("message", "after", *OF_EVENTS):
            answer = listed(filled, f"/v1/events?{name}={part}")
            assert answer.status == 400 or answer.json["data"] == []


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_changes_what_is_done(filled, name):
    for text in CORPUS:
        if not text.isascii() or "\0" in text:
            continue
        answer = filled.ask("POST", "/v1/emails", MAIL, [(name, text)], project="shop")
        assert answer.status in (202, 400), (name, text, answer)


def test_every_text_is_kept_as_it_is_and_found_again(filled):
    for number, text in enumerate(CORPUS):
        if "\0" in text:
            continue
        mail = MAIL | {"tags": [text], "subject": text, "metadata": {"a": text}}
        made = filled.ask("POST", "/v1/emails", mail, [("Idempotency-Key", f"n{number}")], project="quotes")
        [found] = filled.ask("GET", f"/v1/emails?tag={quote(text)}", project="quotes").json["data"]
        assert (found["id"], found["subject"], found["metadata"]) == (made.json["id"], text, {"a": text})


def test_the_store_is_whole_afterwards(filled):
    assert filled.is_honest_to_others()
    assert len(filled.ask("GET", "/v1/emails?tag=t1", project="shop").json["data"]) == 1
