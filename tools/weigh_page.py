"""Tells what a visit of the page costs: its weight as it is sent, and the time until it shows something."""

import statistics
import tempfile
from pathlib import Path
from typing import Final

from page_kit import FOLDER, chromium, dev, tab
from page_views import VIEWS, Api, furnished

VISITS: Final = 5
SHOWN: Final = "() => document.querySelector('h1') && !document.querySelector('main .reading, main [aria-busy=true]')"
SENT: Final = """() => performance.getEntries().filter((one) => "encodedBodySize" in one && !one.name.includes("/v1/"))
  .reduce((sum, one) => sum + one.encodedBodySize, 0)"""
PAINTED: Final = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, dev(Path(folder)) as address, chromium() as browser:
        api = furnished(Api(address))
        offered = api.operations
        print(f"{len(list(FOLDER.rglob('*.*')))} files; ms to the first paint, ms until all is read, KB of files")
        for view in (each for each in VIEWS if each.needs in offered):
            visits = []
            for _ in range(VISITS):
                with tab(browser, address) as watched:
                    page = watched.goto(api.address(view))
                    page.wait_for_function(SHOWN, polling="raf")
                    visits.append(
                        (page.evaluate(PAINTED), page.evaluate("performance.now()"), page.evaluate(SENT) / 1000)
                    )
            painted, shown, sent = (statistics.median(each) for each in zip(*visits, strict=True))
            print(f"{view.name:<14} {painted:6.0f} {shown:6.0f} {sent:6.1f}")


if __name__ == "__main__":
    main()
