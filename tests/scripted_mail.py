"""The dialogue of a mail server that takes everything, except for the steps that a test changes."""

from collections.abc import Awaitable, Callable

from scripted_server import Peer

Deed = Callable[[Peer], Awaitable[object]]
Step = str | bytes | Deed

OFFERS = "250-mail.example\r\n250-SIZE 30000000\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n250-SMTPUTF8\r\n250 HELP"
USUAL: dict[str, Step] = {
    "greeting": "220 mail.example ESMTP",
    "EHLO": OFFERS,
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 Ok",
    "RCPT": "250 2.1.5 Ok",
    "DATA": "354 End data with <CR><LF>.<CR><LF>",
    "dot": "250 2.0.0 Ok: queued as 4711",
    "QUIT": "221 2.0.0 Bye",
}
_END = b"\r\n.\r\n"


class Dialogue:
    """A script for a server. A step is a reply, or a deed in its place; `content` takes the place of reading it.

    A list has a step for each time, the last one for all that follow.
    """

    def __init__(self, **changed: Step | list[Step]) -> None:
        self.commands: list[str] = []
        self.content = bytearray()  # what was read after DATA, in any session
        self._steps = {name: [*step] if isinstance(step, list) else [step] for name, step in (USUAL | changed).items()}

    async def __call__(self, peer: Peer) -> None:
        await self._take(peer, "greeting")
        while True:
            line = await peer.read_until(b"\r\n")
            command = line[:-2].decode()
            self.commands.append(command)
            verb = command.split(" ")[0]
            said = await self._take(peer, verb if verb in self._steps else "AUTH")
            if verb == "DATA" and said.startswith(b"354"):
                await self._read_content(peer)
            elif verb == "QUIT":
                return

    async def _read_content(self, peer: Peer) -> None:
        if "content" in self._steps:
            await self._take(peer, "content")
        while not self.content.endswith(_END):
            self.content += await peer.read_some()
        peer.server.requests.append(bytes(self.content))
        await self._take(peer, "dot")

    async def _take(self, peer: Peer, name: str) -> bytes:
        """What was said; nothing if a deed did all."""
        steps = self._steps[name]
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        if callable(step):
            await step(peer)
            return b""
        line = (step if isinstance(step, bytes) else step.encode()) + b"\r\n"
        peer.send(line)
        return line
