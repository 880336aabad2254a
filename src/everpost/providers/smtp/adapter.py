"""SMTP submission (RFC 6409): any server that takes mail with or without a login. Nobody can be asked afterwards.

A negative reply at any stage means that the mail was not taken (RFC 5321 4.2.5); only a missing reply to the final
dot leaves that open, and such faults of the wire are not read here.
"""

import re
from typing import Any, Final

from everpost.model.account import Account
from everpost.model.limits import CONTENT_BYTES_MAX, REASON_CHARS_MAX
from everpost.model.message import Draft
from everpost.model.outcome import Kind, Outcome
from everpost.providers import contract as c
from everpost.providers.contract import Row
from everpost.providers.contract import SmtpStage as S
from everpost.providers.fields import without_repeats
from everpost.providers.mime import mime_fault, render_mime
from everpost.providers.reading import WORDS_CHARS_MAX

PORTS: Final = {c.Security.STARTTLS: 587, c.Security.TLS: 465, c.Security.NONE: 25}  # RFC 8314
BUSY: Final = c.Verdict(kind=Kind.THROTTLED, retry_after_s=60.0)
RECIPIENT_LATER: Final = c.Verdict(kind=Kind.THROTTLED, retry_after_s=0.0)  # says nothing of the account
CONTENT: Final = r"55\d 5\.7\.\d+ .*(spam|virus|malware|content|message|url|sender|from|spf|dkim|dmarc)"

ROWS: Final = (
    Row((S.RCPT,), r"4.. 4\.2\.2", RECIPIENT_LATER, "the recipient's mailbox is full"),
    Row((S.RCPT, S.DOT), r"5.. 5\.2\.2", c.REFUSED_HERE, "the recipient's mailbox is full"),
    Row((), r"... .*((maximum credits|quota) exceeded|exceeded .*messaging limits)", c.QUOTA_USED_UP),
    Row((), r"... .*(too many connections|throttl|rate limit|limit exceeded)", BUSY),
    Row((), r"421", c.UNAVAILABLE, "the server closes the connection"),
    Row((S.GREETING, S.TLS), "", c.UNAVAILABLE, "whatever the reply, there is no session"),
    Row((S.AUTH,), r"5", c.REFUSED_ACCOUNT),
    Row((S.MAIL, S.RCPT, S.DATA, S.DOT), r"552|5.. 5\.(3\.4|2\.3)", c.REFUSED_HERE, "over the size"),
    Row((S.MAIL,), r"530|53[458]", c.REFUSED_ACCOUNT, "a login is needed"),
    Row((S.RCPT,), r"452 4\.5\.3", c.REFUSED_HERE, "too many recipients"),
    Row((S.RCPT,), r"4", RECIPIENT_LATER),
    Row((S.RCPT,), r"501|5.. 5\.1\.[123]", c.REJECTED, "there is no such address"),
    Row((S.RCPT,), r"5.. (5\.7\.1 )?.*relay", c.REFUSED_ACCOUNT, "a login is needed"),
    Row((S.DATA, S.DOT), r"5.. 5\.6\.", c.REJECTED, "the content"),
    Row((S.DATA, S.DOT), CONTENT, c.REFUSED_HERE, "a policy on this content or sender"),
    Row((S.DATA, S.DOT), r"5.. 5\.7\.", c.REFUSED_ACCOUNT, "a policy on this account"),
    Row((), r"4", c.UNAVAILABLE, "not taken, for now"),
    Row((), r"5", c.REFUSED_HERE, "not taken"),
    Row((S.AUTH, S.NOOP, S.MAIL, S.RCPT, S.DATA), "", c.UNAVAILABLE, "nonsense, but no content has gone out"),
)
_ENHANCED: Final = re.compile(r"[245](\.\d{1,3}\.\d{1,3}\b)")  # RFC 3463
_QUEUED: Final = re.compile(r"(?:queued as |\bok:? id=|\bok:? (?=\S*\d))<?([\w.@+=/-]+)", re.IGNORECASE)


def build(message: Draft, delivery_id: str, account: Account) -> c.SmtpRequest | c.Unsendable:
    if reason := fault(message):
        return c.Unsendable(reason)
    return c.SmtpRequest(
        **_session(account),
        mail_from=message.sender.email,
        rcpt_to=tuple(address.email for group in without_repeats(message) for address in group),
        data=render_mime(message, delivery_id),
    )


def _session(account: Account) -> dict[str, Any]:
    settings = account.settings
    security = c.Security(settings.get("security") or c.Security.STARTTLS)
    return {
        "host": settings["host"],
        "port": int(settings.get("port") or PORTS[security]),
        "security": security,
        "username": settings.get("username"),
        "password": settings.get("password"),
    }


def fault(message: Draft) -> str | None:
    if message.provider_options.get("smtp"):
        return "SMTP has no options that provider_options could set"
    return mime_fault(message)


def read(reply: c.SmtpReply, _: Account) -> Outcome:
    """What the deciding reply says. Of an accepted mail the id is whatever the server calls its queue entry."""
    if reply.stage is S.DOT and 200 <= reply.code < 300:
        queued = _QUEUED.search(reply.text)
        return Outcome(
            kind=Kind.ACCEPTED, status=reply.code, provider_message_id=queued[1] if queued else None, text=_text(reply)
        )
    # The code decides when it and the enhanced code's first digit disagree.
    said = f"{reply.code} " + _ENHANCED.sub(rf"{reply.code // 100}\1", reply.text[:WORDS_CHARS_MAX], count=1)
    verdict = next((row.verdict for row in ROWS if _fits(row, reply.stage, said)), c.UNKNOWN)
    return Outcome(
        kind=verdict.kind,
        status=reply.code,
        text=_text(reply),
        account_fault=verdict.account_fault,
        retry_after_s=verdict.retry_after_s,
    )


def _fits(row: Row, stage: S, said: str) -> bool:
    holds = not row.where or (isinstance(row.where, tuple) and stage in row.where)
    return holds and re.match(row.text, said, re.IGNORECASE | re.DOTALL) is not None


def _text(reply: c.SmtpReply) -> str:
    return f"{reply.stage}: {reply.text}"[:REASON_CHARS_MAX]


PROVIDER: Final = c.Provider(
    name="smtp",
    title="SMTP",
    docs="https://www.rfc-editor.org/rfc/rfc6409",
    settings=(
        c.Setting(name="host", form=c.Form.HOST, help="name of the server", required=True),
        c.Setting(name="port", form=c.Form.PORT, help="587 with starttls, 465 with tls, 25 with none"),
        c.Setting(name="security", help="how the connection is encrypted", default="starttls", choices=tuple(PORTS)),
        c.Setting(name="username", help="for AUTH; without it there is no login"),
        c.Setting(name="password", help="for AUTH", secret=True),
    ),
    limits=c.Limits(
        recipients_max=100,  # as many as RFC 5321 4.5.3.1.8 promises
        content_bytes_max=CONTENT_BYTES_MAX,
        raw=True,
        tags_max=0,
        metadata=False,
        file_types=c.FileTypes.NO_COMPOSITES,
    ),
    rows=ROWS,
    fault=fault,
    build=build,
    read=read,
    resolve=None,
    probe=lambda account: c.SmtpProbe(**_session(account)),
)
