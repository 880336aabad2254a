"""Everpost in the same setting as its peers."""

from typing import ClassVar

from peers.peer import Part, Peer, Setting
from processes import Server

LOOKUP_LAG_S = 0.5
CONFIG = """\
data = "{{data}}"
[http]
port = {{port}}
[accounts.one]
provider = "sendgrid"
api_key = "SG.bench"
base_url = "http://127.0.0.1:{first}"
max_concurrency = 256
lookup_lag_s = {lag_s}
timeouts = {{{{ connect_s = 1, write_s = 1, answer_s = {timeout_s} }}}}
[accounts.two]
provider = "sendgrid"
api_key = "SG.bench"
base_url = "http://localhost:{second}"
max_concurrency = 256
lookup_lag_s = {lag_s}
timeouts = {{{{ connect_s = 1, write_s = 1, answer_s = {timeout_s} }}}}
[routes.default]
accounts = {accounts}
"""
IN_ORDER = '["one", "two"]'
SHARED = '[{{ account = "one", weight = 1 }}, {{ account = "two", weight = 1 }}]'
_FINAL = ("", "sent", "failed", "cancelled", "held")


class Everpost(Peer):
    name: ClassVar[str] = "everpost"
    title: ClassVar[str] = "Everpost"
    about: ClassVar[str] = "`everpost serve` on SQLite, 1 process, every commit synced to the disk, two accounts"
    kind: ClassVar[str] = "accept"
    waits: ClassVar[bool] = False
    accounts: ClassVar[str] = SHARED

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        first, second = setting.providers
        config = CONFIG.format(
            first=first, second=second, lag_s=LOOKUP_LAG_S, timeout_s=setting.timeout_s, accounts=self.accounts
        )
        self.server = Server(setting.folder, config=config)
        self.port, self.token = self.server.port, self.server.token

    @classmethod
    def check(cls) -> None:
        """It is there."""

    def parts(self) -> list[Part]:
        return [Part(self.server.command, None, self.port)]

    def start(self) -> None:
        super().start()
        [self.server.pid] = self.pids

    def pending(self) -> int:
        return sum(count for state, count in self.server.counts().items() if state not in _FINAL)


class Failover(Everpost):
    """All mail to the first provider, as the peers send it."""

    accounts: ClassVar[str] = IN_ORDER
