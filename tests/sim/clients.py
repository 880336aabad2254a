"""Whoever hands in mail: repeats it until it is acknowledged, and then some; takes it back; bars an address; looks at
what is none of their business."""

import asyncio
import hashlib
import random
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from everpost.engine.accept import NOT_KEPT, Acceptance, Acceptor, is_final
from everpost.engine.engine import Engine
from everpost.engine.idempotency import Idempotency
from everpost.engine.search import Sought
from everpost.model.event import Recorded
from everpost.model.key import Caller, Scope
from everpost.model.message import Address, Draft
from everpost.model.problem import Problem
from everpost.model.suppression import SuppressionDraft
from everpost.store.port import Filter, Stored
from sim.draw import DOMAIN, OTHER_DOMAIN
from sim.nodes import EPOCH, Node
from sim.report import Report
from sim.world import World

TIMEOUT_S = 5.0


@dataclass
class Mail:
    """One mail of one project. Projects use the same keys and write to the same addresses."""

    number: int
    caller: Caller
    key: str
    address: str
    draft: Draft

    @property
    def name(self) -> str:
        return f"mail-{self.number}"


@dataclass
class Clients:
    world: World
    nodes: Sequence[Node]
    report: Report
    rng: random.Random

    async def live(self, number: int, within_s: float) -> None:
        """Hands in one mail at some time, and does something more about it now and then."""
        await asyncio.sleep(self.rng.random() * within_s)
        mail = self._some_mail(number)
        if self.rng.random() < 0.04:
            await self._suppress(mail)
        await self._hand_in(mail)
        deed = self.rng.random()
        if deed >= 0.4:
            return
        await asyncio.sleep(self.rng.choice((0.0, 60.0)))
        if deed < 0.1:
            await self._cancel(mail)
        elif deed < 0.2:
            await self._hand_in_again(mail)
        elif deed < 0.26:
            await self._reuse_the_key(mail)
        elif deed < 0.3:
            await self._suppress(mail)
        else:
            await self._pry(mail)

    def _some_mail(self, number: int) -> Mail:
        """Some have more recipients than one, come from a domain that not every account may use, may not leave before
        a time, or not after one."""
        rng, projects = self.rng, self.world.plan.projects
        project, serial = f"project-{number % projects}", number // projects
        address, now, mark = f"bob{serial}@example.org", EPOCH + self.world.loop.time(), rng.random()
        to = (address,) if mark > 0.1 else (address, f"bert{serial}@example.org", "all@example.org")
        draft = Draft(
            sender=Address(f"ann@{DOMAIN if rng.random() < 0.8 else OTHER_DOMAIN}"),
            to=tuple(Address(one) for one in to),
            subject=f"mail-{number}",
            text="t",
            send_at=now + rng.random() * 300 if mark > 0.97 else None,
            expires_at=now + 400 + rng.random() * 200 if mark > 0.95 else None,
        )
        caller = Caller(project=project, who="client", scope=Scope.ADMIN)
        return Mail(number, caller, f"key-{serial}", address, draft)

    async def _hand_in(self, mail: Mail) -> None:
        longest_s = 5.0
        while mail.name not in self.report.acknowledged:
            answer = await self._accept(mail, mail.draft, remember=True)
            if isinstance(answer, Acceptance):
                self.report.acknowledged[mail.name] = answer.stored.message.id
                self.world.note("replayed" if answer.replayed else "acknowledged")
            elif isinstance(answer, Problem) and answer.code == "idempotency_mismatch":
                self.world.breaks.append(f"{mail.name}: its key is taken for somebody else's")
                return
            elif isinstance(answer, Problem) and answer.code == "validation_failed":
                self.report.refused.add(mail.name)  # it has expired before anybody took it
                self.world.note("refused")
                return
            else:
                await asyncio.sleep(0.1 + self.rng.random() * longest_s)
                longest_s = min(2 * longest_s, 120.0)

    async def _hand_in_again(self, mail: Mail) -> None:
        if mail.name not in self.report.acknowledged:
            return
        kept = self.world.answers.get((_scope(mail), mail.key), NOT_KEPT)
        answer = await self._accept(mail, mail.draft)
        if not isinstance(answer, Acceptance):
            return
        self.world.note("repeated")
        if answer.stored.message.id != self.report.acknowledged[mail.name] or not answer.replayed:
            self.world.breaks.append(f"{mail.name}: a repeated request was taken for a new one")
        if kept != NOT_KEPT:
            self.world.note("answered as before")
            if answer.answer != kept:
                self.world.breaks.append(f"{mail.name}: answered {answer.answer!r} and before {kept!r}")

    async def _reuse_the_key(self, mail: Mail) -> None:
        """For another mail."""
        if mail.name not in self.report.acknowledged:
            return
        other = Draft(sender=mail.draft.sender, to=mail.draft.to, subject=mail.name, text="something else")
        answer = await self._accept(mail, other)
        if isinstance(answer, Acceptance):
            self.world.breaks.append(f"{mail.name}: accepted for two different mails")
        elif isinstance(answer, Problem) and answer.code == "idempotency_mismatch":
            self.world.note("key refused")

    async def _accept(self, mail: Mail, draft: Draft, *, remember: bool = False) -> Acceptance | Problem | None:
        fingerprint = hashlib.sha256(f"{draft.subject} {draft.text}".encode()).digest()
        idempotency = Idempotency(_scope(mail), mail.key, fingerprint)
        wait_s = 2.0 if self.rng.random() < 0.2 else None
        engine, node = self._some_engine()
        if engine is None:
            return None
        acceptor = engine.acceptor

        async def request() -> Acceptance | Problem:
            answer = await acceptor.accept(draft, mail.caller, idempotency=idempotency, wait_s=wait_s)
            if remember and wait_s is not None and isinstance(answer, Acceptance) and not answer.replayed:
                await self._keep(acceptor, idempotency, answer.stored)
            return answer

        answer: Acceptance | Problem | None = await self._answer(node, request())
        return answer

    async def _keep(self, acceptor: Acceptor, idempotency: Idempotency, stored: Stored) -> None:
        """As doors do: an answer that is not final is not kept."""
        if is_final(stored):
            states = "/".join(delivery.state for delivery in stored.deliveries)
            await acceptor.remember(idempotency, f"{stored.message.id} {states}".encode())

    async def _cancel(self, mail: Mail) -> None:
        engine, node = self._some_engine()
        message_id = self.report.acknowledged.get(mail.name)
        if engine is None or message_id is None:
            return
        if isinstance(await self._answer(node, engine.desk.cancel(mail.caller, message_id)), Stored):
            self.report.cancelled.add(message_id)
            self.world.note("cancelled")

    async def _suppress(self, mail: Mail) -> None:
        engine, node = self._some_engine()
        if engine is None:
            return
        row = SuppressionDraft(address=mail.address, reason="")
        if isinstance(await self._answer(node, engine.console.suppressing.put(mail.caller, [row])), list):
            self.world.note("suppressed")

    async def _pry(self, mail: Mail) -> None:
        """Into another project: it must look as if there were nothing."""
        engine, node = self._some_engine()
        message_id = self.report.acknowledged.get(mail.name)
        if engine is None or message_id is None or self.world.plan.projects == 1:
            return
        stranger = Caller(project="project-x", who="stranger", scope=Scope.ADMIN)
        answers = (
            await self._answer(node, engine.console.message(stranger.project, message_id)),
            await self._answer(node, engine.console.messages(Filter(project=stranger.project), None, 10)) or None,
            await self._answer(node, _told(engine, Sought(project=stranger.project))),
            await self._answer(node, _told(engine, Sought(project=stranger.project, message_id=message_id))),
        )
        self.world.note("pried")
        if answers != (None, None, None, None):
            self.world.breaks.append(f"{mail.name}: shown to another project: {answers}")
        cancelled = await self._answer(node, engine.desk.cancel(stranger, message_id))
        if isinstance(cancelled, Stored) or (isinstance(cancelled, Problem) and cancelled.code != "not_found"):
            self.world.breaks.append(f"{mail.name}: another project could cancel it, or tell that it exists")

    def _some_engine(self) -> tuple[Engine | None, Node]:
        node = self.nodes[int(self.rng.random() * len(self.nodes))]
        return (node.engine if node.is_open else None), node

    async def _answer(self, node: Node, work: Coroutine[Any, Any, Any]) -> Any:
        """None: none came, or the node has failed."""
        request = node.start(work)
        done, _ = await asyncio.wait([request], timeout=TIMEOUT_S)
        if not done or request.cancelled():
            self.world.note("client gave up waiting")
            return None
        return None if request.exception() is not None else request.result()


async def _told(engine: Engine, sought: Sought) -> Sequence[Recorded] | None:
    return (await engine.console.events(sought, 0, 10)).events or None


def _scope(mail: Mail) -> str:
    return f"{mail.caller.project}:send"
