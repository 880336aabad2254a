"""What a client has sent, cut into commands and contents. A line ends with CRLF, and with nothing else.

Servers that take a bare LF for the end of a line, or `<LF>.<CRLF>` for the end of a mail, see other mails than those
that don't: that is how mail is smuggled past whoever has checked it. So a CR or LF alone, and NUL, end the connection,
in commands and contents alike.
"""

from typing import Final

from everpost.model.limits import SMTP_COMMAND_BYTES_MAX, SMTP_LINE_BYTES_MAX, SMTP_MESSAGE_BYTES_MAX

_BREAK: Final = b"\r\n"
_DOT: Final = b".\r\n"


class Broken(Exception):
    """Nothing that comes after this can be trusted: told to the client, and the connection is over."""


def take_line(buffer: bytearray) -> str | None:
    """The next command, taken off the buffer; None: it is not there yet. Raises Broken."""
    end = buffer.find(_BREAK, 0, SMTP_COMMAND_BYTES_MAX)
    if end < 0:
        _check_rest(buffer[:SMTP_COMMAND_BYTES_MAX])
        if len(buffer) >= SMTP_COMMAND_BYTES_MAX:
            raise Broken(f"a command has at most {SMTP_COMMAND_BYTES_MAX} bytes")
        return None
    line = bytes(buffer[: end + 2])
    del buffer[: end + 2]
    _check(line)
    try:
        return line[:-2].decode()
    except UnicodeDecodeError:
        raise Broken("a command is not UTF-8") from None


class Content:
    """One mail, from the reply to DATA to its final dot. A line that starts with a dot has one more of them."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self.size = 0
        self.refusal = ""  # why it is not kept, as a reply

    def feed(self, buffer: bytearray) -> bool:
        """Takes all whole lines off the buffer; True: the final dot was there, and what follows is left in the buffer.
        Raises Broken."""
        if buffer.startswith(_DOT):
            del buffer[: len(_DOT)]
            return True
        end = buffer.find(_BREAK + _DOT)
        is_over = end >= 0
        end = end + 2 if is_over else buffer.rfind(_BREAK) + 2 if _BREAK in buffer else 0
        block = bytes(buffer[:end])
        del buffer[: end + (len(_DOT) if is_over else 0)]
        _check(block)
        if not is_over:
            _check_rest(buffer)
            if len(buffer) > SMTP_LINE_BYTES_MAX:
                raise Broken(f"a line has at most {SMTP_LINE_BYTES_MAX} bytes")
        self._keep(block)
        return is_over

    @property
    def kept_bytes(self) -> int:
        return 0 if self.refusal else self.size

    def drop(self, refusal: str) -> None:
        """It is not to be kept: what comes until its end is read and forgotten."""
        self.refusal = refusal
        self._blocks.clear()

    def whole(self) -> bytes:
        return b"".join(self._blocks)

    def _keep(self, block: bytes) -> None:
        self.size += len(block)
        if self.size > SMTP_MESSAGE_BYTES_MAX:
            self.drop(f"552 5.3.4 a mail has at most {SMTP_MESSAGE_BYTES_MAX} bytes")
        if block and not self.refusal:
            self._blocks.append(block.removeprefix(b".").replace(b"\r\n.", b"\r\n"))


def _check_rest(buffer: bytearray) -> None:
    """A line whose end is still to come, be it in the middle of that end."""
    _check(bytes(buffer.removesuffix(b"\r")))


def _check(data: bytes) -> None:
    breaks = data.count(_BREAK)
    if data.count(b"\r") != breaks or data.count(b"\n") != breaks or b"\0" in data:
        raise Broken("a CR, LF or NUL stands alone: end each line with CR LF, and encode what is no text")
