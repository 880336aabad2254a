import json
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_a_drill_is_run_and_its_report_is_kept(tmp_path):
    report = tmp_path / "drill.html"
    words = [sys.executable, "-m", "everpost.entrypoints.cli", "drill", "--part", "0.5", "--rate", "20", "--json"]
    ended = subprocess.run([*words, "--report", report], capture_output=True, text=True, check=False, timeout=110)
    told = json.loads(ended.stdout)
    assert (ended.returncode, told["is_good"]) == (0, True), told
    total = told["figures"]["total"]
    assert total["acknowledged"] == total["mails"] > 50
    assert (total["lost"], total["duplicated"]) == (0, 0)
    assert report.read_text().startswith("<!doctype html>")
    assert told["verdict"] in report.read_text()


def test_a_drill_that_is_too_fast_is_refused_with_the_limit(tmp_path):
    words = [sys.executable, "-m", "everpost.entrypoints.cli", "drill", "--rate", "5000"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=110)
    assert ended.returncode != 0
    assert "50" in ended.stderr
