"""What a mail becomes at each provider: every fixture's input beside its expected request."""

import pytest

from everpost.providers.contract import Unsendable
from everpost.wiring import PROVIDERS
from provider_cases import FIXTURES, NAMES, build, cases, message_of, shown


def test_every_provider_has_a_folder_of_fixtures():
    assert sorted(PROVIDERS) == NAMES


@pytest.mark.parametrize("provider", NAMES)
@pytest.mark.parametrize("pattern", ["about.json", "answers.json", "unsendable.json", "messages/plain.json"])
def test_a_folder_is_complete(provider, pattern):
    assert (FIXTURES / provider / pattern).is_file()


@pytest.mark.parametrize("case", cases("messages/*.json"), ids=str)
def test_a_mail_becomes_its_request(case):
    request = build(case.value, case.provider)
    assert not isinstance(request, Unsendable), request.reason
    assert shown(request) == case.value["request"]


@pytest.mark.parametrize("case", cases("unsendable.json"), ids=str)
def test_what_cannot_be_expressed_is_unsendable_with_its_reason(case):
    refused = build(case.value, case.provider)
    assert isinstance(refused, Unsendable), shown(refused)
    assert case.value["reason"] in refused.reason
    assert PROVIDERS[case.provider].fault(message_of(case.value["message"])) == refused.reason
