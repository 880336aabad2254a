"""Whether an account can carry a mail at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core_values import carrier
from drafts import drafts, emails
from everpost.core.fit import misfit
from everpost.model.account import Quota
from everpost.model.message import Address, Attachment, size_bytes
from store_values import message

INLINE = Attachment(filename="a.png", content_type="image/png", content=b"12345", content_id="a")
ATTACHED = Attachment(filename="a.pdf", content_type="application/pdf", content=b"12345")
THREE = tuple(Address(f"bob{number}@example.org") for number in range(3))
UNPINNED = drafts().map(lambda draft: replace(draft, provider_options={}))


@given(UNPINNED)
def test_an_account_without_limits_of_its_own_carries_every_mail(draft):
    assert misfit(draft, carrier()) is None


@pytest.mark.parametrize(
    ("mail", "limits", "reason"),
    [
        (message(to=THREE), {"recipients_max": 2}, "3 recipients are more than its 2"),
        (
            message(to=THREE[:1], cc=THREE[1:2], bcc=THREE[2:]),
            {"recipients_max": 2},
            "3 recipients are more than its 2",
        ),
        (message(attachments=(ATTACHED, INLINE)), {"inline": False}, "it has no inline attachments"),
        (
            message(text="é", html="<p>", attachments=(ATTACHED,)),
            {"content_bytes_max": 9},
            "10 bytes of content are more than its 9",
        ),
    ],
)
def test_a_mail_over_a_limit_is_told_the_limit(mail, limits, reason):
    assert misfit(mail, carrier(**limits)) == reason


@pytest.mark.parametrize(
    ("quota", "limit"),
    [
        (Quota(per_second=2), "2 a second"),
        (Quota(per_day=2), "2 a day"),
        (Quota(per_month=2), "2 a month"),
        (Quota(per_second=9, per_day=3, per_month=2), "2 a month"),
    ],
)
def test_a_mail_to_more_recipients_than_a_whole_quota_does_not_fit(quota, limit):
    found = misfit(message(to=THREE), carrier(account={"quota": quota}))
    assert found == f"3 recipients are more than its quota of {limit}"


@pytest.mark.parametrize(
    ("mail", "limits"),
    [
        (message(to=THREE), {"recipients_max": 3}),
        (message(attachments=(ATTACHED,)), {"inline": False}),
        (message(text="é", html="<p>", attachments=(ATTACHED,)), {"content_bytes_max": 10}),
        (message(to=THREE), {"account": {"quota": Quota(per_second=3, per_day=3, per_month=3)}}),
    ],
)
def test_a_mail_at_its_limits_is_carried(mail, limits):
    assert misfit(mail, carrier(**limits)) is None


@given(UNPINNED)
def test_the_size_is_that_of_texts_and_decoded_attachments(draft):
    size = size_bytes(draft)
    assert misfit(draft, carrier(content_bytes_max=size)) is None
    assert misfit(draft, carrier(content_bytes_max=size - 1)) is not None


# --- whom it may write to and for ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "strangers"),
    [
        (["bob@example.org"], 1),
        (["BOB@Example.ORG", "Ann@*"], 0),
        (["*@example.org"], 0),
        (["*@EXAMPLE.org"], 0),
        (["*@*.example.org"], 2),
        (["b*b@example.org", "a*"], 0),
        (["b?b@example.org", "a**"], 1),
        (["bob@exampleXorg"], 2),
        (["example.org"], 2),
        (["bob@example.or"], 2),
    ],
)
def test_recipients_are_allowed_by_patterns_in_any_case_of_letters(patterns, strangers):
    mail = message(to=(Address("bob@example.org", "Bob"),), bcc=(Address("ANN@EXAMPLE.ORG"),))
    found = misfit(mail, carrier(account={"recipients": tuple(patterns)}))
    told = f"{strangers} of the recipients are not on its list of allowed recipients" if strangers else None
    assert found == told


@given(st.lists(emails, min_size=1, max_size=5))
def test_an_address_without_wildcards_allows_exactly_itself(addresses):
    mail = message(to=tuple(map(Address, addresses)))
    assert misfit(mail, carrier(account={"recipients": tuple(map(str.upper, addresses))})) is None
    assert misfit(mail, carrier(account={"recipients": tuple(f"x{address}" for address in addresses)})) is not None


@pytest.mark.parametrize("local", ["b?b", "b+b", "b.b", "b|b", "b{1}b", "b[o]b", "^b$"])
def test_everything_but_the_star_stands_for_itself_in_a_pattern(local):
    allowed = carrier(account={"recipients": (f"{local}@x.org",)})
    assert misfit(message(to=(Address(f"{local}@x.org"),)), allowed) is None
    for other in ("bob@x.org", "bb@x.org", "b@x.org", "b", f"{local}@x.org.example"):
        assert misfit(message(to=(Address(other),)), allowed) is not None


@pytest.mark.parametrize(
    ("senders", "fits"),
    [
        ((), True),
        (("example.com",), True),
        (("EXAMPLE.COM",), True),
        (("other.com", "example.com"), True),
        (("other.com",), False),
        (("mail.example.com",), False),
        (("com",), False),
        (("*.com",), True),
        (("*.example.com",), False),
        (("*.ple.com",), False),
    ],
)
@pytest.mark.parametrize("sender", ["ann@example.com", "Ann@Example.Com"])
def test_an_account_sends_for_its_own_domains_in_any_case_of_letters(sender, senders, fits):
    found = misfit(message(sender=Address(sender)), carrier(account={"senders": senders}))
    assert found == (None if fits else "it may not send for the domain example.com")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, None),
        ({"plain": {}}, None),
        ({"plain": {"x": 1}, "other": {}}, None),
        ({"other": {}}, "the mail is pinned to other by its provider_options"),
        ({"other": {}, "another": {}}, "the mail is pinned to another, other by its provider_options"),
    ],
)
def test_options_for_a_provider_pin_a_mail_to_its_accounts(options, reason):
    assert misfit(message(provider_options=options), carrier()) == reason
