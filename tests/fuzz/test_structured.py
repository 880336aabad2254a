"""Inputs made by rule rather than by chance: nearly right bodies, hostile mails, and one mail in five forms."""

import json
from email.header import Header
from email.message import Message as Part
from email.utils import formataddr
from urllib.parse import urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import drafts
from everpost.dialects import legacy, mailgun, mime, sendgrid
from everpost.dialects.contract import Parsed, Submission
from everpost.dialects.native import mail as native
from everpost.dialects.native.schema import EmailRequest, RouteRequest
from everpost.model.account import Account
from everpost.model.limits import ANSWER_BODY_BYTES_MAX, ANSWER_HEAD_BYTES_MAX
from everpost.model.message import Address, Attachment, Draft
from everpost.providers.contract import Unsendable
from everpost.providers.smtp import adapter as smtp
from fuzz.targets import addresses, http_answers
from fuzz.targets import native as native_target
from fuzz.targets import settings as settings_target
from fuzz.targets.mime import check_written

ACCOUNT = Account(name="main", provider="smtp", settings={"host": "smtp.example.com"})
ID = "em_01jzzzzzzzzzzzzzzzzzzzzzzz.0"
steady = settings(derandomize=True, max_examples=150, suppress_health_check=list(HealthCheck))

# --- one mail in five forms ------------------------------------------------------------------------------------------

short_names = st.text(drafts.LINE, max_size=20).map(str.strip)
mailboxes = st.builds(Address, drafts.emails, short_names)
bodies = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=100)


@st.composite
def plain_mails(draw):
    envelope = draw(st.lists(mailboxes, min_size=1, max_size=4, unique_by=lambda one: one.email.lower()))
    to, cc = sorted(draw(st.tuples(st.integers(1, len(envelope)), st.integers(1, len(envelope)))))
    return Draft(
        sender=draw(mailboxes),
        to=tuple(envelope[:to]),
        cc=tuple(envelope[to:cc]),
        bcc=tuple(Address(one.email) for one in envelope[cc:]),
        subject=draw(st.text(drafts.LINE, min_size=1, max_size=60).map(str.strip).filter(bool)),
        text=draw(bodies),
        html=draw(st.none() | bodies),
    )


def quoted(one):
    escaped = one.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{one.email}>' if one.name else one.email


def in_native(mail):
    lists = {name: [{"email": one.email, "name": one.name} for one in getattr(mail, name)] for name in LISTS}
    return native.parse(json.dumps({"from": quoted(mail.sender), **lists, **words(mail)}).encode())


def in_legacy(mail):
    lists = {name: ", ".join(map(quoted, getattr(mail, name))) for name in LISTS}
    return legacy.parse(json.dumps({"from": quoted(mail.sender), **lists, **words(mail)}).encode())


def in_sendgrid(mail):
    lists = {name: [{"email": one.email, "name": one.name} for one in getattr(mail, name)] for name in LISTS}
    content = [("text/plain", mail.text), ("text/html", mail.html)]
    body = {
        "personalizations": [{name: found for name, found in lists.items() if found}],
        "from": {"email": mail.sender.email, "name": mail.sender.name},
        "subject": mail.subject,
        "content": [{"type": kind, "value": text} for kind, text in content if text],
    }
    return submitted(sendgrid, "application/json", json.dumps(body).encode())


def in_mailgun(mail):
    pairs = [("from", quoted(mail.sender))]
    pairs += [(name, quoted(one)) for name in LISTS for one in getattr(mail, name)]
    body = urlencode([*pairs, *words(mail).items()]).encode()
    return submitted(mailgun, "application/x-www-form-urlencoded", body)


def in_mime(mail):
    """Written by the standard library."""
    parts = [leaf("plain", mail.text), *([leaf("html", mail.html)] if mail.html else [])]
    whole = Part()
    whole["From"] = formataddr((mail.sender.name, mail.sender.email))
    for name in ("To", "Cc"):
        if found := getattr(mail, name.lower()):
            whole[name] = ", ".join(formataddr((one.name, one.email)) for one in found)
    whole["Subject"] = Header(mail.subject, "utf-8").encode()
    whole["Content-Type"] = 'multipart/alternative; boundary="=_x"'
    whole.set_payload(parts)
    parsed = mime.parse(whole.as_bytes(), [one.email for one in mail.recipients])
    return parsed.draft if isinstance(parsed, Parsed) else parsed


def leaf(kind, text):
    part = Part()
    part["Content-Type"] = f"text/{kind}"
    part.set_payload(text, "utf-8")
    return part


def submitted(dialect, kind, body):
    parsed = dialect.parse(Submission(method="POST", path="/", query={}, headers={"content-type": kind}, body=body))
    return parsed.draft if isinstance(parsed, Parsed) else parsed


def words(mail):
    return {"subject": mail.subject, "text": mail.text} | ({"html": mail.html} if mail.html else {})


LISTS = ("to", "cc", "bcc")
FORMS = (in_native, in_legacy, in_sendgrid, in_mailgun, in_mime)


@steady
@given(plain_mails())
def test_the_same_mail_in_any_form_is_the_same_mail(mail):
    for form in FORMS:
        assert form(mail) == mail, form.__name__


# --- hostile mails ---------------------------------------------------------------------------------------------------

anything = st.text(max_size=40) | st.sampled_from(
    [
        "a\r\nBcc: eve@example.net",
        "a\nX: y",
        "a\r\n\r\nbody",
        "\r\n.\r\n",
        "=?utf-8?q?=0D=0ABcc=3A?=",
        "a\u2028b",
        "\x85",
        " ",
        "",
    ]
)
hostile_addresses = st.builds(Address, drafts.emails | anything, anything)
hostile = st.builds(
    Draft,
    sender=hostile_addresses | mailboxes,
    to=st.lists(mailboxes | hostile_addresses, min_size=1, max_size=2).map(tuple),
    cc=st.lists(mailboxes, max_size=2).map(tuple),
    reply_to=st.lists(mailboxes | hostile_addresses, max_size=2).map(tuple),
    subject=anything | drafts.lines,
    text=st.none() | anything,
    html=st.none() | anything,
    headers=st.dictionaries(drafts.header_names | anything, anything | drafts.lines, max_size=3),
    attachments=st.lists(
        st.builds(
            Attachment,
            filename=anything.filter(bool),
            content_type=st.sampled_from(["text/plain", "a/b", "multipart/mixed; boundary=x", "a/b\r\nX: y", ""]),
            content=st.binary(max_size=50),
            content_id=st.none() | anything,
        ),
        max_size=2,
    ).map(tuple),
)


@settings(steady, max_examples=400)
@given(hostile)
def test_a_hostile_mail_is_refused_or_written_with_the_headers_that_were_asked_for(mail):
    built = smtp.build(mail, ID, ACCOUNT)
    if not isinstance(built, Unsendable):
        check_written(mail)


# --- nearly right bodies ---------------------------------------------------------------------------------------------


def near(request):
    """Objects whose fields are those of a type, and whose values are nearly what they must be."""
    names = [*request.__struct_encode_fields__, "email", "name", "account", "content", "filename", "surprise"]
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | anything | drafts.emails
    inner = st.recursive(
        leaves,
        lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(names), below, max_size=4),
        max_leaves=8,
    )
    return st.dictionaries(st.sampled_from(names), inner, max_size=8)


@steady
@given(near(EmailRequest) | near(legacy.SendEmail) | near(RouteRequest))
def test_a_nearly_right_body_is_read_or_refused_field_by_field(body):
    assert native_target.check(json.dumps(body).encode()) is None


@steady
@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(['"', "<", ">", ",", "@", "a", ".com", " ", "\\", "é"])).map("".join)
)
def test_any_text_is_an_address_that_all_providers_can_carry_or_is_refused(text):
    assert addresses.check(text.encode("utf-8", "surrogatepass")) is None


SECTIONS = ("data", "http", "log", "events", "retention", "accounts", "routes", "accounts.mailgun", "routes.default")
KEYS = ("host", "port", "level", "sinks", "provider", "domain", "api_key", "quota", "accounts", "weight", "zone", "odd")
toml_leaves = st.sampled_from(['""', '"a"', '"$X"', '"file:/nowhere"', "0", "-1", "1e400", "nan", "2026-01-01", "true"])
toml_values = st.recursive(
    toml_leaves,
    lambda below: (
        st.lists(below, max_size=3).map(lambda found: f"[{', '.join(found)}]")
        | st.dictionaries(st.sampled_from(KEYS), below, max_size=3).map(
            lambda found: "{" + ", ".join(f"{key} = {value}" for key, value in found.items()) + "}"
        )
    ),
    max_leaves=5,
)
toml_tables = st.dictionaries(st.sampled_from(KEYS), toml_values, max_size=5)


@steady
@given(st.dictionaries(st.sampled_from(SECTIONS[1:]), toml_tables, max_size=5))
def test_a_nearly_right_settings_file_is_read_or_refused_key_by_key(tables):
    lines = [
        line
        for name, table in tables.items()
        for line in (f"[{name}]", *(f"{key} = {value}" for key, value in table.items()))
    ]
    assert settings_target.check("\n".join(lines).encode()) is None


# --- the longest answers ---------------------------------------------------------------------------------------------


@settings(steady, max_examples=20)
@given(st.integers(-3, 3), st.integers(-3, 3), st.binary(min_size=1, max_size=1))
def test_the_bounds_of_an_answer_do_not_depend_on_its_pieces(head_over, body_over, how):
    start = b"HTTP/1.1 200 OK\r\nX-Long: "
    head = start + b"a" * (ANSWER_HEAD_BYTES_MAX - len(start) - 4 + head_over) + b"\r\n\r\n"
    body = b"HTTP/1.1 200 OK\r\n\r\n".ljust(ANSWER_HEAD_BYTES_MAX + ANSWER_BODY_BYTES_MAX + body_over, b"b")
    for answer in (head, body):
        assert http_answers.check(how + b"\1" + answer) is None
