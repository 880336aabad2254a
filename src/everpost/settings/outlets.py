"""Where events may go: the sinks of the table [events], and the table [webhooks]."""

from ipaddress import ip_network

import msgspec

from everpost.settings import keys, places
from everpost.settings.secrets import SecretReader
from everpost.settings.section import Section
from everpost.settings.values import KafkaSink, SinkPlace, WebhookSettings


def read_webhooks(section: Section) -> WebhookSettings:
    networks = []
    for place, text in section.texts(keys.ALLOW):
        try:
            networks.append(ip_network(text))
        except ValueError:
            section.fault(
                place, f"{text!r} is not a network", "as 10.0.0.0/8, or fd00::/8; no bits set behind its length"
            )
    webhooks = WebhookSettings(allow=tuple(networks), plain_http=section.flag(keys.PLAIN_HTTP))
    section.close()
    return webhooks


def read_sinks(section: Section, secrets: SecretReader) -> tuple[SinkPlace, ...]:
    raw = section.text(keys.KAFKA_PASSWORD)
    password = None if raw is None else secrets.secret(section, keys.KAFKA_PASSWORD.name, raw)
    sinks: list[SinkPlace] = []
    for place, text in section.texts(keys.SINKS):
        sink = places.read(section, place, text, places.SINKS)
        if sink is None:
            continue
        if isinstance(sink, KafkaSink) and sink.user is not None:
            if raw is None:
                section.fault(place, "names a user, and there is no password", 'kafka_password = "$NAME_OF_A_VARIABLE"')
            sink = msgspec.structs.replace(sink, password=password)
        if places.cursor_name(sink) in map(places.cursor_name, sinks):
            section.fault(place, f"{text!r} is listed twice")
        sinks.append(sink)
    return tuple(sinks)
