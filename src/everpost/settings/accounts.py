"""The [accounts.*] tables: what is common to all, and what each provider's own table of settings asks for."""

import re
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from everpost.model.account import Account, Quota, Timeouts
from everpost.model.secret import Reference
from everpost.providers.contract import Provider, Setting
from everpost.settings import keys
from everpost.settings.forms import FORMS, is_domain
from everpost.settings.secrets import SecretReader
from everpost.settings.section import Section, nearest

_RECIPIENT: Final = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+|\*")


class AccountReader:
    def __init__(self, secrets: SecretReader, providers: Mapping[str, Provider]) -> None:
        self.secrets = secrets
        self._providers = providers

    def read(self, name: str, section: Section) -> Account:
        """Faults are reported to the section; the account is of use only if there were none."""
        provider = self._provider(section)
        account = Account(
            name=name,
            provider=provider.name if provider else "",
            quota=_quota(section.section("quota")),
            recipients=_recipients(section),
            senders=_senders(section),
            max_concurrency=section.whole(keys.MAX_CONCURRENCY),
            timeouts=_timeouts(section.section("timeouts")),
            lookup_lag_s=section.number(keys.LOOKUP_LAG_S),
            backfill_every_s=_backfill_every_s(section, provider),
            settings=self._settings(section, provider.settings) if provider else {},
        )
        if provider:  # else nobody knows which keys are its own
            section.close()
        return account

    def _provider(self, section: Section) -> Provider | None:
        known = sorted(self._providers)
        listed = f"known: {', '.join(known)}"
        name = section.take(keys.PROVIDER.name)
        if name is None:
            section.fault(keys.PROVIDER.name, "is missing", listed)
        elif not isinstance(name, str) or name not in self._providers:
            section.fault(keys.PROVIDER.name, f"{name!r} is not a known provider", nearest(str(name), known) or listed)
        else:
            return self._providers[name]
        return None

    def _settings(self, section: Section, settings: tuple[Setting, ...]) -> dict[str, str]:
        read = ((setting, self._setting(section, setting)) for setting in settings)
        return {setting.name: value for setting, value in read if value is not None}

    def _setting(self, section: Section, setting: Setting) -> str | None:
        raw = section.take(setting.name)
        if raw is None:
            if setting.required:
                hint = f'{setting.help}; {setting.name} = "$NAME_OF_A_VARIABLE"' if setting.secret else setting.help
                section.fault(setting.name, "is missing", hint)
            return setting.default
        value = self._resolved(section, setting, raw)
        if value is None or isinstance(value, Reference):
            return value
        if setting.choices and value not in setting.choices:
            listed = f"must be one of: {', '.join(setting.choices)}"
            section.fault(setting.name, listed, nearest(value, setting.choices))
            return None
        is_sound, described = FORMS[setting.form]
        if not is_sound(value):
            section.fault(setting.name, f"must be {described}", setting.help)
            return None
        return value

    def _resolved(self, section: Section, setting: Setting, raw: Any) -> str | None:
        """The value itself, wherever it is kept, or the reference to a secret, which is read later; None: reported."""
        if isinstance(raw, bool):
            raw = str(raw).lower()
        elif isinstance(raw, int):
            raw = str(raw)
        if not isinstance(raw, str) or not raw:
            section.fault(setting.name, "must be a text in quotes, and not an empty one", setting.help)
            return None
        read = self.secrets.secret if setting.secret else self.secrets.text
        return read(section, setting.name, raw)


def _backfill_every_s(section: Section, provider: Provider | None) -> float | None:
    every_s = section.number(keys.BACKFILL_EVERY_S)
    if every_s is not None and provider is not None and provider.history is None:
        hint = "leave it out: what its webhooks miss is not told again"
        section.fault(keys.BACKFILL_EVERY_S.name, f"{provider.title} has no list of events that could be read", hint)
    return every_s


def _quota(section: Section) -> Quota:
    quota = Quota(
        per_second=section.whole(keys.PER_SECOND),
        per_day=section.whole(keys.PER_DAY),
        per_month=section.whole(keys.PER_MONTH),
        zone=section.text(keys.ZONE),
    )
    try:
        ZoneInfo(quota.zone)
    except (KeyError, ValueError, OSError):  # unknown; not a plain name; a folder of zones
        hint = nearest(quota.zone, available_timezones()) or "an IANA name such as Europe/Berlin"
        section.fault(keys.ZONE.name, f"{quota.zone!r} is not a known time zone", hint)
    section.close()
    return quota


def _timeouts(section: Section) -> Timeouts:
    timeouts = Timeouts(
        connect_s=section.number(keys.CONNECT_S),
        write_s=section.number(keys.WRITE_S),
        answer_s=section.number(keys.ANSWER_S),
    )
    section.close()
    return timeouts


def _recipients(section: Section) -> tuple[str, ...]:
    read = section.texts(keys.RECIPIENTS)
    for place, pattern in read:
        if not _RECIPIENT.fullmatch(pattern):
            hint = f"*@{pattern}" if is_domain(pattern) else "ann@example.com or *@example.com"
            section.fault(place, f"{pattern!r} is not an address, nor a pattern of one", hint)
    return tuple(pattern.lower() for _, pattern in read)


def _senders(section: Section) -> tuple[str, ...]:
    read = section.texts(keys.SENDERS)
    for place, domain in read:
        if not is_domain(domain.removeprefix("*.")):
            section.fault(place, f"{domain!r} is not a domain", domain.rpartition("@")[2] or "example.com")
    return tuple(domain.lower() for _, domain in read)
