"""Amazon SES v2: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html

The wire signs the request when it leaves. Nobody can be asked what became of a mail: SES knows no search that answers
at once. What an account's configuration set reports names our id, as a tag of the mail.
"""

from base64 import b64encode
from typing import Any, Final

import msgspec

from everpost.model.account import Account
from everpost.model.ids import CORRELATION_KEY
from everpost.model.limits import CONTENT_BYTES_MAX
from everpost.model.message import Draft
from everpost.model.outcome import Kind
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.aws import AwsSigning
from everpost.providers.fields import without_repeats
from everpost.providers.mime import ascii_mailbox, mime_fault, render_mime
from everpost.providers.options import merge_fault, merged
from everpost.providers.reading import Reading, at, decoded, id_at, read_answer

NAME: Final = "ses"
REGION: Final = c.Setting(name="region", help="such as eu-central-1", form=c.Form.HOST, required=True)
KEYS: Final = (
    c.Setting(name="access_key_id", help="without it, the process's own role or variables are used", secret=True),
    c.Setting(name="secret_access_key", help="goes with access_key_id", secret=True),
    c.Setting(name="session_token", help="of temporary credentials", secret=True),
)
CONFIGURATION_SET: Final = c.Setting(name="configuration_set", help="what it tells, and to whom")
ID_HEADER: Final = "X-Everpost-Id"
OWN: Final = (("FromEmailAddress",), ("Destination",), ("ReplyToAddresses",))
NAME_CHARS_MAX, VALUE_CHARS_MAX = 126, 870  # of a header in simple content
AT_ONCE: Final = c.Verdict(kind=Kind.THROTTLED, retry_after_s=1.0)

ROWS: Final = (
    c.Row(400, "^(Throttling|TooManyRequests).*daily", c.QUOTA_USED_UP, "of the last 24 hours"),
    c.Row(429, "daily", c.QUOTA_USED_UP, "of the last 24 hours"),
    c.Row(400, "^(Throttling|TooManyRequests)", AT_ONCE, "more a second than it may send"),
    c.Row(429, "", AT_ONCE, "more a second than it may send"),
    c.Row(400, "^ExpiredToken", c.UNAVAILABLE, "the next request is signed by new credentials"),
    c.Row(403, "^ExpiredToken", c.UNAVAILABLE, "the next request is signed by new credentials"),
    c.Row(400, "^(MessageRejected.*not verified|MailFromDomainNotVerified)", c.REFUSED_HERE, "this sender's fault"),
    c.Row(400, "^(SendingPaused|AccountSuspended|LimitExceeded|NotFound)", c.REFUSED_ACCOUNT),
    c.Row(400, "^(AccessDenied|NotAuthorized|IncompleteSignature|UnrecognizedClient|OptInRequired)", c.REFUSED_ACCOUNT),
)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    if reason := fault(message):
        return c.Unsendable(reason)
    options = message.provider_options.get(NAME, {})
    name = account.settings.get("configuration_set")
    tag = {"Name": CORRELATION_KEY, "Value": delivery_id.replace(".", "-")}  # it takes no dot
    whole = {
        **({"ConfigurationSetName": name} if name else {}),
        **({"Content": _content(message, delivery_id)} | options),
        **_envelope(message),
        "EmailTags": [tag, *options.get("EmailTags", [])],
    }
    if "Raw" in whole["Content"]:  # which names them itself
        whole.pop("ReplyToAddresses", None)
    return request_of("POST", account, "/v2/email/outbound-emails", whole)


def fault(message: Draft) -> str | None:
    options = message.provider_options.get(NAME, {})
    content, tags = options.get("Content", {"Template": {}}), options.get("EmailTags", [])
    if not (isinstance(content, dict) and [*content] == ["Template"] and isinstance(tags, list)):
        return "SES takes provider_options with a list of EmailTags, and with a Template as their only Content"
    if "Content" in options and (message.attachments or message.headers):
        return "a template of SES can't be joined by files and headers of the mail"
    ours = _envelope(message)
    return mime_fault(message) or merge_fault(ours, merged(ours, options), OWN, ())


def _envelope(message: Draft) -> dict[str, Any]:
    groups = zip(("ToAddresses", "CcAddresses", "BccAddresses"), without_repeats(message), strict=True)
    named = {name: [ascii_mailbox(each) for each in group] for name, group in groups if group}
    envelope = {"FromEmailAddress": ascii_mailbox(message.sender), "Destination": named}
    replies = [ascii_mailbox(each) for each in dict.fromkeys(message.reply_to)]
    return envelope | ({"ReplyToAddresses": replies} if replies else {})


def _content(message: Draft, delivery_id: str) -> dict[str, Any]:
    """Simple, or a whole mail of our own where that can't hold it: files, and headers that SES would not take."""
    if not _is_simple(message):
        return {"Raw": {"Data": b64encode(render_mime(message, delivery_id)).decode()}}
    bodies = {name: _text(text) for name, text in (("Text", message.text), ("Html", message.html)) if text}
    headers = message.headers | {ID_HEADER: delivery_id}
    listed = [{"Name": name, "Value": value} for name, value in headers.items() if name.lower() != "message-id"]
    return {"Simple": {"Subject": _text(message.subject), "Body": bodies, "Headers": listed}}


def _is_simple(message: Draft) -> bool:
    plain = all(
        len(name) <= NAME_CHARS_MAX and len(value) <= VALUE_CHARS_MAX and value.isascii() and value.strip()
        for name, value in message.headers.items()
    )
    return plain and not message.attachments and bool(message.text or message.html)


def _text(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def request_of(method: str, account: Account, path: str, body: Any = None) -> c.HttpRequest:
    region = account.settings["region"]
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    url = http.url_of(account, {region: f"https://email.{region}.{domain}"}, path)
    keys = {key.name: account.settings.get(key.name) or None for key in KEYS}
    return c.HttpRequest(
        method=method,
        url=url,
        headers={"User-Agent": "everpost"} | ({"Content-Type": "application/json"} if body else {}),
        body=msgspec.json.encode(body) if body else b"",
        signing=AwsSigning(region=region, service="ses", **keys),
    )


# --- the answer ------------------------------------------------------------------------------------------------------


def _words(response: c.HttpResponse) -> str | None:
    """The kind of error comes first."""
    body = decoded(response.body)
    kind = response.headers.get("x-amzn-errortype") or str(at(body, "__type") or "")
    said = at(body, "message") or at(body, "Message")
    return f"{kind.rpartition('#')[2].partition(':')[0]}: {said}" if kind else None


READING: Final = Reading(words=_words, message_id=lambda response: id_at(response, "MessageId"), rows=ROWS)

PROVIDER: Final = c.Provider(
    name=NAME,
    title="Amazon SES",
    docs="https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html",
    settings=(REGION, *KEYS, CONFIGURATION_SET, http.BASE_URL),
    limits=c.Limits(recipients_max=50, content_bytes_max=CONTENT_BYTES_MAX),
    rows=ROWS,
    fault=fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=None,
    probe=lambda account: request_of("GET", account, "/v2/email/account"),
)
