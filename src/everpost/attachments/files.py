"""Attachments as files in one folder, for all processes that share its disk."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from everpost.attachments.port import AttachmentsUnavailable

FOLDER_MODE: Final = 0o700  # mail lies in there: for nobody but its owner
FILE_MODE: Final = 0o600
THREADS: Final = 4  # each waits for the disk
_HALF: Final = ".half"  # how names of files end that are being written
T = TypeVar("T")


class FileAttachments:
    """A file is written under another name and synced before it gets its own; then its folder is synced. Whoever is
    killed in between leaves a half, which is deleted with its day."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError if the folder can't be made."""
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        _sync(folder.parent)
        self._folder = folder
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="everpost-attachments")

    async def put(self, name: str, content: bytes) -> None:
        await self._run(lambda: self._put(self._folder / name, content))

    async def get(self, name: str) -> bytes | None:
        return await self._run(lambda: _read(self._folder / name))

    async def before(self, day: str) -> AsyncIterator[Sequence[str]]:
        days = await self._run(lambda: sorted(each.name for each in self._folder.iterdir() if each.name < day))
        for each in days:
            yield await self._run(partial(_names, self._folder, each))

    async def delete(self, names: Sequence[str]) -> None:
        await self._run(lambda: self._delete(names))

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)

    def _put(self, path: Path, content: bytes) -> None:
        _make(path.parent)
        if not _is_whole(path, content):
            _write(path, content)
        _sync(path.parent)  # also if another process has put it: it may not have come to this yet

    def _delete(self, names: Sequence[str]) -> None:
        for name in names:
            (self._folder / name).unlink(missing_ok=True)
        for day in {name.partition("/")[0] for name in names}:
            with suppress(OSError):  # something is left in it
                (self._folder / day).rmdir()

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except OSError as error:
            raise AttachmentsUnavailable(f"the folder of attachments {self._folder}: {error.strerror}") from error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=FOLDER_MODE)
    except FileExistsError:
        return
    _sync(folder.parent)


def _is_whole(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content)
    except FileNotFoundError:
        return False


def _write(path: Path, content: bytes) -> None:
    half = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(8).hex()}{_HALF}")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    try:
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        half.rename(path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _names(folder: Path, day: str) -> list[str]:
    try:
        return sorted(f"{day}/{each.name}" for each in (folder / day).iterdir())
    except (NotADirectoryError, FileNotFoundError):
        return []


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
