"""The pictures of the page: all of its views, small enough to be read with the text around them, and used."""

import re
from pathlib import Path

from page_views import VIEWS

DOCS = Path(__file__).resolve().parent.parent / "docs"
BYTES_MAX = 1_500_000  # all of them
KINDS = [f"{size}-{scheme}" for size in ("desktop", "phone") for scheme in ("light", "dark")]


def test_every_view_has_its_pictures_and_there_are_no_others():
    expected = {f"{view.name}-{kind}.webp" for view in VIEWS for kind in KINDS}
    assert {file.name for file in (DOCS / "images").iterdir()} == expected, "run make pictures"


def test_they_are_small():
    assert sum(file.stat().st_size for file in (DOCS / "images").iterdir()) <= BYTES_MAX


def test_the_guide_of_the_page_shows_every_view():
    shown = re.findall(r"images/(\w+)-desktop-light\.webp", (DOCS / "page.md").read_text())
    assert set(shown) == {view.name for view in VIEWS}
