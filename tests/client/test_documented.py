"""What docs/client.md shows is run, and is sound to a strict type checker."""

import asyncio
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from everpost.client import Everpost

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "client.md").read_text(), re.DOTALL)
PROGRAMS = [block for block in BLOCKS if "import" in block]


def judged(folder, *programs):
    for number, program in enumerate(programs):
        (folder / f"example_{number}.py").write_text(program)
    words = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(folder)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False).stdout.splitlines()


def test_a_strict_type_checker_finds_the_examples_sound_and_a_wrong_one_not(tmp_path):
    wrong = PROGRAMS[0].replace('to=["Bob <bob@example.org>"]', "to=7").replace("sent.id", "sent.idd")
    told = judged(tmp_path, *PROGRAMS, wrong)
    assert {line.partition(":")[0].rpartition("/")[2] for line in told} == {f"example_{len(PROGRAMS)}.py"}, told
    assert [re.search(r"\[([a-z-]+)\]$", line)[1] for line in told if "error" in line] == ["arg-type", "attr-defined"]


@pytest.mark.parametrize("house", [Everpost], indirect=True)
async def test_the_examples_do_what_they_show(house, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("EVERPOST_URL", house.way.url)
    monkeypatch.setenv("EVERPOST_KEY", house.token)
    first, *others = PROGRAMS
    await asyncio.to_thread(exec, first.replace('"https://mail.example.com", "evp_…"', ""), {})
    names = {}
    for program in others:
        exec(program, names)
    file = tmp_path / "4711.pdf"
    file.write_bytes(b"%PDF")
    assert await names["remind"]("bob@example.org") == "sent"

    at = datetime.now(UTC) + timedelta(hours=1)

    def call():
        with Everpost() as everpost:
            faulty = names["try_to_send"](everpost, "bob")
            twice = [names["invoice"](everpost, "bob@example.org", file, b"\x89PNG", at) for _ in range(2)]
            return faulty, twice

    faulty, twice = await asyncio.to_thread(call)
    assert (faulty, len(set(twice))) == (None, 1)
    assert "email.sent" in (told := capsys.readouterr().out)
    assert "to: " in told
    assert len(await house.mails()) == 3
