"""Takes docs/images/page.png: the story of a mail that one account refuses and the next one takes (`make pictures`)."""

import tempfile
from pathlib import Path
from typing import Final

from page_kit import chromium, serve, tab

PICTURE: Final = Path(__file__).resolve().parent.parent / "docs" / "images" / "page.png"
SIZE: Final = {"width": 1100, "height": 770}
MAIL: Final = {
    "from": "Shop <shop@example.com>",
    "to": ["Bob <bob@example.org>", "Carol <carol@example.org>"],
    "bcc": ["audit@example.com"],
    "subject": "Invoice 4711",
    "text": "Here it is.",
    "tags": ["invoice", "eu"],
    "metadata": {"order": "4711"},
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as served, chromium() as browser:
        served.control("PUT", "mailgun/faults", {"kind": "status", "status": 401})
        mail = served.ask("POST", "/v1/emails", MAIL, [("Prefer", "wait=10")]).json["id"]
        with tab(browser, f"http://127.0.0.1:{served.port}", viewport=SIZE) as watched:
            watched.page.add_init_script(f"sessionStorage.setItem('everpost.key', {served.token()!r})")
            page = watched.goto(f"messages/{mail}")
            page.get_by_text("Attempt 2").wait_for()
            page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
