"""The server's certificate, from files that somebody else renews."""

import logging
import ssl
from pathlib import Path

from everpost.settings.values import TlsFiles

_log = logging.getLogger(__name__)


class Certificate:
    """Reads the files again as soon as they have changed. Raises OSError (ssl.SSLError is one) if they are unfit from
    the beginning; later, what was read before stays until they are whole again."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._seen = self._stamp()
        self._current = self._read()
        self.context = self._read()  # what is listened with: each handshake goes on with the current one
        self.context.sni_callback = self._hand_over

    def _hand_over(self, connection: ssl.SSLObject, _name: str, _context: ssl.SSLContext) -> None:
        try:
            stamp = self._stamp()
            if stamp != self._seen:
                self._current, self._seen = self._read(), stamp
                _log.info("the certificate was renewed")
        except OSError as error:
            _log.error("the certificate can't be read again: the one before stays", extra={"error": str(error)})
        connection.context = self._current

    def _stamp(self) -> tuple[tuple[int, int], ...]:
        """What differs when a file was replaced or written."""
        return tuple(_stamp_of(path) for path in (self._files.certificate, self._files.private_key))

    def _read(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self._files.certificate, self._files.private_key)
        return context


def _stamp_of(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_ino, state.st_mtime_ns
