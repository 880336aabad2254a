"""What is peculiar to SendGrid."""

import json

from msgspec.structs import replace

from everpost.model.message import Attachment
from everpost.providers.contract import HttpResponse, Unclear
from everpost.providers.sendgrid import adapter as sendgrid
from provider_cases import DRAFT, built, sought_of


def test_a_list_as_long_as_the_limit_may_have_been_cut():
    logged = [{"sg_message_id": str(number), "subject": "Another"} for number in range(sendgrid.LOGS_MAX)]
    answer = HttpResponse(status=200, headers={}, body=json.dumps({"messages": logged}).encode())
    assert isinstance(sendgrid.PROVIDER.resolve.read(sought_of({}, "sendgrid"), answer), Unclear)


def test_the_largest_mail_fits_into_what_it_takes():
    """30 MiB in all, attachments in base64."""
    large = Attachment(filename="a", content_type="a/b", content=bytes(sendgrid.PROVIDER.limits.content_bytes_max))
    request = built("sendgrid", replace(DRAFT, attachments=(large,)))
    assert len(request.body) < 30 * 1024 * 1024
