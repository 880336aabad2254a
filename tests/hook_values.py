"""The providers whose events are tested, each by its name."""

from everpost.model.account import Account
from hook_senders import (
    brevo,
    hook_request,
    mailersend,
    mailgun,
    mailjet,
    mailtrap,
    mandrill,
    postmark,
    resend,
    scaleway,
    sendgrid,
    ses,
    sparkpost,
)

SENDERS = {
    "brevo": brevo,
    "mailersend": mailersend,
    "mailgun": mailgun,
    "mailjet": mailjet,
    "mailtrap": mailtrap,
    "mandrill": mandrill,
    "postmark": postmark,
    "resend": resend,
    "scaleway": scaleway,
    "sendgrid": sendgrid,
    "ses": ses,
    "sparkpost": sparkpost,
}
SECRETS = {name: sender.SECRET for name, sender in SENDERS.items()}
OTHER_SECRETS = {name: sender.OTHER_SECRET for name, sender in SENDERS.items()}
EVENTS = {name: sender.event for name, sender in SENDERS.items()}
REQUESTS = {name: sender.request for name, sender in SENDERS.items()}

request = hook_request
mailgun_event, mailgun_request = mailgun.event, mailgun.request
sendgrid_event, sendgrid_request = sendgrid.event, sendgrid.batch


SETTINGS = {name: getattr(sender, "SETTING", "webhook_secret") for name, sender in SENDERS.items()}
DOCUMENTS = {name: getattr(sender, "DOCUMENTS", {}) for name, sender in SENDERS.items()}


def account(provider, *, secret=None, **settings):
    """`secret`: what its events are verified by, which is a setting of another name here and there."""
    usual = {"api_key": "key-1", "domain": "mg.example.com", "webhook_url": mandrill.URL}
    settings = usual | {SETTINGS[provider]: SECRETS[provider] if secret is None else secret} | settings
    return Account(name=f"{provider}-1", provider=provider, settings=settings)
