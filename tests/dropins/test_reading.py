"""What the doors make of requests that no client should send: the provider's error shape, and never a silent change."""

import base64
import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.dialects.contract import Submission
from everpost.dialects.dropins import mailgun, mailgun_whole, postmark, resend, sendgrid, ses
from everpost.dialects.dropins.contract import Asked, Send
from everpost.dialects.dropins.table import DROPINS
from everpost.model.limits import MAILS_BYTES_MAX, SUBSTITUTION_NAMES_CHARS_MAX
from everpost.model.message import Draft
from everpost.model.problem import Problem
from everpost.model.template import Templated
from everpost.providers.fields import fault_of

SENDS = [(dropin, row) for dropin in DROPINS for row in dropin.rows if isinstance(row.does, Send)]
NAMES = {dropin.name: dropin for dropin in DROPINS}
FORM = "application/x-www-form-urlencoded"
BOB = [{"email": "bob@example.org"}]
SENDGRID = {
    "personalizations": [{"to": BOB}],
    "from": {"email": "ann@example.com"},
    "subject": "Hello",
    "content": [{"type": "text/plain", "value": "It works"}],
}
FIELDS = {"from": "ann@example.com", "to": "bob@example.org", "subject": "Hello", "text": "It works"}
POSTMARK = {"From": "ann@example.com", "To": "bob@example.org", "Subject": "Hello", "TextBody": "It works"}
SIMPLE = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "It works"}}}
SES = {
    "FromEmailAddress": "ann@example.com",
    "Destination": {"ToAddresses": ["bob@example.org"]},
    "Content": {"Simple": SIMPLE},
}
PLAIN = {"sendgrid": SENDGRID, "resend": FIELDS, "postmark": POSTMARK, "ses": SES}
PARSERS = {
    "sendgrid": sendgrid.parse,
    "resend": resend.parse,
    "postmark": postmark.parse,
    "mailgun": mailgun.parse,
    "ses": ses.parse,
}


def ses_raw(whole, **fields):
    return {"Content": {"Raw": {"Data": base64.b64encode(whole).decode()}}} | fields


def ses_template(**template):
    return {"Content": {"Template": template}}


def submission(body, content_type="application/json", **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Submission(method="POST", path="/", query={}, headers={"content-type": content_type, **headers}, body=raw)


def read(door, **fields):
    """What is made of a plain mail with these fields."""
    if door == "mailgun":
        return mailgun.parse(submission(urlencode(FIELDS | fields, doseq=True).encode(), FORM))
    return PARSERS[door](submission(PLAIN[door] | fields))


def has_its_shape(door, rendered):
    """Whether an answer is one of the errors that this provider's clients read."""
    body = json.loads(rendered.body)
    match door:
        case "sendgrid":
            return rendered.status >= 400 and all(each["message"] for each in body["errors"]) and body["errors"]
        case "mailgun":
            return rendered.status >= 400 and body["message"]
        case "postmark":
            return rendered.status >= 400 and body["ErrorCode"] and body["Message"]
        case "ses":
            name = rendered.headers["x-amzn-errortype"]
            return rendered.status >= 400 and body["message"] and body["__type"] == name
        case _:
            return body["statusCode"] == rendered.status >= 400 and body["name"] and body["message"]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8) | st.sampled_from(["ann@example.com", "YQ=="]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def spoilt(draw, whole):
    """A sound request in which something is replaced, wherever it stands."""
    if not isinstance(whole, dict | list) or not whole or draw(st.integers(0, 2)) == 0:
        return draw(values)
    at = draw(st.sampled_from([*whole] if isinstance(whole, dict) else range(len(whole))))
    kept = dict(whole) if isinstance(whole, dict) else list(whole)
    kept[at] = draw(spoilt(kept[at]))
    return kept


whole = {
    "sendgrid": SENDGRID
    | {
        "attachments": [{"content": "YQ==", "filename": "a.txt"}],
        "headers": {"X-A": "1"},
        "custom_args": {"a": "b"},
        "mail_settings": {"sandbox_mode": {"enable": False}},
    },
    "resend": FIELDS | {"attachments": [{"content": [1], "filename": "a.txt"}], "tags": [{"name": "a", "value": "b"}]},
    "postmark": POSTMARK | {"Headers": [{"Name": "X-A", "Value": "1"}], "Metadata": {"a": "b"}},
    "ses": SES
    | {
        "Content": {
            "Simple": SIMPLE
            | {
                "Headers": [{"Name": "X-A", "Value": "1"}],
                "Attachments": [{"RawContent": "YQ==", "FileName": "a.txt", "ContentDisposition": "ATTACHMENT"}],
            }
        },
        "EmailTags": [{"Name": "a", "Value": "b"}],
        "ListManagementOptions": {"ContactListName": "all"},
    },
}


@pytest.mark.parametrize("door", whole)
@given(data=st.data())
def test_a_spoilt_request_is_a_mail_or_an_error_in_the_provider_s_shape(door, data):
    parsed = PARSERS[door](submission(data.draw(spoilt(whole[door]))))
    if isinstance(parsed, Problem):
        assert has_its_shape(door, NAMES[door].refuse(parsed))
    else:
        assert all(isinstance(mail, Draft) and fault_of(mail) is None for mail in parsed.mails)


@given(
    fields=st.dictionaries(
        st.text(max_size=6) | st.sampled_from(["to", "from", "h:X", "v:a", "o:tag"]), st.text(max_size=9)
    )
)
def test_a_spoilt_form_is_a_mail_or_an_error_in_mailgun_s_shape(fields):
    parsed = mailgun.parse(submission(urlencode(FIELDS | fields).encode(), FORM))
    if isinstance(parsed, Problem):
        assert has_its_shape("mailgun", mailgun.refuse(parsed))
    else:
        assert fault_of(parsed.mails[0]) is None


@pytest.mark.parametrize(("dropin", "row"), SENDS, ids=[f"{dropin.name} {row.path}" for dropin, row in SENDS])
@given(body=st.binary(max_size=40) | st.sampled_from([b"", b"[]", b"null", b"{}", b"[" * 5000, b"\xff", b'{"a":1}']))
def test_bytes_without_sense_are_an_error_in_the_provider_s_shape(dropin, row, body):
    parsed = row.does.parse(submission(body))
    if isinstance(parsed, Problem):
        assert has_its_shape(dropin.name, dropin.refuse(parsed))
    else:
        assert all(isinstance(mail, Problem) for mail in parsed.mails)


@pytest.mark.parametrize(
    ("door", "fields", "words"),
    [
        ("sendgrid", {"surprise": 1}, "surprise: unknown"),
        ("sendgrid", {"content": [{"type": "text/calendar", "value": "x"}]}, "send other parts as attachments"),
        ("sendgrid", {"mail_settings": {"bcc": {"enable": True, "email": "eve@example.org"}}}, "adds a recipient"),
        ("sendgrid", {"headers": {"X-SMTPAPI": '{"to": ["eve@example.org"]}'}}, "an order to a provider"),
        ("sendgrid", {"headers": {"X-A": "a\r\nBcc: eve@example.org"}}, "control character"),
        ("sendgrid", {"reply_to": BOB[0], "reply_to_list": BOB}, "can't be given beside"),
        ("sendgrid", {"personalizations": []}, "give at least one"),
        ("sendgrid", {"custom_args": {"idempotency_key": "two words"}}, "visible ASCII"),
        ("resend", {"scheduled_at": "in 1 min"}, "is not an RFC 3339 time"),
        ("resend", {"attachments": [{"filename": "a", "path": "http://x/"}]}, "nothing is fetched"),
        ("resend", {"attachments": [{"filename": "a", "content": [256]}]}, "no bytes"),
        ("resend", {"tags": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, "given twice"),
        ("postmark", {"Headers": [{"Name": "X", "Value": "1"}, {"Name": "X", "Value": "2"}]}, "given twice"),
        ("postmark", {"TrackLinks": "Sometimes"}, "must be one of"),
        ("postmark", {"From": "ann@example.com, bob@example.org"}, "give one address"),
        ("ses", {"Surprise": 1}, "Surprise: unknown"),
        ("ses", {"Content": {}}, "one of Simple, Raw and Template"),
        ("ses", {"Content": {"Simple": SIMPLE, "Raw": {"Data": "YQ=="}}}, "one of Simple, Raw and Template"),
        ("ses", {"Content": {"Simple": SIMPLE | {"Body": {}}}}, "give Text, Html or both"),
        ("ses", {"FromEmailAddress": None}, "FromEmailAddress: is missing"),
        ("ses", {"FromEmailAddress": "a@example.com, b@example.com"}, "names 2 addresses"),
        ("ses", {"FromEmailAddress": "=?utf-8?q?a=0Ab?= <a@example.com>"}, "control characters"),
        ("ses", {"EmailTags": [{"Name": "a b", "Value": "1"}]}, "ASCII letters, digits"),
        ("ses", {"EmailTags": [{"Name": "a", "Value": "1"}] * 2}, "is given twice"),
        ("ses", {"Content": {"Raw": {"Data": "no"}}}, "is not base64"),
        ("ses", ses_raw(b"Subject: Hello\n\n", FromEmailAddress=None), "names 0 senders"),
        ("ses", ses_raw(b"From: zoe@example.com\nSubject: Hello\n\n"), "differs from zoe@example.com"),
        ("ses", ses_raw(b"From: ann@example.com\r\nSubject: a\nBcc: eve@example.org\r\n\r\n"), "stands alone"),
        ("ses", ses_raw(b"From: ann@example.com\nX-SES-MESSAGE-TAGS: a=b\n\n"), "an order to SES"),
        ("ses", ses_raw(b"From: ann@example.com\n\n", ReplyToAddresses=["a@example.com"]), "write Reply-To into"),
        ("ses", ses_raw(b"From: ann@example.com\nBcc: nowhere\n\n", Destination=None), "needs an @"),
        ("ses", ses_raw(b"From: ann@example.com\n\n", Destination=None), "names nobody"),
        ("ses", ses_template(TemplateContent={"Subject": "{{a}}", "Text": "x"}), "no value in TemplateData"),
        ("ses", ses_template(TemplateContent={"Subject": "a"}, TemplateName="b"), "beside the name of a template"),
        ("ses", ses_template(TemplateName="b", TemplateData="[]"), "is no JSON object"),
        ("ses", ses_template(), "names no template"),
        ("mailgun", {"surprise": "1"}, "surprise: unknown"),
        ("mailgun", {"o:deliverytime": "tomorrow"}, "no date as in RFC 2822"),
        ("mailgun", {"h:To": "eve@example.org"}, "is set by the field"),
        ("mailgun", {"recipient-variables": "{}", "cc": "eve@example.org"}, "would get a copy"),
        ("mailgun", {"recipient-variables": "no"}, "no JSON object"),
        ("mailgun", {"h:Message-Id": "one"}, "is not of the form <left@right>"),
        ("mailgun", {"h:message-id": "<1@a>", "h:Message-Id": "<2@a>"}, "is given twice"),
        ("mailgun", {"h:message-id": "<1@a>\r\nBcc: eve@example.org"}, "is not of the form <left@right>"),
        ("mailgun", {"template": "t", "t:variables": "[]"}, "no JSON object"),
        ("mailgun", {"template": "t", "h:X-Mailgun-Variables": "no"}, "no JSON object"),
        ("mailgun", {"template": "t", "t:variables": '{"a":' * 40 + "1" + "}" * 40}, "levels deep"),
        ("postmark", {"TemplateId": 7, "TemplateModel": {}}, "TextBody: stands in the template"),
        ("resend", {"template": {"id": "t"}}, "text: stands in the template"),
    ],
)
def test_what_can_t_be_carried_is_refused_in_words(door, fields, words):
    parsed = read(door, **fields)
    assert isinstance(parsed, Problem), parsed
    told = "; ".join(f"{each.field}: {each.message}" for each in parsed.errors)
    assert words in told


@pytest.mark.parametrize(
    ("door", "fields", "options"),
    [
        ("sendgrid", {"template_id": "d-1"}, {"template_id": "d-1"}),
        ("sendgrid", {"asm": {"group_id": 7}}, {"asm": {"group_id": 7}}),
        ("sendgrid", {"mail_settings": {"footer": {"enable": True}}}, {"mail_settings": {"footer": {"enable": True}}}),
        (
            "sendgrid",
            {"template_id": "d-1", "personalizations": [{"to": BOB, "dynamic_template_data": {"a": 1}}]},
            {"template_id": "d-1", "personalizations": [{"dynamic_template_data": {"a": 1}}]},
        ),
        ("resend", {"template": {"id": "t"}, "text": None}, {"template": {"id": "t"}}),
        ("postmark", {"TrackOpens": True, "TrackLinks": "HtmlOnly"}, {"TrackOpens": True, "TrackLinks": "HtmlOnly"}),
        ("postmark", {"MessageStream": "broadcast"}, {"MessageStream": "broadcast"}),
        ("mailgun", {"o:tracking": "no"}, {"o:tracking": ["no"]}),
        ("mailgun", {"template": "welcome", "t:variables": "{}"}, {"template": ["welcome"], "t:variables": ["{}"]}),
        ("mailgun", {"text": "%unsubscribe_url%"}, {}),
        ("ses", {"ConfigurationSetName": "main"}, {"ConfigurationSetName": "main"}),
        ("ses", ses_template(TemplateArn="arn:hi"), {"Content": {"Template": {"TemplateArn": "arn:hi"}}}),
        (
            "ses",
            ses_template(TemplateContent={"Subject": "s", "Text": "{{#if a}}x{{/if}}"}, TemplateData='{"a": 1}'),
            {
                "Content": {
                    "Template": {
                        "TemplateContent": {"Subject": "s", "Text": "{{#if a}}x{{/if}}"},
                        "TemplateData": '{"a":1}',
                    }
                }
            },
        ),
    ],
)
def test_what_only_one_provider_can_do_goes_to_it_alone(door, fields, options):
    parsed = read(door, **fields)
    assert isinstance(parsed, Asked), parsed
    [mail] = parsed.mails
    draft = mail.elsewhere if isinstance(mail, Templated) else mail
    assert draft.provider_options == {door: options}


@pytest.mark.parametrize(
    ("door", "fields"),
    [
        ("postmark", {"TrackOpens": False, "TrackLinks": "None", "MessageStream": "outbound", "Bcc": None}),
        ("sendgrid", {"mail_settings": {"sandbox_mode": {"enable": False}}, "template_id": None}),
        ("mailgun", {"o:tag": ["a", "a"]}),
    ],
)
def test_what_asks_for_nothing_pins_a_mail_to_nobody(door, fields):
    assert read(door, **fields).mails[0].provider_options == {}


def test_the_same_mail_through_all_doors_is_the_same():
    assert len({json.dumps(str(read(door).mails[0])) for door in PARSERS}) == 1


def test_a_small_body_does_not_become_a_large_heap_of_mails():
    groups = [{"to": BOB, "substitutions": {"x": "y" * 50_000}} for _ in range(60)]
    parsed = read("sendgrid", personalizations=groups, content=[{"type": "text/plain", "value": "x" * 1000}])
    assert "are taken" in parsed.errors[0].message or "are allowed" in parsed.errors[0].message
    groups = [{"to": BOB, "substitutions": {"x": "y" * 20_000}} for _ in range(60)]
    parsed = read("sendgrid", personalizations=groups, content=[{"type": "text/plain", "value": "x" * 1000}])
    assert str(MAILS_BYTES_MAX) in parsed.errors[0].message


def test_what_was_put_into_a_text_is_not_replaced_again():
    group = {"to": BOB, "substitutions": {"-a-": "-b-", "-b-": "-a-"}}
    parsed = read("sendgrid", personalizations=[group], content=[{"type": "text/plain", "value": "-a- -b-"}])
    assert parsed.mails[0].text == "-b- -a-"


def test_the_longest_name_is_the_one_that_is_meant():
    words = {"-a": "1", "-a-": "2", "-ab": "3", "b": "4", "-": "5"}
    parsed = read(
        "sendgrid",
        personalizations=[{"to": BOB, "substitutions": words}],
        content=[{"type": "text/plain", "value": "-a -a- -ab- b.-"}],
    )
    assert parsed.mails[0].text == "1 2 35 4.5"


def test_names_that_begin_alike_are_found_however_deep_they_lie():
    words = {"a" * length: str(length) for length in range(1, 101)}
    parsed = read(
        "sendgrid",
        personalizations=[{"to": BOB, "substitutions": words}],
        content=[{"type": "text/plain", "value": f"{'a' * 99} {'a' * 101}"}],
    )
    assert parsed.mails[0].text == "99 1001"
    words = {"": "x", "a" * 101: "x"}
    parsed = read("sendgrid", personalizations=[{"to": BOB, "substitutions": words}])
    assert "has an empty name" in parsed.errors[0].message


def test_so_many_long_names_that_they_would_take_seconds_are_refused():
    def told(count, group):
        names = {f"{number:05}{'x' * 95}": "y" for number in range(count)}
        return read("sendgrid", personalizations=[{"to": BOB, "substitutions": names}] * group)

    assert told(SUBSTITUTION_NAMES_CHARS_MAX // 100, 3).mails  # the same names count once
    [error] = told(SUBSTITUTION_NAMES_CHARS_MAX // 100 + 1, 1).errors
    assert error.field == "personalizations[0].substitutions"
    assert str(SUBSTITUTION_NAMES_CHARS_MAX) in error.message
    apart = [{"to": BOB, "substitutions": {f"{place:04}{n}{'x' * 90}": "y" for n in range(40)}} for place in range(100)]
    assert str(SUBSTITUTION_NAMES_CHARS_MAX) in read("sendgrid", personalizations=apart).errors[0].message


def test_names_that_begin_as_a_large_text_does_everywhere_are_refused_and_others_are_not():
    alike = {"a" * length + "b": "x" for length in range(1, 100)}
    groups, large = [{"to": BOB, "substitutions": alike}], "a" * 1024 * 1024
    parsed = read("sendgrid", personalizations=groups, content=[{"type": "text/plain", "value": large}])
    assert "begin alike" in parsed.errors[0].message
    parsed = read("sendgrid", personalizations=groups, content=[{"type": "text/plain", "value": "aab" + "c" * 2**20}])
    assert parsed.mails[0].text.startswith("xccc")
    many = [{"to": BOB, "substitutions": {"-name-": str(place)}} for place in range(1000)]
    text = "Dear -name-, " + "a-b - c " * 5000
    parsed = read("sendgrid", personalizations=many, content=[{"type": "text/plain", "value": text}])
    assert parsed.mails[999].text.startswith("Dear 999, ")


def test_a_name_of_one_letter_at_every_place_of_a_large_text_is_refused():
    groups = [{"to": BOB, "substitutions": {"x": "y"}}]
    parsed = read("sendgrid", personalizations=groups, content=[{"type": "text/plain", "value": "x" * 4 * 2**20}])
    assert "begin alike" in parsed.errors[0].message


def test_a_permissive_batch_is_told_of_each_mail():
    body = [FIELDS, FIELDS | {"to": "nowhere"}]
    strict = resend.parse_batch(submission(body))
    assert isinstance(strict, Problem)
    parsed = resend.parse_batch(submission(body, **{"x-batch-validation": "permissive"}))
    assert [type(mail) for mail in parsed.mails] == [Draft, Problem]
    answer = json.loads(resend.render_batch(parsed, [Problem(code="x", status=422, title="t"), parsed.mails[1]]).body)
    assert [each["index"] for each in answer["errors"]] == [0, 1]


def whole_form(mail, to="bob@example.org", **fields):
    body = urlencode({"to": to, "message": mail} | fields, doseq=True).encode()
    return mailgun_whole.parse(submission(body, FORM))


DATE = "Date: Thu, 01 Jan 2026 09:00:00 +0000\r\n"
MIME = f"From: ann@example.com\r\nTo: bob@example.org\r\nSubject: Hello\r\n{DATE}\r\nx\r\n"


def test_a_whole_mail_to_mailgun_goes_out_as_it_stands_or_as_it_was_read():
    asked = whole_form(MIME, to=["bob@example.org", "BOB@example.org, zoe@example.org"], **{"o:tag": "a", "v:k": "1"})
    assert [form.is_raw for form in asked.forms] == [True, False]
    assert asked.forms[0].raw.decode() == MIME
    for form in asked.forms:
        assert {each.email.lower() for each in form.recipients} == {"bob@example.org", "zoe@example.org"}
        assert (form.tags, form.metadata) == (("a",), {"k": "1"})


def test_lines_that_end_by_lf_alone_are_a_mail_too():
    assert whole_form(MIME.replace("\r\n", "\n")).forms[0].raw.decode() == MIME


def test_a_whole_mail_without_a_date_is_written_anew_so_that_it_is_the_same_when_it_comes_again():
    undated = MIME.replace(DATE, "")
    first, second = (whole_form(undated) for _ in range(2))
    assert [form.is_raw for form in first.forms] == [False]
    assert first.known_by == second.known_by != whole_form(undated, **{"v:k": "1"}).known_by


@pytest.mark.parametrize(
    ("mail", "fields", "words"),
    [
        (MIME, {"to": ""}, "to: is missing"),
        (MIME, {"to": "nowhere"}, "to:"),
        (MIME, {"to": "bob@example.org\r\nBcc: eve@example.org"}, "to"),
        (MIME, {"to": [f"r{number}@example.org" for number in range(1001)]}, "allowed"),
        (MIME, {"h:X-A": "1"}, "stands in the mail itself"),
        (MIME, {"subject": "Hello"}, "unknown"),
        (MIME, {"o:tracking": "yes"}, "unknown"),
        (MIME, {"o:deliverytime": "soon"}, "no date as in RFC 2822"),
        (MIME, {"v:idempotency_key": "two words"}, "visible ASCII"),
        ("X-Mailgun-Tag: a\r\n" + MIME, {}, "an order to Mailgun"),
        ("X-Everpost-Route: a\r\nX-Everpost-Route: b\r\n" + MIME, {}, "given twice"),
        (MIME + "a\rb", {}, "stands alone"),
        (MIME.replace("\r\n\r\n", "\n\r\n"), {}, "stands alone"),
        (MIME.replace("From", "X-From"), {}, "from"),
        (MIME + "\0", {}, "NUL"),
        ("", {}, ""),
    ],
)
def test_what_can_t_be_carried_of_a_whole_mail_is_refused_in_mailgun_s_shape(mail, fields, words):
    refused = whole_form(mail, **fields)
    assert isinstance(refused, Problem), refused
    assert has_its_shape("mailgun", mailgun.refuse(refused))
    assert words in "; ".join(f"{each.field}: {each.message}" for each in refused.errors)
