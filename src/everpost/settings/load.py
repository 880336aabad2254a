"""From a file and an environment to Settings."""

import stat
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import msgspec

from everpost.model.account import Account
from everpost.model.secret import Secret
from everpost.providers.contract import Provider
from everpost.settings import keys, places
from everpost.settings.accounts import AccountReader
from everpost.settings.forms import is_origin, is_url
from everpost.settings.outlets import read_sinks, read_webhooks
from everpost.settings.retention import read_retention
from everpost.settings.routes import check_name, read_routes
from everpost.settings.secrets import SecretReader
from everpost.settings.section import Report, Section
from everpost.settings.submission import read_submission
from everpost.settings.values import (
    ConfigFault,
    HealthPlace,
    HttpSettings,
    InStore,
    MemoryWakeup,
    PostgresStore,
    Settings,
    SqliteStore,
    StoreHealth,
    StorePlace,
    StoreWakeup,
    ValkeyPlace,
    WakeupPlace,
    WorkSettings,
)

PREFIX: Final = "EVERPOST_"
_READABLE: Final = "name a file that this user may read"


def _switch(value: str) -> bool | str:
    return {"true": True, "false": False}.get(value.lower(), value)


def _commas(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


VARIABLES: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "EVERPOST_DATA": ("data", str),
    "EVERPOST_STORE": ("store", str),
    "EVERPOST_STORE_PASSWORD": ("store_password", str),
    "EVERPOST_ATTACHMENTS": ("attachments", str),
    "EVERPOST_HEALTH": ("health", str),
    "EVERPOST_HEALTH_PASSWORD": ("health_password", str),
    "EVERPOST_WAKEUP": ("wakeup", str),
    "EVERPOST_WAKEUP_PASSWORD": ("wakeup_password", str),
    "EVERPOST_HTTP_HOST": ("http.host", str),
    "EVERPOST_HTTP_PORT": ("http.port", int),
    "EVERPOST_HTTP_PUBLIC_URL": ("http.public_url", str),
    "EVERPOST_HTTP_PAGE_ORIGINS": ("http.page_origins", _commas),
    "EVERPOST_HTTP_SAME_MAIL_WINDOW_S": ("http.same_mail_window_s", int),
    "EVERPOST_WORK_HOST": ("work.host", str),
    "EVERPOST_WORK_PORT": ("work.port", int),
    "EVERPOST_SUBMISSION_HOST": ("submission.host", str),
    "EVERPOST_SUBMISSION_STARTTLS_PORT": ("submission.starttls_port", int),
    "EVERPOST_SUBMISSION_TLS_PORT": ("submission.tls_port", int),
    "EVERPOST_SUBMISSION_PLAIN_PORT": ("submission.plain_port", int),
    "EVERPOST_SUBMISSION_CERTIFICATE": ("submission.certificate", str),
    "EVERPOST_SUBMISSION_PRIVATE_KEY": ("submission.private_key", str),
    "EVERPOST_EVENTS_SINKS": ("events.sinks", places.sinks_listed),
    "EVERPOST_KAFKA_PASSWORD": ("events.kafka_password", str),
    "EVERPOST_WEBHOOKS_ALLOW": ("webhooks.allow", _commas),
    "EVERPOST_WEBHOOKS_PLAIN_HTTP": ("webhooks.plain_http", _switch),
    "EVERPOST_RETENTION_MESSAGES_DAYS": ("retention.messages_days", int),
    "EVERPOST_RETENTION_KEYS_DAYS": ("retention.keys_days", int),
    "EVERPOST_RETENTION_BODIES_DAYS": ("retention.bodies_days", int),
    "EVERPOST_RETENTION_ADDRESSES_DAYS": ("retention.addresses_days", int),
    "EVERPOST_RETENTION_EVENTS_DAYS": ("retention.events_days", int),
    "EVERPOST_LOG_LEVEL": ("log.level", str),
}
"""Environment variables that go over the file: the key that each one sets, and how its text is read."""


def load(path: Path, environ: Mapping[str, str], providers: Mapping[str, Provider]) -> Settings | list[ConfigFault]:
    """The settings, with what is merely doubtful as their `warnings`; or every fault there is, at once."""
    report = _report(environ)
    text = _text(path, report)
    if text is None:
        return report.faults
    reader = AccountReader(SecretReader(environ), providers)
    settings = _read(text, str(path), reader, environ, report)
    if report.faults or settings is None:
        return report.faults
    _warn_of_open_secrets(path, reader.secrets.literal, report)
    return _with_warnings(settings, environ, report)


def load_text(
    text: str, origin: str, environ: Mapping[str, str], providers: Mapping[str, Provider]
) -> Settings | list[ConfigFault]:
    """As `load`, where what stands in the file was read elsewhere."""
    report = _report(environ)
    settings = _read(text, origin, AccountReader(SecretReader(environ), providers), environ, report)
    if report.faults or settings is None:
        return report.faults
    return _with_warnings(settings, environ, report)


def store_place(path: Path, environ: Mapping[str, str]) -> tuple[StorePlace, Path] | list[ConfigFault]:
    """Where mail is kept, and the data folder: to be had without the secrets of the accounts, and without a file where
    the environment says it."""
    report = _report(environ)
    is_told = environ.get("EVERPOST_DATA") or environ.get("EVERPOST_STORE")
    text = "" if is_told and not path.exists() else _text(path, report)
    content = {} if text is None else _content(text, str(path), environ, report)
    top = Section(content or {}, "", report)
    place = _store(top, SecretReader(environ)), _data(top)
    return report.faults or place


def _read(text: str, origin: str, reader: AccountReader, environ: Mapping[str, str], report: Report) -> Settings | None:
    content = _content(text, origin, environ, report)
    return None if content is None else _settings(Section(content, "", report), reader)


def _with_warnings(settings: Settings, environ: Mapping[str, str], report: Report) -> Settings:
    _warn_of_misspelt_variables(environ, report)
    return msgspec.structs.replace(settings, warnings=tuple(report.warnings))


def _report(environ: Mapping[str, str]) -> Report:
    return Report({key: variable for variable, (key, _) in VARIABLES.items() if environ.get(variable)})


def _text(path: Path, report: Report) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig")  # some editors put a byte order mark there
    except OSError as error:
        hint = "start from everpost.example.toml" if isinstance(error, FileNotFoundError) else _READABLE
        report.fault(str(path), f"can't be read: {error.strerror}", hint)
    except ValueError as error:  # not UTF-8
        report.fault(str(path), f"is not TOML: {error}")
    return None


def _content(text: str, origin: str, environ: Mapping[str, str], report: Report) -> dict[str, Any] | None:
    """What the file says, with the environment over it; None: it is not TOML."""
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # not TOML, or nested without end
        report.fault(origin, f"is not TOML: {error}")
        return None
    _override(content, environ, report)
    return content


def _override(content: dict[str, Any], environ: Mapping[str, str], report: Report) -> None:
    for variable, (key, read) in VARIABLES.items():
        text = environ.get(variable)
        if not text:
            continue
        section, _, name = key.rpartition(".")
        table = content.setdefault(section, {}) if section else content
        try:
            value = read(text)
        except ValueError:
            report.fault(variable, f"must be a whole number, not {text!r}")
            continue
        if isinstance(table, dict):  # else reading the section reports it
            table[name] = value


def _settings(top: Section, reader: AccountReader) -> Settings:
    data = _data(top)
    http, work = _http(top.section("http")), _work(top.section("work"))
    submission = read_submission(top.section("submission"))
    accounts = _accounts(top, reader)
    routes = read_routes(top, [account.name for account in accounts])
    events, log = top.section("events"), top.section("log")
    sinks, level = read_sinks(events, reader.secrets), log.text(keys.LOG_LEVEL)
    retention = read_retention(top.section("retention"))
    store, health = _store(top, reader.secrets), _health(top)
    wakeup = _wakeup(top, store, health)
    attachments = places.read(top, keys.ATTACHMENTS.name, top.text(keys.ATTACHMENTS), places.ATTACHMENTS) or InStore()
    webhooks = read_webhooks(top.section("webhooks"))
    for section in (events, log, top):
        section.close()
    return Settings(
        data=data,
        http=http,
        work=work,
        submission=submission,
        accounts=accounts,
        routes=routes,
        sinks=sinks,
        retention=retention,
        log_level=level,
        store=store,
        attachments=attachments,
        health=health,
        wakeup=wakeup,
        webhooks=webhooks,
    )


def _store(top: Section, secrets: SecretReader) -> StorePlace:
    store = places.read(top, keys.STORE.name, top.text(keys.STORE), places.STORES) or SqliteStore()
    raw = top.text(keys.STORE_PASSWORD)
    password = None if raw is None else secrets.secret(top, keys.STORE_PASSWORD.name, raw)
    return msgspec.structs.replace(store, password=password) if isinstance(store, PostgresStore) else store


def _health(top: Section) -> HealthPlace:
    health = places.read(top, keys.HEALTH.name, top.text(keys.HEALTH), places.HEALTHS) or StoreHealth()
    password = top.text(keys.HEALTH_PASSWORD)
    return _known_by(health, password) if isinstance(health, ValkeyPlace) else health


def _wakeup(top: Section, store: StorePlace, health: HealthPlace) -> WakeupPlace:
    wakeup = places.read(top, keys.WAKEUP.name, top.text(keys.WAKEUP), places.WAKEUPS) or MemoryWakeup()
    if isinstance(wakeup, StoreWakeup) and not isinstance(store, PostgresStore):
        top.fault(keys.WAKEUP.name, "is `store`, and that store calls nobody", "a store `postgres://…`, or `memory`")
    password = top.text(keys.WAKEUP_PASSWORD)
    if not isinstance(wakeup, ValkeyPlace):
        return wakeup
    if password is None and isinstance(health, ValkeyPlace) and wakeup == _known_by(health, None):
        return health
    return _known_by(wakeup, password)


def _known_by(server: ValkeyPlace, password: str | None) -> ValkeyPlace:
    return msgspec.structs.replace(server, password=None if password is None else Secret(password))


def _data(top: Section) -> Path:
    folder = top.text(keys.DATA)
    return Path(folder)


def _http(section: Section) -> HttpSettings:
    http = HttpSettings(
        host=section.text(keys.HTTP_HOST),
        port=section.whole(keys.HTTP_PORT),
        public_url=section.text(keys.HTTP_PUBLIC_URL),
        page_origins=_origins(section),
        same_mail_window_s=section.whole(keys.SAME_MAIL_WINDOW_S),
    )
    if http.public_url is not None and not is_url(http.public_url):
        section.fault(keys.HTTP_PUBLIC_URL.name, f"{http.public_url!r} is not an address", "https://mail.example.com")
    section.close()
    return http


def _work(section: Section) -> WorkSettings:
    work = WorkSettings(host=section.text(keys.WORK_HOST), port=section.whole(keys.WORK_PORT))
    section.close()
    return work


def _origins(section: Section) -> tuple[str, ...]:
    texts = section.texts(keys.PAGE_ORIGINS)
    for place, text in texts:
        if not is_origin(text):
            hint = "https://mail.example.com: no path, no default port, small letters"
            section.fault(place, f"{text!r} is not an origin as browsers write it", hint)
    return tuple(text for _, text in texts)


def _accounts(top: Section, reader: AccountReader) -> tuple[Account, ...]:
    sections = top.sections("accounts")
    if not sections:
        top.fault("accounts", "has no account: there is nobody to hand mail to", "add a table [accounts.NAME]")
    for name in sections:
        check_name(top, f"accounts.{name}", name)
    return tuple(reader.read(name, section) for name, section in sections.items())


def _warn_of_open_secrets(path: Path, keys: list[str], report: Report) -> None:
    if path.stat().st_mode & stat.S_IROTH:
        for key in filter(report.is_in_file, keys):
            report.warn(
                key, f"is a secret in a file that everybody may read: {path}", f"chmod o-r {path}, or use $NAME"
            )


def _warn_of_misspelt_variables(environ: Mapping[str, str], report: Report) -> None:
    """Only near misses: container platforms set variables of their own that start with a service's name."""
    known = {variable.removeprefix(PREFIX): variable for variable in VARIABLES}
    for variable in environ:
        if variable.startswith(PREFIX) and variable not in VARIABLES:
            near = get_close_matches(variable.removeprefix(PREFIX), known, n=1, cutoff=0.8)
            if near:
                report.warn(variable, "is not a known variable", f"did you mean {known[near[0]]}?")
