"""Markdown out of words and tables."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, or nothing where there are no rows."""
    lines = [_line(row) for row in rows]
    return "\n".join([_line(head), _line(["---"] * len(head)), *lines]) + "\n" if lines else ""


def _line(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {_cell(cell)} |" if cell else " |" for cell in cells)


def _cell(text: str) -> str:
    """Within the one line and the one cell that it has."""
    return " ".join(text.replace("|", "\\|").split())


def code(text: object) -> str:
    return f"`{text}`"


def page(title: str, *parts: str) -> str:
    """Parts with a blank line between them; empty ones are left out."""
    return "\n".join([f"# {title}\n", *(part.rstrip("\n") + "\n" for part in parts if part)])


def sentence(words: str) -> str:
    """Words that stand in a comment, as a sentence."""
    return words[:1].upper() + words[1:] + ("" if not words or words.endswith(".") else ".")
