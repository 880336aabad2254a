"""Whoever hands in mail: repeats it until it is acknowledged, and then some; takes it back; bars an address."""

import asyncio
import hashlib
import random
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from everpost.engine.accept import Acceptance, Idempotency
from everpost.engine.engine import Engine
from everpost.model.key import Caller, Scope
from everpost.model.message import Address, Draft
from everpost.model.problem import Problem
from everpost.store.port import Stored, Suppression
from sim.nodes import Node
from sim.report import Report
from sim.world import World

CALLER = Caller(project="p", who="client", scope=Scope.ADMIN)
TIMEOUT_S = 5.0


@dataclass
class Clients:
    world: World
    nodes: Sequence[Node]
    report: Report
    rng: random.Random

    async def live(self, number: int, within_s: float) -> None:
        """Hands in one mail at some time, and does something more about it now and then."""
        await asyncio.sleep(self.rng.uniform(0, within_s))
        if self.rng.random() < 0.05:
            await self._suppress(number)
        await self._hand_in(number)
        await asyncio.sleep(self.rng.choice((0.0, 60.0)))
        deed = self.rng.random()
        if deed < 0.1:
            await self._cancel(number)
        elif deed < 0.2:
            await self._hand_in_again(number)
        elif deed < 0.3:
            await self._reuse_the_key(number)
        elif deed < 0.35:
            await self._suppress(number)

    async def _hand_in(self, number: int) -> None:
        key = _key(number)
        while key not in self.report.acknowledged:
            answer = await self._accept(number, "t")
            if isinstance(answer, Acceptance):
                self.report.acknowledged[key] = answer.stored.message.id
                self.world.note("replayed" if answer.replayed else "acknowledged")
            else:
                await asyncio.sleep(self.rng.uniform(0.1, 10))

    async def _hand_in_again(self, number: int) -> None:
        answer = await self._accept(number, "t")
        if not isinstance(answer, Acceptance):
            return
        self.world.note("repeated")
        if answer.stored.message.id != self.report.acknowledged[_key(number)] or not answer.replayed:
            self.world.breaks.append(f"{_key(number)}: a repeated request was taken for a new one")

    async def _reuse_the_key(self, number: int) -> None:
        """For another mail."""
        answer = await self._accept(number, "something else")
        if isinstance(answer, Acceptance):
            self.world.breaks.append(f"{_key(number)}: accepted for two different mails")
        elif isinstance(answer, Problem) and answer.code == "idempotency_mismatch":
            self.world.note("key refused")

    async def _accept(self, number: int, text: str) -> Acceptance | Problem | None:
        draft = Draft(
            sender=Address("ann@example.com"), to=(Address(_address(number)),), subject=_key(number), text=text
        )
        idempotency = Idempotency("p:send", _key(number), hashlib.sha256(text.encode()).digest())
        wait_s = self.rng.choice((None, None, 2.0))
        engine, node = self._some_engine()
        if engine is None:
            return None
        answer: Acceptance | Problem | None = await self._answer(
            node, engine.acceptor.accept(draft, CALLER, idempotency=idempotency, wait_s=wait_s)
        )
        return answer

    async def _cancel(self, number: int) -> None:
        message_id = self.report.acknowledged[_key(number)]
        engine, node = self._some_engine()
        if engine is None:
            return
        if isinstance(await self._answer(node, engine.console.cancel(CALLER, message_id)), Stored):
            self.report.cancelled.add(message_id)
            self.world.note("cancelled")

    async def _suppress(self, number: int) -> None:
        engine, node = self._some_engine()
        if engine is None:
            return
        if isinstance(await self._answer(node, engine.console.suppress(CALLER, _address(number), "")), Suppression):
            self.world.note("suppressed")

    def _some_engine(self) -> tuple[Engine | None, Node]:
        node = self.rng.choice(self.nodes)
        return (node.engine if node.alive else None), node

    async def _answer(self, node: Node, work: Coroutine[Any, Any, Any]) -> Any:
        """None: none came, or the node has failed."""
        request = node.start(work)
        done, _ = await asyncio.wait([request], timeout=TIMEOUT_S)
        if not done or request.cancelled():
            self.world.note("client gave up waiting")
            return None
        return None if request.exception() is not None else request.result()


def _key(number: int) -> str:
    return f"key-{number}"


def _address(number: int) -> str:
    return f"bob{number}@example.org"
