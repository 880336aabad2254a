"""The faults of the sandbox providers, over the API of the server that sends through them."""

from collections import defaultdict
from typing import Annotated, Final, TypedDict

from msgspec import Meta, Struct

from everpost.entrypoints.dev.reading import read
from everpost.entrypoints.http.call import Call, Reply, json
from everpost.entrypoints.http.problems import problem
from everpost.model.problem import FieldError, Problem
from everpost.sandbox.faults import LATER, FaultKind, FaultPlan
from everpost.sandbox.sandbox import Sandbox

FAULTS_MAX: Final = 20  # of one provider


class FaultsRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """All faults that a provider shall have; none: it is well."""

    faults: Annotated[list[FaultPlan], Meta(max_length=FAULTS_MAX)]


class FaultView(TypedDict):
    kind: FaultKind
    share: Annotated[float, Meta(description="Part of the requests that it hits, 0 to 1.")]
    target: Annotated[str, Meta(description="`send`, or `lookup`: any other request to the provider.")]
    status: int | None
    text: str
    delay_s: float
    count: Annotated[int | None, Meta(description="How many it hits before it is over.")]
    hits: Annotated[int, Meta(description="How many it has hit.")]
    left_s: Annotated[float | None, Meta(description="Until it ends by itself.")]


class ProviderFaultsView(TypedDict):
    provider: str
    accounts: Annotated[list[str], Meta(description="Accounts of this server that send through it.")]
    tells: Annotated[bool, Meta(description="Whether it tells what becomes of mail, so that it can bounce.")]
    faults: list[FaultView]


class FaultsPage(TypedDict):
    data: list[ProviderFaultsView]
    next_cursor: None


class FaultPanel:
    """Handlers over one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def show(self, call: Call) -> Reply:
        """Those that carry this server's mail first."""
        accounts: dict[str, list[str]] = defaultdict(list)
        for status in await call.services.console.accounts():
            accounts[status.account.provider].append(status.account.name)
        names = sorted(self._sandbox.faults, key=lambda name: (name not in accounts, name))
        return json(200, {"data": [self._view(name, accounts[name]) for name in names], "next_cursor": None})

    async def put(self, call: Call) -> Reply | Problem:
        provider = call.place("provider")
        if provider not in self._sandbox.faults:
            return problem("not_found", f"the sandbox has: {', '.join(sorted(self._sandbox.faults))}")
        request = await read(call, FaultsRequest)
        if isinstance(request, Problem):
            return request
        later = [at for at, plan in enumerate(request.faults) if plan.kind in LATER]
        if later and not self._sandbox.telling.tells(provider):
            words = f"{provider} tells nobody here what becomes of mail; put it at another provider"
            return problem("validation_failed", errors=[FieldError(f"faults[{at}].kind", words) for at in later])
        await self._sandbox.put_faults(provider, *request.faults)
        return await self.show(call)

    async def heal(self, _call: Call) -> Reply:
        for provider in self._sandbox.faults:
            await self._sandbox.put_faults(provider)
        return Reply(status=204, body=b"")

    def _view(self, provider: str, accounts: list[str]) -> ProviderFaultsView:
        return {
            "provider": provider,
            "accounts": accounts,
            "tells": self._sandbox.telling.tells(provider),
            "faults": [
                {
                    "kind": each.plan.kind,
                    "share": each.plan.share,
                    "target": each.plan.target,
                    "status": each.plan.status,
                    "text": each.plan.text,
                    "delay_s": each.plan.delay_s,
                    "count": each.plan.count,
                    "hits": each.hits,
                    "left_s": self._sandbox.left_s(provider, each.plan),
                }
                for each in self._sandbox.faults[provider].running
            ],
        }
