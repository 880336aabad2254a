"""Turns requests that bring mail away while there is too much to do, at a cost far below that of taking the mail; all
others are begun a few at a time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from everpost.entrypoints.http.admission import Admission, size_of
from everpost.entrypoints.http.call import Headers, Incoming
from everpost.entrypoints.http.exchange import Exchange
from everpost.entrypoints.http.figures import Figures
from everpost.entrypoints.http.operation import Operation
from everpost.entrypoints.http.origins import Origins
from everpost.entrypoints.http.turns import Turns

READ_ON_BYTES_MAX: Final = 64 * 1024  # a body that is read to its end to keep the connection; a larger one ends it
CLOSE: Final = ((b"connection", b"close"),)
PLACE: Final = "f" * 20
"""Stands for the id of the request in an answer that was made before."""


class Gate:
    """`render` makes the whole answer to a request of the id PLACE for an operation, with some more fields."""

    def __init__(
        self,
        operations: Sequence[Operation],
        render: Callable[[Operation, Headers], bytes],
        new_id: Callable[[], str],
        metrics: Figures,
        origins: Origins,
    ) -> None:
        self.admission = Admission()
        self.turns = Turns()
        self._answers: Mapping[tuple[str, str, str | None], tuple[list[bytes], list[bytes]]] = {
            (each.method, each.path, origin): (_parts(render(each, told)), _parts(render(each, (*told, *CLOSE))))
            for each in operations
            if each.takes_mail
            for origin, told in origins.fields.items()
        }
        self._origins = origins
        self._new_id = new_id
        self._metrics = metrics

    def enter(self, incoming: Incoming) -> bool:
        """Whether it may be worked on. Its permit then has to leave."""
        if incoming.permit is None:
            incoming.permit = self.admission.enter(size_of(incoming.headers))
        return incoming.permit is not None

    def refusal(self, exchange: Exchange) -> bytes | None:
        """The whole answer to a request that may not be worked on."""
        answers = self._answers.get((exchange.method, exchange.path, self._origins.of(exchange.headers)))
        if answers is None:
            return None
        size = size_of(exchange.headers)
        exchange.permit = self.admission.enter(size)
        if exchange.permit is not None:
            return None
        self._metrics.count_turned_away()
        if size > READ_ON_BYTES_MAX or exchange.expects_word:
            exchange.keep_alive = False
        return self._new_id().encode().join(answers[not exchange.keep_alive])


def _parts(answer: bytes) -> list[bytes]:
    return answer.split(PLACE.encode())
