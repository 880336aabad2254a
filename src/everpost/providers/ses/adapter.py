"""Amazon SES v2: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html

The wire signs the request when it leaves. Nobody can be asked what became of a mail: SES knows no search that answers
at once. What an account's configuration set reports names our id, as a tag of the mail.
"""

from typing import Any, Final

import msgspec

from everpost.model.account import Account
from everpost.model.limits import CONTENT_BYTES_MAX
from everpost.model.message import Draft
from everpost.model.outcome import Kind
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.aws import AwsSigning
from everpost.providers.reading import Reading, at, decoded, id_at, read_answer
from everpost.providers.ses import events
from everpost.providers.ses.mail import NAME, fault, whole

REGION: Final = c.Setting(name="region", help="such as eu-central-1", form=c.Form.HOST, required=True)
KEYS: Final = (
    c.Setting(name="access_key_id", help="without it, the process's own role or variables are used", secret=True),
    c.Setting(name="secret_access_key", help="goes with access_key_id", secret=True),
    c.Setting(name="session_token", help="of temporary credentials", secret=True),
)
CONFIGURATION_SET: Final = c.Setting(name="configuration_set", help="what it tells, and to whom")
AT_ONCE: Final = c.Verdict(kind=Kind.THROTTLED, retry_after_s=1.0)

ROWS: Final = (
    c.Row(400, "^(Throttling|TooManyRequests).*daily", c.QUOTA_USED_UP, "of the last 24 hours"),
    c.Row(429, "daily", c.QUOTA_USED_UP, "of the last 24 hours"),
    c.Row(400, "^(Throttling|TooManyRequests)", AT_ONCE, "more a second than it may send"),
    c.Row(429, "", AT_ONCE, "more a second than it may send"),
    *(c.Row(status, "^ExpiredToken", c.UNAVAILABLE, "the next request is signed anew") for status in (400, 403)),
    c.Row(400, "^(MessageRejected.*not verified|MailFromDomainNotVerified)", c.REFUSED_HERE, "this sender's fault"),
    c.Row(400, "^(SendingPaused|AccountSuspended|LimitExceeded|NotFound)", c.REFUSED_ACCOUNT),
    c.Row(400, "^(AccessDenied|NotAuthorized|IncompleteSignature|UnrecognizedClient|OptInRequired)", c.REFUSED_ACCOUNT),
)

# --- the request -----------------------------------------------------------------------------------------------------


def build(message: Draft, delivery_id: str, account: Account) -> c.HttpRequest | c.Unsendable:
    if reason := fault(message):
        return c.Unsendable(reason)
    name = account.settings.get("configuration_set")
    body = ({"ConfigurationSetName": name} if name else {}) | whole(message, delivery_id)
    return request_of("POST", account, "/v2/email/outbound-emails", body)


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
    settings=(REGION, *KEYS, CONFIGURATION_SET, http.BASE_URL, http.WEBHOOK_TOPICS, http.WEBHOOK_QUEUE),
    limits=c.Limits(
        recipients_max=50,
        content_bytes_max=CONTENT_BYTES_MAX,
        raw=True,
        tags_max=0,
        metadata=False,  # but for what can be a tag
        message_id=False,
        file_types=c.FileTypes.NO_COMPOSITES,
    ),
    rows=ROWS,
    fault=fault,
    build=build,
    read=lambda response, _: read_answer(READING, response),
    resolve=None,
    probe=lambda account: request_of("GET", account, "/v2/email/account"),
    webhook=events.WEBHOOK,
)
