"""The page in a real Chromium, watched: what it asks for, what its policy stops, and what breaks in it."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from attacks.house import Served, answers, running, sandbox, until
from server_kit import API_ACCOUNTS, EVERPOST, HOST, free_ports
from slow_page import slow_down
from system_parts import program

FOLDER = Path(__file__).resolve().parents[1] / "src" / "everpost" / "entrypoints" / "ui"
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
CONFIG = """
data = "{folder}/data"
[http]
port = {port}
page_origins = [{origins}]
[log]
level = "error"
{accounts}
"""
LISTEN = """
window.stopped = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.stopped.push(event.effectiveDirective + " " + event.blockedURI));
const known = new WeakSet(); // elements of index.html, and those that a script has asked for by name
for (const name of ["createElement", "createElementNS"]) {
  const make = Document.prototype[name];
  Document.prototype[name] = function (...args) {
    const element = make.apply(this, args);
    known.add(element);
    return element;
  };
}
document.addEventListener("readystatechange", () => document.readyState === "interactive"
  && document.querySelectorAll("*").forEach((element) => known.add(element)));
window.foreign = () => [...document.body.querySelectorAll("*")].filter((element) => !known.has(element));
"""
QUIET = """() => document.querySelector("main .heading")
  && document.querySelector("main .reading, main [aria-busy=true]") === null
  && new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn(true))))"""
FOREIGN = """() => {
  const all = [...document.querySelectorAll("*")];
  const names = (element) => element.getAttributeNames();
  const isBad = (name) => name.startsWith("on") || ["style", "srcdoc"].includes(name);
  const isFree = (frame) => frame.sandbox.length || !frame.hasAttribute("sandbox");
  const address = (element) => new URL(element.getAttribute("href") ?? element.src, document.baseURI);
  const leadsAway = ({ protocol, origin }) => !["about:", "blob:"].includes(protocol) && origin !== location.origin;
  return [
    ...window.foreign(),
    ...all.filter((element) => names(element).some(isBad)),
    ...all.filter((element) => element.matches("iframe") && isFree(element)),
    ...all.filter((element) => element.matches("[src], [href]") && leadsAway(address(element))),
  ].map((element) => element.cloneNode().outerHTML.slice(0, 300));
}"""


@dataclass
class Watched:
    """A tab, and what was seen of it."""

    page: Page
    base: str
    asked: list[str] = field(default_factory=list)  # addresses of requests
    broken: list[str] = field(default_factory=list)

    def goto(self, route: str) -> Page:
        self.page.goto(f"{self.base}/#/{route}")
        return self.page

    def forget(self, request: Request) -> None:
        """What a policy has stopped was never asked for: a mail's frame tries, and gets nowhere."""
        if request.failure == "csp" and request.frame != self.page.main_frame:
            self.asked.remove(request.url)

    def settled(self) -> None:
        """Waits until it has read what it shows, and has drawn it."""
        self.until(QUIET)

    def until(self, expression: str) -> None:
        """Waits until it holds. Playwright's own way evaluates strings in the page, which its policy forbids."""
        until(lambda: self.page.evaluate(expression))

    @property
    def origins(self) -> set[str]:
        parts = [urlsplit(address) for address in self.asked]
        return {f"{part.scheme}://{part.netloc}" for part in parts if part.scheme not in ("data", "blob")}

    @property
    def stopped(self) -> list[str]:
        """What its policy has stopped since the page was loaded."""
        return list(self.page.evaluate("window.stopped"))

    @property
    def foreign(self) -> list[str]:
        """What on the page was not made by its own scripts, or may do what nothing there may: run, call elsewhere."""
        return list(self.page.evaluate(FOREIGN))


@contextmanager
def chromium() -> Iterator[Browser]:
    path = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def tab(browser: Browser, base: str, **options: Any) -> Iterator[Watched]:
    # Without motion: what is looked at on its way from one colour to the other is neither.
    context = browser.new_context(**({"viewport": DESKTOP, "locale": "en-GB", "reduced_motion": "reduce"} | options))
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(LISTEN)
    watched = Watched(context.new_page(), base)
    slow_down(context, watched.page)
    watched.page.on("request", lambda request: watched.asked.append(request.url))
    watched.page.on("requestfailed", watched.forget)
    watched.page.on("pageerror", lambda error: watched.broken.append(str(error)))
    watched.page.on("dialog", lambda dialog: (watched.broken.append(dialog.message), dialog.dismiss()))
    yield watched
    context.close()


@contextmanager
def dev(folder: Path) -> Iterator[str]:
    """`everpost dev`; yields its address."""
    port, smtp = free_ports(2)
    words = ("dev", "--port", str(port), "--smtp-port", str(smtp), "--data", folder / "data")
    log = folder / "dev.log"
    with running((*EVERPOST, *words), log) as process:
        until(lambda: answers(port, "/readyz", process, log))
        yield f"http://{HOST}:{port}"


@contextmanager
def serve(folder: Path, *origins: str) -> Iterator[Served]:
    """`everpost serve` with keys and a sandbox, for pages of these origins, too."""
    [port] = free_ports(1)
    with sandbox(folder) as ports:
        config, log = folder / "everpost.toml", folder / "server.log"
        listed = ", ".join(f'"{origin}"' for origin in origins)
        accounts = API_ACCOUNTS.format(patience_s=5, **ports)
        config.write_text(CONFIG.format(folder=folder, port=port, origins=listed, accounts=accounts))
        config.chmod(0o600)
        with running((*EVERPOST, "serve", "--config", config), log) as process:
            until(lambda: answers(port, "/readyz", process, log))
            yield Served(process, port, folder, ports)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name that it is called by
        pass


@contextmanager
def static_host(folder: Path) -> Iterator[str]:
    """Any web server over a folder; yields its origin."""
    with http.server.ThreadingHTTPServer((HOST, 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{HOST}:{server.server_port}"
        server.shutdown()
        thread.join()
