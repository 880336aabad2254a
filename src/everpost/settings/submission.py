"""The table [submission]: where mail is taken by SMTP."""

from pathlib import Path
from typing import Final

from everpost.settings.forms import PORT_MAX
from everpost.settings.key import Table, Text, Whole
from everpost.settings.section import Section
from everpost.settings.values import SubmissionSettings, TlsFiles

HOST: Final = Text(
    name="host", default=SubmissionSettings().host, help="Address to listen on with TLS: `0.0.0.0` for other machines."
)
STARTTLS_PORT: Final[Whole[int | None]] = Whole(
    name="starttls_port",
    default=None,
    low=1,
    high=PORT_MAX,
    help="Port that begins in the open and takes keys after STARTTLS alone: 587 is the usual one.",
)
TLS_PORT: Final[Whole[int | None]] = Whole(
    name="tls_port", default=None, low=1, high=PORT_MAX, help="Port with TLS from the first byte: 465 is the usual one."
)
PLAIN_PORT: Final[Whole[int | None]] = Whole(
    name="plain_port",
    default=None,
    low=1,
    high=PORT_MAX,
    help="Port without TLS, at 127.0.0.1 whatever `host` says: 2525, say.",
)
CERTIFICATE: Final[Text[str | None]] = Text(
    name="certificate",
    default=None,
    help="File of the certificate and those between it and its root, in PEM. Read again when it has changed.",
)
PRIVATE_KEY: Final[Text[str | None]] = Text(name="private_key", default=None, help="File of its private key, in PEM.")

TABLE: Final = Table(
    "Where mail is taken [by SMTP](../smtp.md): at the ports that are named, and at none by itself.",
    (HOST, STARTTLS_PORT, TLS_PORT, PLAIN_PORT, CERTIFICATE, PRIVATE_KEY),
)


def read_submission(section: Section) -> SubmissionSettings:
    submission = SubmissionSettings(
        host=section.text(HOST),
        starttls_port=section.whole(STARTTLS_PORT),
        tls_port=section.whole(TLS_PORT),
        plain_port=section.whole(PLAIN_PORT),
        tls=_tls(section),
    )
    if submission.tls is None:
        for key, port in ((STARTTLS_PORT, submission.starttls_port), (TLS_PORT, submission.tls_port)):
            if port is not None:
                section.fault(key.name, "needs a certificate", "set `certificate` and `private_key`")
    section.close()
    return submission


def _tls(section: Section) -> TlsFiles | None:
    certificate, private_key = section.text(CERTIFICATE), section.text(PRIVATE_KEY)
    if certificate is None or private_key is None:
        for key, is_set in ((CERTIFICATE, certificate), (PRIVATE_KEY, private_key)):
            if is_set:
                section.fault(key.name, "is one half of two", "set both `certificate` and `private_key`")
        return None
    return TlsFiles(certificate=Path(certificate), private_key=Path(private_key))
