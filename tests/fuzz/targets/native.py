"""A body of the native API is a mail within all limits that some provider's form can carry, or a problem that names
faults; the same of the original API, of routes, of suppressions, of reasons and of mails in outline.

The input is a body.
"""

import json

from everpost.dialects import legacy
from everpost.dialects.faults import FAULTS_MAX
from everpost.dialects.native import mail as native
from everpost.dialects.native.operate import parse_reason, parse_route, parse_sketch, parse_suppression
from everpost.model import limits
from everpost.model.message import Draft, size_bytes
from everpost.model.problem import Problem
from everpost.model.suppression import SuppressionDraft
from everpost.model.template import Templated
from everpost.providers.contract import Unsendable
from everpost.wiring import PROVIDERS
from provider_cases import account_of

ID = "em_01jzzzzzzzzzzzzzzzzzzzzzzz.0"
ACCOUNTS = {name: account_of(name) for name in PROVIDERS}


def check(data):
    found = native.parse(data)
    if not isinstance(found, Templated):  # whose words are looked at where they are filled in
        check_mail(found, 422)
    check_mail(legacy.parse(data), 400)
    check_one_of(legacy.parse_provider(data), str, 400)
    check_one_of(parse_route(data, "default"), tuple, 422)
    check_one_of(parse_reason(data), str, 422)
    check_one_of(parse_sketch(data, "default"), tuple, 422)
    check_one_of(parse_suppression(data, "bob@example.org"), SuppressionDraft, 422)


def check_mail(found, status):
    check_one_of(found, Draft, status)
    if isinstance(found, Draft):
        check_draft(found)


def check_one_of(found, good, status):
    if isinstance(found, good):
        return
    assert isinstance(found, Problem)
    assert (found.code, found.status) in {("bad_json", 400), ("validation_failed", status)}
    assert len(found.errors) <= FAULTS_MAX
    assert bool(found.errors) == (found.code == "validation_failed")
    json.dumps([found.detail, *(f"{error.field} {error.message}" for error in found.errors)]).encode()


def check_draft(draft):
    """Within the limits; and every provider's `fault` and `build` say the same of it."""
    assert draft.to
    assert len(draft.recipients) <= limits.RECIPIENTS_MAX
    assert len(draft.reply_to) <= limits.REPLY_TO_MAX
    assert len(draft.subject) <= limits.SUBJECT_CHARS_MAX
    assert size_bytes(draft) <= limits.CONTENT_BYTES_MAX
    assert len(draft.attachments) <= limits.ATTACHMENTS_MAX
    assert len(draft.headers) <= limits.HEADERS_MAX
    assert len(draft.tags) <= limits.TAGS_MAX
    assert len(draft.metadata) <= limits.METADATA_KEYS_MAX
    for each in (draft.subject, *draft.headers, *draft.headers.values(), *draft.tags, *draft.metadata):
        assert not {"\r", "\n", "\0"} & set(each)
    for name, provider in PROVIDERS.items():
        built = provider.build(draft, ID, ACCOUNTS[name])
        reason = provider.fault(draft)
        assert (built.reason if isinstance(built, Unsendable) else None) == reason
