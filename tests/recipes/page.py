"""The blocks of docs/recipes.md."""

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "recipes.md").read_text()
HOST = "everpost.example.com"
PORTS = {"587": "starttls", "465": "tls"}


def block(heading: str, language: str) -> str:
    """The first of its language below the heading."""
    below = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", below, re.DOTALL)[0]


def port_kind(shown: str) -> str:
    """Which of our ports a block by SMTP names."""
    [port] = re.findall(r"\b(587|465)\b", shown)
    return PORTS[port]


def pointed(shown: str, *, at: str, port: int, key: str) -> str:
    """The block, with our server and key in place of the example's."""
    for before, after in ((rf"\b{HOST}\b", at), (r"\b(587|465)\b", str(port)), (r"\bKEY\b", key)):
        shown, count = re.subn(before, after, shown)
        assert count == 1, f"{before} is in the block {count} times"
    return shown
