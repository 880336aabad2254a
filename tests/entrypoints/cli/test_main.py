import io
import os
import re
import subprocess
import sys

import pytest

from everpost.entrypoints import cli
from everpost.entrypoints.cli.command import Stop
from everpost.entrypoints.cli.screen import Screen, clock_time, plain


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_help_lists_every_command_and_the_exit_codes(everpost):
    ended = everpost("--help")
    assert ended.code == 0
    listed = [line.split()[0] for line in ended.out.splitlines() if re.match(" {4}[a-z]", line)]
    assert listed == list(cli.COMMANDS)
    assert "0 done; 1 it failed" in ended.out
    assert "2 wrong usage" in ended.out


@pytest.mark.parametrize("name", ["send", "show", "accounts", "use", "events"])
def test_every_command_to_a_server_takes_json_url_and_key(everpost, name):
    ended = everpost(name, "--help")
    assert ended.code == 0
    for option in ("--json", "--url", "--key"):
        assert option in ended.out


@pytest.mark.parametrize("words", [[], ["sned"], ["show"], ["send", "--to", "bob@example.org"]])
def test_wrong_usage_ends_with_2(everpost, words):
    ended = everpost(*words)
    assert ended.code == 2
    assert "usage: everpost" in ended.err


def test_without_any_word_all_commands_are_shown(everpost):
    ended = everpost()
    assert ended.code == 2
    assert all(name in ended.err for name in cli.COMMANDS)


@pytest.mark.parametrize("words", [("accounts", "--nonsense"), ("webhooks", "list", "--nonsense"), ("show", "a", "b")])
def test_an_argument_too_many_is_told_with_the_usage_of_its_command(everpost, words):
    ended = everpost(*words)
    assert ended.code == 2
    assert ended.err.startswith(f"usage: everpost {words[0]} ")
    assert f"everpost {words[0]}: error: unrecognized arguments: {words[-1]}" in ended.err


@pytest.mark.parametrize("name", ["keys", "suppressions", "templates", "webhooks"])
def test_a_command_without_its_action_names_the_actions(everpost, name):
    ended = everpost(name)
    assert ended.code == 2
    assert "arguments are required: {" in ended.err
    assert "list" in ended.err


@pytest.mark.parametrize(("name", "word"), [("keys", "API"), ("work", "API"), ("migrate", "PostgreSQL")])
def test_what_a_command_does_keeps_its_capitals(everpost, name, word):
    _, summary = cli.COMMANDS[name]
    assert word in summary
    assert summary[1:] in " ".join(everpost(name, "--help").out.split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("demo", "--mails", "0"), "'0' is not a whole number from 1 to 200"),
        (("drill", "--rate", "0"), "'0' is not a whole number from 1 to 50"),
        (("send", "--from", "a@example.com", "--to", "b@example.org", "--wait", "61"), "'61' is not a whole number"),
        (("serve", "--processes", "65"), "'65' is not a whole number from 1 to 64"),
    ],
)
def test_a_number_out_of_its_range_is_told_with_the_range(everpost, words, told):
    ended = everpost(*words)
    assert ended.code == 2
    assert told in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ("templates", "put", "a", "--text", "nope.txt"),
        ("templates", "render", "a", "--data", "nope.txt"),
        ("suppressions", "import", "nope.txt"),
        ("send", "--from", "a@example.com", "--to", "b@example.org", "--attach", "nope.txt"),
    ],
)
def test_a_file_that_is_not_there_is_named_once_without_the_number_of_the_error(everpost, words):
    ended = everpost(*words)
    assert ended.code == 2
    assert re.fullmatch(r"everpost: nope\.txt can't be (read|attached): No such file or directory\n", ended.err)


def test_the_version_is_told(everpost):
    assert everpost("--version").out.startswith("everpost 0.")


def test_a_command_imports_nothing_of_the_server():
    script = """
import sys
from everpost.entrypoints.cli import main
main(["accounts", "--url", "http://127.0.0.1:1"])
heavy = {"apsw", "uvicorn", "starlette", "aiosmtpd", "everpost.wiring"} & sys.modules.keys()
print(sorted(heavy))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "[]\n"


def test_a_reader_that_goes_away_is_no_failure(server):
    server.put("GET", "/v1/events", 200, {"data": [], "next_cursor": "1"})
    read_fd, write_fd = os.pipe()
    os.close(read_fd)
    words = [sys.executable, "-m", "everpost.entrypoints.cli", "accounts", "--url", server.url, "--json"]
    server.put("GET", "/v1/accounts", 200, {"data": [], "next_cursor": None})
    ended = subprocess.run(words, stdout=write_fd, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(write_fd)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_colours_are_for_terminals_only(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\033[" in Screen(Terminal(), as_json=False).paint("sent")
    assert Screen(io.StringIO(), as_json=False).paint("sent") == "sent"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Screen(Terminal(), as_json=False).paint("sent") == "sent"


def test_a_table_is_aligned_with_and_without_colours(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    rows = [("mailgun", "open", 12), ("sg", "half_open", None)]
    flat, coloured = io.StringIO(), Terminal()
    for stream in (flat, coloured):
        Screen(stream, as_json=False).table(("name", "circuit", "n"), rows, right=("n",))
    assert flat.getvalue().splitlines() == [
        "name     circuit     n",
        "mailgun  open       12",
        "sg       half_open   -",
    ]
    painted = coloured.getvalue()
    assert painted.count("\033[") >= 4
    for code in ("\033[1m", "\033[31m", "\033[33m", "\033[0m"):
        painted = painted.replace(code, "")
    assert [line.rstrip() for line in painted.splitlines()] == flat.getvalue().splitlines()


def test_foreign_text_can_not_steer_the_terminal():
    assert plain("550 \033[2Jno\r\nway\x07") == "550  [2Jno  way "
    stderr = io.StringIO()
    Screen(io.StringIO(), as_json=False).fail(Stop("bad \033]0;x", details=["\033[1m"]), stderr)
    assert "\033" not in stderr.getvalue()


def test_an_instant_is_shown_to_the_millisecond():
    assert clock_time("2030-01-31T09:00:00.123Z").endswith(":00.123")
    assert clock_time(None) == "-"
