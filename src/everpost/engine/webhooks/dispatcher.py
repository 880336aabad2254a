"""All webhooks of all projects: a courier for each that is enabled, and the news for all of them."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from everpost.engine.ports import Ports
from everpost.engine.webhooks.courier import Courier
from everpost.engine.webhooks.shelf import Shelf
from everpost.engine.webhooks.trail import Trail
from everpost.model.webhook import Webhook
from everpost.store.port import StoreUnavailable
from everpost.wakeup.port import Wakeup

IDLE_S_MAX: Final = 2.0  # events of other processes are seen within this time
_log = logging.getLogger(__name__)

Hire = Callable[[Webhook, Trail], Courier]


class Dispatcher:
    def __init__(self, ports: Ports, news: Wakeup, hire: Hire) -> None:
        self._ports = ports
        self._news = news
        self._hire = hire
        ports.news.subscribe(news)
        self._shelf = Shelf(ports.store)
        self._trail = Trail(ports.store)
        self._couriers: dict[str, Courier] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._is_known = False  # which webhooks there are

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                try:
                    await self._look()
                except StoreUnavailable as error:
                    _log.warning("the webhooks wait for the store", extra={"error": str(error)})
                except Exception:
                    _log.exception("the webhooks were not looked at")
                await self._news.wait(IDLE_S_MAX)
        finally:
            await self._stop(list(self._tasks))

    async def lags_s(self) -> dict[str, float]:
        """By the webhook's id: how old the next event is that has not been tried yet."""
        return {id_: await courier.lag_s() for id_, courier in list(self._couriers.items())}

    async def _look(self) -> None:
        """The trail tells of every change of a webhook, whoever has made it."""
        about = await self._trail.refresh()
        if about is None and self._is_known:
            return
        if about or not self._is_known:
            self._is_known = False
            await self._settle({webhook.id: webhook for webhook in await self._shelf.all() if webhook.enabled}, about)
            self._is_known = True
        for courier in self._couriers.values():
            courier.wake()

    async def _settle(self, wanted: Mapping[str, Webhook], about: frozenset[str] | None) -> None:
        await self._stop([id_ for id_ in self._tasks if id_ not in wanted or self._tasks[id_].done()])
        for id_, webhook in wanted.items():
            if id_ not in self._couriers:
                courier = self._couriers[id_] = self._hire(webhook, self._trail)
                self._tasks[id_] = asyncio.create_task(courier.run(), name=f"webhook {id_}")
            elif about is None or id_ in about:
                self._couriers[id_].renew(webhook)

    async def _stop(self, ids: list[str]) -> None:
        tasks = [self._tasks.pop(id_) for id_ in ids]
        for id_, task in zip(ids, tasks, strict=True):
            del self._couriers[id_]
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
