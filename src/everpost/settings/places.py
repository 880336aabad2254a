"""Texts that say where a part of Everpost is: `sqlite`, `dynamodb:mail?bodies=mail-bodies`, `valkeys://host:6379`.

Each is a word, and behind a colon what belongs to it. What may be written stands in the tables, for the fault as well.
"""

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
    KinesisSink,
    MemoryWakeup,
    ObjectAttachments,
    QueueWakeup,
    SinkPlace,
    SqliteStore,
    StdoutSink,
    StoreHealth,
    StorePlace,
    ValkeyHealth,
    WakeupPlace,
)

VALKEY_PORT: Final = 6379
T = TypeVar("T")


class Kind(NamedTuple, Generic[T]):
    form: str  # what may be written
    read: Callable[[str], T | None]
    """From what stands behind the word and its colon; None: it is not of the form."""


def read(section: Section, name: str, text: str, kinds: Mapping[str, Kind[T]]) -> T | None:
    """What the text names; None: the section was told what is wrong with it."""
    word, _, rest = text.partition(":")
    kind = kinds.get(word)
    if kind is None:
        listed = ", or ".join(each.form for each in kinds.values())
        section.fault(name, f"is {text!r}, which is not known", nearest(word, kinds) or listed)
        return None
    found = kind.read(rest)
    if found is None:
        section.fault(name, f"is {text!r}, which is incomplete or says too much", kind.form)
    return found


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


def _valkey(rest: str, *, tls: bool) -> ValkeyHealth | None:
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
    return ValkeyHealth(host=url.hostname, port=port, tls=tls, user=_user(url), login=login)


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


def _options(query: str, known: set[str]) -> dict[str, str] | None:
    try:
        given = parse_qsl(query, strict_parsing=True) if query else []
    except ValueError:
        return None
    return dict(given) if {name for name, _ in given} <= known and len(dict(given)) == len(given) else None


STORES: Final[Mapping[str, Kind[StorePlace]]] = {
    "sqlite": Kind("`sqlite`", _alone(SqliteStore())),
    "dynamodb": Kind("`dynamodb:TABLE` or `dynamodb:TABLE?bodies=BUCKET`", _dynamo),
}
ATTACHMENTS: Final[Mapping[str, Kind[AttachmentPlace]]] = {
    "store": Kind("`store`", _alone(InStore())),
    "file": Kind("`file:` and a folder", lambda rest: FileAttachments(Path(rest)) if rest else None),
    "s3": Kind("`s3:BUCKET`, `s3:BUCKET?prefix=NAME/` or `s3:BUCKET?endpoint=URL`", _objects),
}
HEALTHS: Final[Mapping[str, Kind[HealthPlace]]] = {
    "store": Kind("`store`", _alone(StoreHealth())),
    "valkey": Kind("`valkey://HOST:PORT`", lambda rest: _valkey(rest, tls=False)),
    "valkeys": Kind(
        "`valkeys://HOST:PORT`, with TLS; `?iam=USER,CACHE&serverless=true` for ElastiCache's login",
        lambda rest: _valkey(rest, tls=True),
    ),
}
WAKEUPS: Final[Mapping[str, Kind[WakeupPlace]]] = {
    "memory": Kind("`memory`", _alone(MemoryWakeup())),
    "sqs": Kind("`sqs:URL-OF-THE-QUEUE`", _queue),
}
SINKS: Final[Mapping[str, Kind[SinkPlace]]] = {
    "stdout": Kind("`stdout`", _alone(StdoutSink())),
    "file": Kind("`file:` and a path", lambda rest: FileSink(Path(rest)) if rest else None),
    "kinesis": Kind("`kinesis:STREAM` or `kinesis:STREAM?dlq=URL-OF-A-QUEUE`", _kinesis),
}
