"""One mail in several forms: which of them is accepted."""

from collections.abc import Sequence

from everpost.core.fit import unfit
from everpost.engine.fleet import Fleet
from everpost.engine.routes import Routes
from everpost.model.message import Draft


class Forms:
    def __init__(self, fleet: Fleet, routes: Routes) -> None:
        self._fleet = fleet
        self._routes = routes

    async def best(self, drafts: Sequence[Draft]) -> Draft:
        """The form that the most accounts of the mail's route can carry, so that they can step in for each other; of
        those that are equal in this, the first one. Raises StoreUnavailable."""
        if len(drafts) == 1:
            return drafts[0]
        route = (await self._routes.all()).get(drafts[0].route)
        names = [entry.account for entry in route.accounts] if route is not None else []
        policy = route.allow_loss if route is not None else None
        carriers = [self._fleet.carriers[name] for name in names if name in self._fleet.carriers]
        return max(drafts, key=lambda draft: sum(unfit(draft, carrier, policy) is None for carrier in carriers))
