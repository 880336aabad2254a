"""The way to a cluster: brokers, TLS, a login."""

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaProducer

from everpost.model.limits import KAFKA_BATCH_BYTES_MAX

ANSWER_S: Final = 5.0  # of a broker; what it says may be tried again is, for as long
METADATA_S: Final = 60.0  # after so long new partitions are found, though nobody has told of them
_PROTOCOLS: Final = {
    (False, False): "PLAINTEXT",
    (True, False): "SSL",
    (False, True): "SASL_PLAINTEXT",
    (True, True): "SASL_SSL",
}
"""By whether there is TLS, and a login."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    user: str
    mechanism: str  # PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
    password: Callable[[], Awaitable[str]]  # asked for each time, since it may be changed


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    brokers: tuple[str, ...]  # HOST:PORT, those that are asked first
    tls: ssl.SSLContext | None = None
    login: Login | None = None

    async def connected(self) -> AIOKafkaProducer:
        """A producer whose records count as taken when all replicas in sync have them. Raises KafkaError."""
        producer = AIOKafkaProducer(
            client_id="everpost",
            bootstrap_servers=list(self.brokers),
            acks="all",
            max_batch_size=KAFKA_BATCH_BYTES_MAX,
            request_timeout_ms=int(ANSWER_S * 1000),
            metadata_max_age_ms=int(METADATA_S * 1000),
            security_protocol=_PROTOCOLS[self.tls is not None, self.login is not None],
            ssl_context=self.tls,
            **({} if self.login is None else await _sasl(self.login)),
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer


async def _sasl(login: Login) -> dict[str, str]:
    return {
        "sasl_mechanism": login.mechanism,
        "sasl_plain_username": login.user,
        "sasl_plain_password": await login.password(),
    }
