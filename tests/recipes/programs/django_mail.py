"""Sends a mail by Django, set up by a block of its settings."""

import base64
import json
import sys
from email.utils import formataddr

import django.conf
from django.core.mail import EmailMultiAlternatives

task = json.load(sys.stdin)
found: dict[str, object] = {}
exec(task["block"], found)
django.conf.settings.configure(**{name: value for name, value in found.items() if name.isupper()})
mail, file = task["mail"], task["mail"]["file"]
sender = mail["sender"]["name"], mail["sender"]["address"]
written = EmailMultiAlternatives(mail["subject"], mail["text"], formataddr(sender), [mail["to"]], [mail["bcc"]])
written.attach_alternative(mail["html"], "text/html")
written.attach(file["name"], base64.b64decode(file["base64"]), file["type"])
written.send()
