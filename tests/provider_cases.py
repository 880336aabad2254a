"""The fixture folders of the providers, and requests in a form that people can read.

A folder holds `about.json` (an account's settings and, where requests are HTTP, where recipients and files stand in a
body: a path of names, or the name of a form's field; `comma_lists` if many recipients stand in one text; `key_header`
and `more_headers` where these are not the usual ones), `messages/*.json` (a mail and the request that is made of it),
`unsendable.json` (mails that the provider can't be given, and why), `answers.json` (answers and what they mean) and,
where the provider can be asked, `lookups/*.json` (a mail, the question, and answers with what they tell).
"""

import base64
import json
import re
from email import message_from_bytes
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from everpost.dialects.contract import Submission
from everpost.model.account import Account
from everpost.model.message import Address, Attachment, Draft, Message
from everpost.providers.contract import HttpRequest, HttpResponse, SmtpReply, SmtpRequest, Sought
from everpost.wiring import PROVIDERS

FIXTURES = Path(__file__).parent / "fixtures" / "providers"
NAMES = sorted(folder.name for folder in FIXTURES.iterdir())
ID = "em_01jzzzzzzzzzzzzzzzzzzzzzzz.0"
CREATED_AT = 1_767_225_600  # 2026-01-01T00:00:00Z
STARTED_AT = 1_767_225_660
PLAIN = {
    "sender": {"email": "ann@example.com"},
    "to": [{"email": "bob@example.org"}],
    "subject": "Hello",
    "text": "It works",
}

DRAFT = Draft(
    sender=Address("ann@example.com", "Ann"),
    to=(Address("bob@example.org", "Bob"),),
    cc=(Address("cleo@example.org", "Cleo"),),
    bcc=(Address("hidden-7f3a@example.net", "Hidden"),),
    reply_to=(Address("desk@example.com", "Desk"),),
    subject="Hello",
    text="It works",
    html="<p>It works</p>",
    attachments=(
        Attachment(filename="a.txt", content_type="text/plain", content=b"a"),
        Attachment(filename="logo.png", content_type="image/png", content=b"b", content_id="logo-1"),
    ),
    headers={"X-Order": "12"},
    tags=("invoice",),
    metadata={"order": "12"},
)
"""A mail with something in every field."""

_BRACKETED = re.compile(r".*<(.*)>", re.DOTALL)
_MAILBOX = re.compile(r'(?:"(?:[^"\\]|\\.)*" <([^>]+)>|([^,\s"<>]+))(?:, |$)', re.DOTALL)
_PARAMETER = re.compile(r'(name|filename)="((?:[^"\\]|\\.)*)"')


class Case(Struct, frozen=True):
    provider: str
    file: str
    position: int
    value: dict

    def __str__(self):
        return f"{self.provider}: {self.value['says']}"


def cases(pattern):
    """Every case of every folder in the files of this name, one a file or a list of them."""
    found = []
    for path in sorted(FIXTURES.glob(f"*/{pattern}")):
        content = json.loads(path.read_text())
        values = content if isinstance(content, list) else [content]
        provider = path.relative_to(FIXTURES).parts[0]
        found += [Case(provider, path.name, position, value) for position, value in enumerate(values)]
    return found


@cache
def about(provider):
    return json.loads((FIXTURES / provider / "about.json").read_text())


def account_of(provider, settings=None):
    return Account(name="main", provider=provider, settings=about(provider)["settings"] | (settings or {}))


def message_of(value):
    """The accepted mail of a fixture: fields of a Draft, attachments in base64."""
    whole = value | {"id": ID.partition(".")[0], "project": "default", "created_at": CREATED_AT}
    return msgspec.json.decode(msgspec.json.encode(whole), type=Message)


def sought_of(value, provider, delivery_id=ID):
    account = account_of(provider, value.get("settings"))
    message = message_of(value.get("message", PLAIN))
    return Sought(delivery_id=delivery_id, message=message, account=account, started_at=STARTED_AT)


def build(value, provider, delivery_id=ID):
    message = message_of(value["message"])
    return PROVIDERS[provider].build(message, delivery_id, account_of(provider, value.get("settings")))


def built(provider, draft, delivery_id=ID):
    return PROVIDERS[provider].build(draft, delivery_id, account_of(provider))


def fitted(provider, draft):
    """A mail of any kind, cut down to what the provider can carry: to its limits, and to what `carries` of about.json
    says beside them (`subject`: how many characters; `inline`: what the types of inline files begin with;
    `text`: how many characters at least; `without_headers`: those that it writes itself)."""
    limits, carries = PROVIDERS[provider].limits, about(provider).get("carries", {})
    reserved = carries.get("without_headers", ())
    shown = carries.get("inline", "") if limits.inline else None
    attachments = [
        each if shown is not None and each.content_type.startswith(shown) else replace(each, content_id=None)
        for each in draft.attachments
    ]
    return replace(
        draft,
        text=draft.text and draft.text.ljust(carries.get("text", 0), "."),
        html=draft.html and draft.html.ljust(carries.get("text", 0), "."),
        subject=draft.subject[: carries.get("subject")],
        tags=draft.tags[: limits.tags_max],
        reply_to=draft.reply_to[: carries.get("reply_to")],
        attachments=tuple(attachments),
        headers={name: value for name, value in draft.headers.items() if name.lower() not in reserved},
    )


def answer_of(value):
    """An SMTP reply, or an HTTP answer whose body is a text or a JSON value."""
    if "stage" in value:
        return msgspec.convert(value, SmtpReply)
    body = value.get("body", "")
    encoded = body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()
    return HttpResponse(status=value["status"], headers=value.get("headers", {}), body=encoded)


def shown(request):
    """A request with its body decoded."""
    if isinstance(request, SmtpRequest):
        lines = request.data.decode("ascii").split("\r\n")
        return json.loads(msgspec.json.encode(request)) | {"data": lines}
    body = {"body": body_of(request)} if request.body else {}
    return {"method": request.method, "url": request.url, "headers": request.headers} | body


def body_of(request: HttpRequest):
    """A JSON value, or the parts of a form: fields as pairs, files as objects."""
    kind, _, parameters = request.headers["Content-Type"].partition(";")
    if kind == "application/json":
        return json.loads(request.body)
    assert kind == "multipart/form-data"
    mark = b"--" + parameters.partition("boundary=")[2].encode()
    first, *parts, last = (b"\r\n" + request.body).split(b"\r\n" + mark)
    assert (first, last) == (b"", b"--\r\n")
    return [_part(*part.removeprefix(b"\r\n").split(b"\r\n\r\n", 1)) for part in parts]


def _part(head, content):
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    named = {name: re.sub(r"\\(.)", r"\1", value) for name, value in _PARAMETER.findall(headers["Content-Disposition"])}
    if "filename" not in named:
        return [named["name"], content.decode()]
    encoded = base64.b64encode(content).decode()
    return {
        "field": named["name"],
        "filename": named["filename"],
        "content_type": headers["Content-Type"],
        "content": encoded,
    }


def recipients_of(provider, request):
    """Everybody whom the mail goes to, by the request alone."""
    if isinstance(request, SmtpRequest):
        return list(request.rcpt_to)
    found = _found(body_of(request), about(provider)["recipients"])
    if about(provider).get("comma_lists"):
        return [first or second for text in found for first, second in _MAILBOX.findall(text)]
    return [bracketed[1] if (bracketed := _BRACKETED.fullmatch(text)) else text for text in found]


def content_of(provider, request):
    """The bytes that hold the mail; where it may stand in the body in RFC 5322 form (`raw`, in base64), these, too."""
    return request.data if isinstance(request, SmtpRequest) else request.body + _raw_of(provider, request)


def _raw_of(provider, request):
    return b"".join(base64.b64decode(text) for text in _found(body_of(request), about(provider).get("raw", ())))


def files_of(provider, request):
    """What the attachments of a request hold."""
    raw = request.data if isinstance(request, SmtpRequest) else _raw_of(provider, request)
    if raw:
        parts = message_from_bytes(raw).walk()
        return [part.get_payload(decode=True) for part in parts if part.get_filename() is not None]
    return [base64.b64decode(text) for text in _found(body_of(request), about(provider)["files"])]


def _found(body, paths):
    if isinstance(body, dict):
        return [value for path in paths for value in _below(body, path.split("."))]
    fields = [part if isinstance(part, list) else [part["field"], part["content"]] for part in body]
    return [value for path in paths for name, value in fields if name == path]


def _below(value, path):
    if isinstance(value, list):
        return [found for each in value for found in _below(each, path)]
    if not path:
        return [value]
    return _below(value[path[0]], path[1:]) if path[0] in value else []


def submitted(request):
    """A request as the server has received it."""
    parts = urlsplit(request.url)
    return Submission(
        method=request.method,
        path=parts.path,
        query=dict(parse_qsl(parts.query)),
        headers={name.lower(): value for name, value in request.headers.items()} | {"host": parts.netloc},
        body=request.body,
    )


def answered(server, request):
    """What a provider's stand-in says to it."""
    rendered = server.answer(submitted(request))
    return HttpResponse(status=rendered.status, headers=rendered.headers, body=rendered.body)
