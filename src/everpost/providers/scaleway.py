"""Scaleway Transactional Email: https://www.scaleway.com/en/developers/api/transactional-email/

It has no tags, no metadata, and no search by a header: a recipient's mails are told apart by their Message-ID, which is
ours if Scaleway leaves it as it is. Each recipient has an id of his own; that of the first one stands for the mail.
"""

from base64 import b64encode
from typing import Any, Final
from urllib.parse import urlencode

from everpost.model.account import Account
from everpost.model.message import Attachment, Draft
from everpost.providers import contract as c
from everpost.providers import http
from everpost.providers.fields import quoted_mailbox, without_repeats
from everpost.providers.json_mail import JsonMail, address_as
from everpost.providers.reading import Reading, at, decoded, read_answer

REGIONS: Final = {"fr-par": "https://api.scaleway.com"}
