"""What providers are known to drop without a word never gets there: they are skipped, or it is written otherwise."""

import json

import pytest
from msgspec.structs import replace

from everpost.core.fit import Carrier, unfit
from everpost.model.capability import Loss
from everpost.model.message import Address, Attachment, Draft
from everpost.wiring import PROVIDERS
from provider_cases import ID, account_of

DRAFT = Draft(sender=Address("ann@example.com"), to=(Address("bob@example.org"),), subject="Hello", text="It works")


def file(filename, content_type="application/pdf", **more):
    return replace(DRAFT, attachments=(Attachment(filename=filename, content_type=content_type, content=b"x", **more),))


def why(name, draft):
    provider = PROVIDERS[name]
    return unfit(draft, Carrier(account=account_of(name), limits=provider.limits, fault=provider.fault))


def body(name, draft):
    return json.loads(PROVIDERS[name].build(draft, ID, account_of(name)).body)


INVITATION = file("a.ics", "text/calendar; method=REQUEST")
TEMPLATE = {"sparkpost": {"content": {"template_id": "welcome"}}}


@pytest.mark.parametrize(
    ("name", "draft", "words"),
    [
        ("mailgun", file(""), "drops attachments without a file name"),
        ("sendgrid", file("Überweisung.pdf"), "garbles file names"),
        ("sparkpost", replace(DRAFT, headers={"List-Unsubscribe": "<https://x.example>"}), "leaves out the header"),
        ("sparkpost", replace(DRAFT, provider_options=TEMPLATE), "leaves out text, files and headers"),
        ("resend", INVITATION, "invitation"),
        ("brevo", INVITATION, "invitation"),
        ("mailersend", INVITATION, "invitation"),
        ("brevo", file("a.png", "image/png", content_id="a"), "no inline"),
        ("scaleway", file("a.png", "image/png", content_id="a"), "no inline"),
    ],
)
def test_an_account_that_would_drop_it_is_skipped(name, draft, words):
    assert words in why(name, draft)


@pytest.mark.parametrize("name", ["sendgrid", "sparkpost", "resend", "brevo", "mailersend"])
def test_what_a_sender_allows_for_is_carried(name):
    allowed = {"allow_loss": tuple(Loss)}
    mails = {"sendgrid": file("Überweisung.pdf"), "sparkpost": replace(DRAFT, headers={"List-Unsubscribe": "<x>"})}
    assert why(name, replace(mails.get(name, INVITATION), **allowed)) is None


def test_a_template_alone_goes_to_sparkpost():
    assert why("sparkpost", replace(DRAFT, text=None, provider_options=TEMPLATE)) is None


def test_resend_is_told_no_type_that_could_differ_from_the_name():
    """It drops such mail; so the name alone says what the file is."""
    assert "content_type" not in body("resend", file("a.pdf", "text/plain"))["attachments"][0]
    assert body("resend", file("a", "text/plain"))["attachments"][0]["content_type"] == "text/plain"


@pytest.mark.parametrize(
    ("name", "path", "kept"),
    [
        ("postmark", ("Tag",), "a"),
        ("mailtrap", ("category",), "a"),
        ("mailjet", ("Messages", 0, "CustomCampaign"), "a"),
        ("sparkpost", ("campaign_id",), "a"),
        ("mailersend", ("tags",), ["a", "b", "c", "d", ID]),
        ("mandrill", ("message", "tags"), ["a", "b", "c", "d", "e"]),
    ],
)
def test_the_tags_that_a_provider_keeps_are_the_first_and_the_others_are_told_as_lost(name, path, kept):
    long = "x" * 65 if PROVIDERS[name].limits.tag_bytes_max else "f"
    found = body(name, replace(DRAFT, tags=(*((long,) if long != "f" else ()), "a", "b", "c", "d", "e")))
    for step in path:
        found = found[step]
    assert found == kept
    assert "`tags` in allow_loss" in why(name, replace(DRAFT, tags=(long, *"abcde"), allow_loss=()))
