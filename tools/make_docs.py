"""Writes docs/reference, the Postman collection and the dashboard from the code, docs/cost.md from its figures, and
the table of docs/proof/supply-chain.md from uv.lock: `make docs`. With a folder as argument, docs/reference alone,
there."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from chain import lists
from collection import files
from pages import (
    api,
    configuration,
    cost,
    dashboard,
    events,
    faults,
    formats,
    limits,
    metrics,
    postman,
    provider,
    providers,
)

from everpost.wiring import PROVIDERS

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE: Final = "<!-- Made from the code by `make docs`: change the code, not this page. -->\n\n"
COST_NOTE: Final = "<!-- Made from tools/pages/cost.toml by `make docs`: change the figures, not this page. -->\n\n"
PAGES: Final[dict[str, Callable[[], str]]] = {
    "api.md": api.page,
    "configuration.md": configuration.page,
    "events.md": events.page,
    "faults.md": faults.page,
    "limits.md": limits.page,
    "metrics.md": metrics.page,
    "postman.md": postman.page,
    "providers.md": providers.page,
    "webhook-formats.md": formats.page,
    **{f"providers/{name}.md": partial(provider.page, each) for name, each in PROVIDERS.items()},
}


def write(folder: Path) -> None:
    (folder / "providers").mkdir(parents=True, exist_ok=True)
    for page_of_a_provider in (folder / "providers").iterdir():  # some may be gone
        page_of_a_provider.unlink()
    for name, page in PAGES.items():
        (folder / name).write_text(NOTE + page())
    document = json.dumps(api.document(), indent=2, ensure_ascii=False)
    (folder / "openapi.json").write_text(document + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
    if len(sys.argv) == 1:
        files.write(api.document())
        lists.PAGE.write_text(lists.with_table(lists.PAGE.read_text()))
        cost.PAGE.write_text(COST_NOTE + cost.page())
        dashboard.FILE.write_text(dashboard.text())
