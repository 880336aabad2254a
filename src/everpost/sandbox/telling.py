"""Posts events to whom they are for, and again if that did not take them, as the providers do."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from everpost.sandbox.brevo.events import BrevoTeller
from everpost.sandbox.events import FATES, Particular, Post, Teller, Told, barred, fate_of
from everpost.sandbox.faults import FaultKind
from everpost.sandbox.inbox import Caught, Happened, Inbox
from everpost.sandbox.mailersend.events import MailerSendTeller
from everpost.sandbox.mailgun.events import MailgunTeller
from everpost.sandbox.mailjet.events import MailjetTeller
from everpost.sandbox.mailtrap.events import MailtrapTeller
from everpost.sandbox.mandrill.events import MandrillTeller
from everpost.sandbox.postmark.events import PostmarkTeller
from everpost.sandbox.resend.events import ResendTeller
from everpost.sandbox.scaleway.events import ScalewayTeller
from everpost.sandbox.sendgrid.events import SendGridTeller
from everpost.sandbox.ses.events import SesTeller
from everpost.sandbox.sparkpost.events import SparkPostTeller

TELLERS: Final[Mapping[str, type[Teller]]] = {
    "brevo": BrevoTeller,
    "mailersend": MailerSendTeller,
    "mailgun": MailgunTeller,
    "mailjet": MailjetTeller,
    "mailtrap": MailtrapTeller,
    "mandrill": MandrillTeller,
    "postmark": PostmarkTeller,
    "resend": ResendTeller,
    "scaleway": ScalewayTeller,
    "sendgrid": SendGridTeller,
    "ses": SesTeller,
    "sparkpost": SparkPostTeller,
}
TAKEN_FIRST: Final = frozenset({"brevo", "mailgun", "ses"})
"""Who tells of mail to somebody on its list that it has taken it, before it tells that it won't deliver it."""
PAUSES_S: Final = (0.2, 1.0, 5.0, 15.0, 60.0)  # before what was not taken is posted again
ANSWER_S: Final = 10.0
_log = logging.getLogger(__name__)


class Telling:
    """`clock` tells wall-clock time."""

    def __init__(self, clock: Callable[[], float], inbox: Inbox) -> None:
        self._clock = clock
        self._inbox = inbox
        self._tellers: dict[str, Teller] = {}
        self._particular: dict[str, Particular] = {}
        self._urls: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def secret(self, provider: str) -> str | None:
        """By which its events are known; None: it can't sign any here."""
        if provider not in self._tellers:
            try:
                self._tellers[provider] = TELLERS[provider]()
            except ImportError:
                return None
        return self._tellers[provider].secret

    def tell(self, provider: str, url: str, base_url: str) -> dict[str, str]:
        """From now on its events go there, from the sandbox provider at `base_url`. Gives the settings by which an
        account knows them; none, if it can't sign any here."""
        secret = self.secret(provider)
        if secret is None:
            return {}
        self._urls[provider] = url
        teller = self._tellers[provider]
        if not isinstance(teller, Particular):
            return {"webhook_secret": secret}
        self._particular[provider] = teller
        return teller.settings(url, base_url)

    def document(self, provider: str, path: str) -> bytes | None:
        """What the provider's events refer to, at its own port."""
        teller = self._particular.get(provider)
        return None if teller is None else teller.documents.get(path)

    def caught(self, caught: Caught, fate: FaultKind | None = None) -> None:
        """A mail has come: what becomes of it is told for each recipient; by the address, unless `fate` says it."""
        if caught.lost:
            return
        for place, address in enumerate(caught.draft.recipients):
            whats = self._barred(caught.provider, address.email)
            if whats is None:
                whats = FATES.get(fate or "") or fate_of(address.email)
            if fate is FaultKind.MUTE:
                self._list(caught, place, whats)
            else:
                self.told(caught, place, whats)

    def _barred(self, provider: str, email: str) -> Sequence[str] | None:
        """What is told of mail to somebody on the provider's list; None: that is not where they are."""
        why = self._inbox.listed[provider](email) if provider in self._inbox.listed else None
        if why is None:
            return None
        whats = (*(("queued",) if provider in TAKEN_FIRST else ()), barred(why))
        return [what for what in whats if what in TELLERS[provider].native]

    def tells(self, provider: str) -> bool:
        """Whether somebody is told what becomes of mail at this provider."""
        return provider in self._urls

    def told(self, caught: Caught, place: int, whats: Sequence[str]) -> bool:
        """Tells this, in this order, as far as the provider has events for it; False: nobody is told anything."""
        self._list(caught, place, whats)
        url = self._urls.get(caught.provider)
        teller = self._tellers.get(caught.provider)
        known = [what for what in whats if teller is not None and what in teller.native]
        if url is None or teller is None or not known:
            return False
        events = [Told(caught=caught, place=place, what=what, at=self._clock()) for what in known]
        posts = teller.posts(events, self._clock())
        task = asyncio.create_task(self._post_all(url, posts))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    def _list(self, caught: Caught, place: int, whats: Sequence[str]) -> None:
        """For whoever asks, be anybody told or not."""
        self._inbox.tell(caught.id, [Happened(place, what, self._clock()) for what in whats])

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _post_all(self, url: str, posts: Sequence[Post]) -> None:
        for post in posts:
            for pause_s in (*PAUSES_S, None):
                if await _posted(url, post) or pause_s is None:
                    break
                await asyncio.sleep(pause_s)


async def _posted(url: str, post: Post) -> bool:
    """Whether it was taken."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return await _status(url, post) == b"200"
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        _log.info("an event of the sandbox was not taken", extra={"error": str(error)})
        return False


async def _status(url: str, post: Post) -> bytes:
    to = urlsplit(url)
    reader, writer = await asyncio.open_connection(to.hostname, to.port)
    try:
        fields = {"Host": to.netloc, "Content-Type": "application/json", "Connection": "close"} | post.headers
        lines = [f"POST {to.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        head = "\r\n".join([*lines, f"Content-Length: {len(post.body)}", "", ""])
        writer.write(head.encode() + post.body)
        line = await reader.readline()
        return line.split(b" ")[1] if line.count(b" ") else b""
    finally:
        writer.close()
