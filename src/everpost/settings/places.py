"""Texts that say where a part of Everpost is: `sqlite`, `dynamodb:mail?bodies=mail-bodies`, `valkeys://host:6379`.

Each is a word, and behind a colon what belongs to it. What may be written stands in the tables, for the fault as well.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from everpost.settings.forms import is_url
from everpost.settings.section import Section, nearest
from everpost.settings.values import (
    AttachmentPlace,
    DynamoStore,
    FileAttachments,
    FileSink,
    HealthPlace,
    IamLogin,
    InStore,
    KafkaSink,
    KinesisSink,
    Mechanism,
    MemoryWakeup,
    ObjectAttachments,
    PostgresStore,
    QueueWakeup,
    SinkPlace,
    SqliteStore,
    StdoutSink,
    StoreHealth,
    StorePlace,
    StoreWakeup,
    ValkeyPlace,
    WakeupPlace,
)

VALKEY_PORT: Final = 6379
POSTGRES_PORT: Final = 5432
SSL_MODES: Final = ("disable", "require", "verify-ca", "verify-full")
_PASSWORD: Final = re.compile(r"(//[^:/@]*):[^@]*@")
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_BROKER: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Kind(NamedTuple, Generic[T_co]):
    form: str  # what may be written
    read: Callable[[str], T_co | None]
    """From what stands behind the word and its colon; None: it is not of the form."""


def read(section: Section, name: str, text: str, kinds: Mapping[str, Kind[T]]) -> T | None:
    """What the text names; None: the section was told what is wrong with it."""
    word, _, rest = text.partition(":")
    kind = kinds.get(word)
    if kind is None:
        listed = ", or ".join(each.form for each in kinds.values())
        section.fault(name, f"is {_shown(text)!r}, which is not known", nearest(word, kinds) or listed)
        return None
    found = kind.read(rest)
    if found is None:
        section.fault(name, f"is {_shown(text)!r}, which is incomplete or says too much", kind.form)
    return found


def _shown(text: str) -> str:
    """Without a password that should not stand in there."""
    return _PASSWORD.sub(r"\1:***@", text)


def _alone(place: T) -> Callable[[str], T | None]:
    return lambda rest: place if not rest else None


def _dynamo(rest: str) -> DynamoStore | None:
    table, _, query = rest.partition("?")
    options = _options(query, {"bodies"})
    if not table or options is None:
        return None
    return DynamoStore(table=table, bodies=options.get("bodies"))


def _objects(rest: str) -> ObjectAttachments | None:
    bucket, _, query = rest.partition("?")
    options = _options(query, {"prefix", "endpoint"})
    if not bucket or "/" in bucket or options is None:
        return None
    endpoint = options.get("endpoint")
    if endpoint is not None and not is_url(endpoint):
        return None
    return ObjectAttachments(bucket=bucket, prefix=options.get("prefix", ""), endpoint=endpoint)


def _postgres(rest: str) -> PostgresStore | None:
    try:
        url = urlsplit(f"postgres:{rest}")
        port = url.port or POSTGRES_PORT
    except ValueError:  # a port that is none
        return None
    options = _options(url.query, {"sslmode", "sslrootcert"})
    database = unquote(url.path.removeprefix("/"))
    if not url.hostname or not url.username or not database or url.password is not None or options is None:
        return None
    if options.get("sslmode", "disable") not in SSL_MODES:
        return None
    root = options.get("sslrootcert")
    return PostgresStore(
        host=url.hostname,
        port=port,
        user=_user(url),
        database=database,
        sslmode=options.get("sslmode", SSL_MODES[-1]),
        sslrootcert=Path(root) if root else None,
    )


def _valkey(rest: str, *, tls: bool) -> ValkeyPlace | None:
    try:
        url = urlsplit(f"valkey:{rest}")
        port = url.port or VALKEY_PORT
    except ValueError:  # a port that is none
        return None
    options = _options(url.query, {"iam", "serverless", "cluster"})
    if not url.hostname or url.path not in ("", "/") or url.password is not None or options is None:
        return None
    login = _login(options)
    if ("iam" in options and login is None) or (login is not None and not tls):
        return None
    return ValkeyPlace(host=url.hostname, port=port, tls=tls, user=_user(url), login=login)


def _login(options: Mapping[str, str]) -> IamLogin | None:
    user, _, cache = options.get("iam", "").partition(",")
    serverless = options.get("serverless") == "true"
    return IamLogin(user=user, cache=cache, serverless=serverless) if user and cache else None


def _user(url: SplitResult) -> str:
    return unquote(url.username or "")


def _queue(rest: str) -> QueueWakeup | None:
    return QueueWakeup(url=rest) if is_url(rest) else None


def _kinesis(rest: str) -> KinesisSink | None:
    stream, _, query = rest.partition("?")
    options = _options(query, {"dlq"})
    if not stream or options is None or ("dlq" in options and not is_url(options["dlq"])):
        return None
    return KinesisSink(stream=stream, dead_letters=options.get("dlq"))


def _kafka(rest: str) -> KafkaSink | None:
    topic, _, query = rest.partition("?")
    options = _options(query, {"brokers", "tls", "user", "mechanism", "dlq"})
    if options is None or not _TOPIC.fullmatch(topic) or not _TOPIC.fullmatch(options.get("dlq", topic)):
        return None
    brokers = tuple(options.get("brokers", "").split(","))
    tls, user = options.get("tls", "false"), options.get("user")
    mechanism = options.get("mechanism", Mechanism.PLAIN)
    if not all(map(_BROKER.fullmatch, brokers)) or tls not in ("true", "false") or mechanism not in tuple(Mechanism):
        return None
    is_open = user is not None and mechanism == Mechanism.PLAIN and tls == "false"
    if is_open or ("mechanism" in options and user is None):
        return None
    return KafkaSink(
        topic=topic,
        brokers=brokers,
        tls=tls == "true",
        user=user,
        mechanism=Mechanism(mechanism),
        dead_letters=options.get("dlq"),
    )


def cursor_name(sink: SinkPlace) -> str:
    """Two sinks of one name would share one place in the audit trail."""
    match sink:
        case StdoutSink():
            return "stdout"
        case FileSink(path=path):
            return f"file:{path}"
        case KinesisSink(stream=stream):
            return f"kinesis:{stream}"
        case KafkaSink(topic=topic):
            return f"kafka:{topic}"


def sinks_listed(value: str) -> list[str]:
    """A list with commas, some of which stand between the brokers of a sink."""
    listed: list[str] = []
    for part in filter(None, map(str.strip, value.split(","))):
        if listed and "?brokers=" in listed[-1] and _BROKER.fullmatch(part.partition("&")[0]):
            listed[-1] += f",{part}"
        else:
            listed.append(part)
    return listed


def _options(query: str, known: set[str]) -> dict[str, str] | None:
    try:
        given = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        return None
    return dict(given) if {name for name, _ in given} <= known and len(dict(given)) == len(given) else None


STORES: Final[Mapping[str, Kind[StorePlace]]] = {
    "sqlite": Kind("`sqlite`", _alone(SqliteStore())),
    "postgres": Kind(f"`postgres://USER@HOST:PORT/DATABASE?sslmode={'|'.join(SSL_MODES)}`", _postgres),
    "dynamodb": Kind("`dynamodb:TABLE` or `dynamodb:TABLE?bodies=BUCKET`", _dynamo),
}
_VALKEY: Final[Kind[ValkeyPlace]] = Kind("`valkey://HOST:PORT`", lambda rest: _valkey(rest, tls=False))
_VALKEYS: Final[Kind[ValkeyPlace]] = Kind(
    "`valkeys://HOST:PORT`, with TLS; `?iam=USER,CACHE&serverless=true` for ElastiCache's login",
    lambda rest: _valkey(rest, tls=True),
)
ATTACHMENTS: Final[Mapping[str, Kind[AttachmentPlace]]] = {
    "store": Kind("`store`", _alone(InStore())),
    "file": Kind("`file:` and a folder", lambda rest: FileAttachments(Path(rest)) if rest else None),
    "s3": Kind("`s3:BUCKET`, `s3:BUCKET?prefix=NAME/` or `s3:BUCKET?endpoint=URL`", _objects),
}
HEALTHS: Final[Mapping[str, Kind[HealthPlace]]] = {
    "store": Kind("`store`", _alone(StoreHealth())),
    "valkey": _VALKEY,
    "valkeys": _VALKEYS,
}
WAKEUPS: Final[Mapping[str, Kind[WakeupPlace]]] = {
    "memory": Kind("`memory`", _alone(MemoryWakeup())),
    "store": Kind("`store`", _alone(StoreWakeup())),
    "sqs": Kind("`sqs:URL-OF-THE-QUEUE`", _queue),
    "valkey": _VALKEY,
    "valkeys": _VALKEYS,
}
SINKS: Final[Mapping[str, Kind[SinkPlace]]] = {
    "stdout": Kind("`stdout`", _alone(StdoutSink())),
    "file": Kind("`file:` and a path", lambda rest: FileSink(Path(rest)) if rest else None),
    "kafka": Kind(
        "`kafka:TOPIC?brokers=HOST:PORT,HOST:PORT`; `&tls=true`, `&user=NAME` (without TLS only with "
        "`&mechanism=SCRAM-SHA-256` or `SCRAM-SHA-512`), `&dlq=TOPIC`",
        _kafka,
    ),
    "kinesis": Kind("`kinesis:STREAM` or `kinesis:STREAM?dlq=URL-OF-A-QUEUE`", _kinesis),
}
