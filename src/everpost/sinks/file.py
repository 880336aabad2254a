"""CloudEvents in a file, one JSON object a line, on disk when `put` returns."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from everpost.sinks.lines import json_lines

_BLOCK_BYTES: Final = 64 * 1024


class FileSink:
    """Appends. A torn last line, left by a process that has died, be it this one or another, is cut off before a put:
    its event has never been acknowledged and will be put again. A file that was moved away or deleted meanwhile
    (rotated) is made anew.

    The path must be writable from the start: OSError says what is wrong with it. So it does from `put`, after which
    the file is as it was before.
    """

    buried = 0

    def __init__(self, path: str) -> None:
        self.name = f"file:{path}"
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="everpost-file")
        self._descriptor: int | None = _open(path)

    async def put(self, events: Sequence[Mapping[str, Any]]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._append, json_lines(events))

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)
        self._forget()

    def _append(self, lines: bytes) -> None:
        descriptor = self._current()
        _cut_torn_line(descriptor)
        size_bytes = os.fstat(descriptor).st_size
        try:
            _write(descriptor, lines)
            os.fsync(descriptor)
        except OSError as error:
            # What may be half written, or written and lost by a failed sync, is written anew by the next put.
            with suppress(OSError):
                os.ftruncate(descriptor, size_bytes)
            self._forget()
            raise _told(error, self._path) from error

    def _current(self) -> int:
        if self._descriptor is not None and not _is_at(self._path, self._descriptor):
            self._forget()
        if self._descriptor is None:
            self._descriptor = _open(self._path)
        return self._descriptor

    def _forget(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _open(path: str) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            _sync_folder(path)
        except BaseException:
            os.close(descriptor)
            raise
    except OSError as error:
        raise _told(error, path) from error
    return descriptor


def _cut_torn_line(descriptor: int) -> None:
    end = size_bytes = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - _BLOCK_BYTES)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end < size_bytes:
        os.ftruncate(descriptor, end)


def _sync_folder(path: str) -> None:
    """A new file is there after a power cut only if its folder was synced, too."""
    folder = os.open(Path(path).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _is_at(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(Path(path).stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _told(error: OSError, path: str) -> OSError:
    return OSError(error.errno, f"the file of events can't be written: {error.strerror}", path)
