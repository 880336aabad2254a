"""Takes pictures of every view of the page, light and dark, at a desk and on a phone: docs/images, `make pictures`.

The views are those of the page's own table. They are shown by a server with keys and a sandbox behind it, in which one
provider has just failed; what only `everpost dev` offers is shown by that.
"""

import base64
import itertools
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page

from attacks.house import until
from page_kit import DESKTOP, PHONE, chromium, dev, serve, tab
from page_views import VIEWS, Api, View, furnished

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "images"
SIZES: Final = {"desktop": DESKTOP, "phone": PHONE}
SCHEMES: Final = ("light", "dark")
QUALITY: Final = 55  # of WebP: small text has no halo yet


def main() -> None:
    for old in FOLDER.glob("*.webp"):
        old.unlink()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        served = stack.enter_context(serve(folder))
        api = Api(f"http://127.0.0.1:{served.port}", served.token())
        furnished(api)
        served.control("PUT", "mailgun/faults", {"kind": "status", "status": 401})
        api.ids["message"] = api.sent()
        until(lambda: has_figures(api))
        (folder / "dev").mkdir()
        apis = [api, furnished(Api(stack.enter_context(dev(folder / "dev"))))]
        browser = stack.enter_context(chromium())
        for view in VIEWS:
            taken(browser, next(each for each in apis if view.needs in each.operations), view)


def has_figures(api: Api) -> bool:
    """Whether the figures over time know of the last mail, which failed over: they come some seconds later."""
    return any(any(one["failovers_to"]) for one in api.ask("GET", "/v1/series?range=15m")["accounts"])


def taken(browser: Browser, api: Api, view: View) -> None:
    for (size, viewport), scheme in itertools.product(SIZES.items(), SCHEMES):
        options = {"viewport": viewport, "color_scheme": scheme, "reduced_motion": "reduce"}
        with tab(browser, api.base, **options) as watched:
            if api.token:
                watched.page.add_init_script(f"sessionStorage.setItem('everpost.key', {api.token!r})")
            watched.goto(api.address(view))
            watched.settled()
            (FOLDER / f"{view.name}-{size}-{scheme}.webp").write_bytes(picture(watched.page))


def picture(page: Page) -> bytes:
    """The page as it is on the screen, as WebP."""
    session = page.context.new_cdp_session(page)
    shot = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    return base64.b64decode(shot["data"])


if __name__ == "__main__":
    main()
