"""Who a client is (RFC 4954). The user name says nothing; the password is an API key."""

from collections.abc import Awaitable, Callable
from typing import Final

from everpost.engine.keys import Keyring
from everpost.entrypoints.smtp.commands import Farewell, Refused, read_base64, read_plain
from everpost.model.key import Caller, Scope
from everpost.model.limits import SMTP_LOGIN_FAULTS_MAX
from everpost.store.port import StoreUnavailable

MECHANISMS: Final = "PLAIN LOGIN"
_ASK_NAME: Final = "334 VXNlcm5hbWU6"  # base64 of `Username:`, as all clients expect it, …
_ASK_KEY: Final = "334 UGFzc3dvcmQ6"  # … and of `Password:`
Ask = Callable[[str], Awaitable[str]]


class Login:
    """Of one connection. `local`: whoever gets here, if that takes no key."""

    def __init__(self, keyring: Keyring | None, local: Caller) -> None:
        self._keyring = keyring
        self._local = local
        self._token: str | None = None
        self._faults = 0
        self.caller: Caller | None = None if keyring else local

    async def log_in(self, rest: str, ask: Ask) -> str:
        """The reply to AUTH. `ask` puts a question and brings the answer."""
        if self._token is not None:
            raise Refused("503 5.5.1 you have logged in")
        mechanism, _, initial = rest.partition(" ")
        match mechanism.upper():
            case "PLAIN":
                token = read_plain(read_base64(initial or await _answer(ask, "334 ")))
            case "LOGIN":
                if not initial:
                    await _answer(ask, _ASK_NAME)
                token = read_base64(await _answer(ask, _ASK_KEY)).decode(errors="replace")
            case _:
                raise Refused("504 5.5.4 log in by AUTH PLAIN or AUTH LOGIN")
        caller = await self._find(token)
        if caller is None or not caller.may(Scope.SEND):
            raise self._refusal(caller)
        self.caller, self._token = caller, token
        return "235 2.7.0 welcome"

    async def still(self) -> Caller:
        """Who sends the next mail. A key that was revoked since is good for none."""
        if self.caller is None:
            raise Refused("530 5.7.0 log in first: AUTH PLAIN, with an API key as the password")
        if self._keyring is not None and await self._find(self._token or "") is None:
            raise Farewell("421 4.7.0 this API key was revoked")
        return self.caller

    async def _find(self, token: str) -> Caller | None:
        try:
            return self._local if self._keyring is None else await self._keyring.find(token)
        except StoreUnavailable:
            raise Refused("454 4.7.0 keys can't be looked up now: try again in a moment") from None

    def _refusal(self, caller: Caller | None) -> Exception:
        self._faults += 1
        if self._faults >= SMTP_LOGIN_FAULTS_MAX:
            return Farewell("421 4.7.0 too many logins were refused")
        why = "this API key is unknown or revoked" if caller is None else "this API key has not the scope `send`"
        return Refused(f"535 5.7.8 {why}")


async def _answer(ask: Ask, question: str) -> str:
    answer = await ask(question)
    if answer == "*":
        raise Refused("501 5.7.0 not logged in, as you wish")
    return answer
