"""What every provider's stand-in does with requests of our own adapter, in process."""

from random import Random

import pytest
from msgspec.structs import replace

from everpost.model.outcome import Kind
from everpost.providers.contract import HttpRequest, Lookup, Sought, outcome_of
from everpost.sandbox.api import Conduct
from everpost.sandbox.faults import Target
from everpost.sandbox.inbox import Inbox
from everpost.sandbox.sandbox import APIS, CONTROL, PORTS
from everpost.wiring import PROVIDERS
from provider_cases import DRAFT, ID, STARTED_AT, account_of, answered, built, fitted, submitted

UNSIGNED = [name for name in APIS if not built(name, fitted(name, DRAFT)).signing]  # the wire signs the others
every = pytest.mark.parametrize("provider", UNSIGNED)
IN_WORDS = ("sender", "to", "cc", "subject", "text", "html")


class Stand:
    """A provider's stand-in and what it has caught."""

    def __init__(self, provider, **conduct):
        self.provider = provider
        self.inbox = Inbox(lambda: STARTED_AT + 1.0)
        self.conduct = Conduct(**conduct)
        self.api = APIS[provider](self.inbox, self.conduct, lambda: STARTED_AT + 2.0, Random(1))

    def outcome(self, request):
        return outcome_of(PROVIDERS[self.provider], answered(self.api, request), account_of(self.provider))

    def probed(self):
        return answered(self.api, PROVIDERS[self.provider].probe(account_of(self.provider))).status


def secrets(provider):
    """The account's keys, as a list of rejected ones."""
    names = [setting.name for setting in PROVIDERS[provider].settings if setting.secret]
    return frozenset(account_of(provider).settings.get(name) for name in names) - {None}


def test_each_stand_in_is_that_of_a_provider_and_has_a_port():
    assert APIS.keys() <= PROVIDERS.keys()
    assert PORTS.keys() == {*APIS, CONTROL, "smtp"}
    assert len(set(PORTS.values())) == len(PORTS)


@every
def test_a_mail_arrives_as_it_was_sent_and_names_its_delivery(provider):
    stand, draft = Stand(provider), fitted(provider, DRAFT)
    outcome = stand.outcome(built(provider, draft))
    (caught,) = stand.inbox.list()
    assert (outcome.kind, outcome.provider_message_id) == (Kind.ACCEPTED, caught.provider_message_id)
    assert (caught.provider, caught.delivery_id) == (provider, ID)
    assert [getattr(caught.draft, name) for name in IN_WORDS] == [getattr(draft, name) for name in IN_WORDS]
    assert [address.email for address in caught.draft.bcc] == [address.email for address in draft.bcc]
    assert [part.content for part in caught.draft.attachments] == [part.content for part in draft.attachments]


@every
def test_a_lost_mail_is_answered_like_any_other(provider):
    stand = Stand(provider)
    request = built(provider, fitted(provider, DRAFT))
    rendered = stand.api.answer(submitted(request), lose=True)
    assert 200 <= rendered.status < 300
    assert stand.inbox.list() == []
    assert stand.inbox.lost == {ID: 1}


@every
def test_a_rejected_key_sends_nothing_and_its_probe_is_refused(provider):
    stand = Stand(provider, rejected_keys=secrets(provider))
    outcome = stand.outcome(built(provider, fitted(provider, DRAFT)))
    assert (outcome.kind, outcome.account_fault) == (Kind.REFUSED, True)
    assert stand.inbox.list() == []
    assert stand.probed() in PROVIDERS[provider].probe_refused or not PROVIDERS[provider].probe_refused


@every
def test_a_good_key_is_known_by_its_probe(provider):
    assert 200 <= Stand(provider).probed() < 300


@every
@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"{}", b'{"a":', b"\xff\xfe"])
def test_what_is_no_mail_is_refused_and_caught_nowhere(provider, body):
    stand = Stand(provider)
    request = replace(built(provider, fitted(provider, DRAFT)), body=body)
    assert 400 <= answered(stand.api, request).status < 500
    assert stand.inbox.list() == []


@pytest.mark.parametrize("provider", [name for name in UNSIGNED if isinstance(PROVIDERS[name].resolve, Lookup)])
def test_a_question_with_nonsense_for_each_value_is_answered(provider):
    sought = Sought(delivery_id=ID, message=DRAFT, account=account_of(provider), started_at=STARTED_AT)
    stand, request = Stand(provider), PROVIDERS[provider].resolve.start(sought)
    stand.outcome(built(provider, fitted(provider, DRAFT)))
    asked = submitted(request)
    for name in asked.query:
        rendered = stand.api.answer(replace(asked, query=asked.query | {name: "x"}))
        assert rendered.status < 500


@every
def test_only_sending_is_hit_by_faults_of_sending(provider):
    api, account = Stand(provider).api, account_of(provider)
    request = built(provider, fitted(provider, DRAFT))
    assert api.target(request.method, submitted(request).path) is Target.SEND
    probe = PROVIDERS[provider].probe(account)
    assert isinstance(probe, HttpRequest)
    assert api.target(probe.method, submitted(probe).path) is Target.LOOKUP
