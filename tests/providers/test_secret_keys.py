"""Keys as a configuration gives them: texts of a type of their own, which encoders of JSON don't know."""

import pytest

from everpost.model.account import Account
from everpost.model.secret import Secret
from everpost.model.suppression import SuppressionDraft
from everpost.providers.contract import HttpRequest, Lookup, Sought
from everpost.wiring import PROVIDERS
from everpost.wiring.lists import LISTS
from provider_cases import DRAFT, ID, NAMES, STARTED_AT, account_of, fitted


def account_read(name):
    """The account of the fixtures with each of its keys as the configuration gives it."""
    plain = account_of(name)
    secrets = {setting.name for setting in PROVIDERS[name].settings if setting.secret}
    kept = {key: Secret(value) if key in secrets else value for key, value in plain.settings.items()}
    return Account(name=plain.name, provider=name, settings=kept)


def requests(name, account):
    """All that an account may be asked or told."""
    provider = PROVIDERS[name]
    yield provider.build(fitted(name, DRAFT), ID, account)
    if provider.probe:
        yield provider.probe(account)
    if isinstance(provider.resolve, Lookup):
        yield provider.resolve.start(Sought(delivery_id=ID, message=DRAFT, account=account, started_at=STARTED_AT))
    if provider.history:
        yield provider.history.start(account, STARTED_AT, STARTED_AT + 60.0).request
    if lists := LISTS.get(name):
        yield from (lists.ask(account, each, "") for each in lists.names)
        some = [SuppressionDraft(address="bob@example.org", source=source, reason="") for source in lists.takes]
        yield from lists.add(account, some) if lists.add else ()


@pytest.mark.parametrize("name", NAMES)
def test_a_key_from_the_configuration_makes_the_requests_that_a_plain_text_makes(name):
    made, plain = (list(requests(name, account)) for account in (account_read(name), account_of(name)))
    assert made
    assert list(map(sent, made)) == list(map(sent, plain))


def sent(request):
    """What goes over the wire; a signature is added there."""
    if isinstance(request, HttpRequest):
        return request.method, request.url, request.headers, request.body
    return request
