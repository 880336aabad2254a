"""The providers whose events are tested, each by its name."""

from everpost.model.account import Account
from hook_senders import brevo, hook_request, mailgun, mailtrap, postmark, resend, sendgrid, sparkpost

SENDERS = {
    "brevo": brevo,
    "mailgun": mailgun,
    "mailtrap": mailtrap,
    "postmark": postmark,
    "resend": resend,
    "sendgrid": sendgrid,
    "sparkpost": sparkpost,
}
SECRETS = {name: sender.SECRET for name, sender in SENDERS.items()}
OTHER_SECRETS = {name: sender.OTHER_SECRET for name, sender in SENDERS.items()}
EVENTS = {name: sender.event for name, sender in SENDERS.items()}
REQUESTS = {name: sender.request for name, sender in SENDERS.items()}

request = hook_request
mailgun_event, mailgun_request = mailgun.event, mailgun.request
sendgrid_event, sendgrid_request = sendgrid.event, sendgrid.batch


def account(provider, **settings):
    settings = {"api_key": "key-1", "domain": "mg.example.com", "webhook_secret": SECRETS[provider]} | settings
    return Account(name=f"{provider}-1", provider=provider, settings=settings)
