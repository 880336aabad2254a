"""A disk that keeps apart what has been synced from what has not, below real SQLite; so that the power can be cut.

What is written is seen by everybody at once, as in a kernel's cache. At a cut only that is sure to be left which was
synced; of the rest any part may be, in any order, and of one write only some of its sectors.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
from msgspec import Struct

SECTOR_BYTES = 512
_Step = tuple[int, bytes | None]  # where and what was written; None: cut off there


class File(Struct):
    synced: bytes = b""
    pending: tuple[_Step, ...] = ()


class Cut(Struct, frozen=True):
    """All that a moment leaves to chance."""

    files: Mapping[str, File]  # by name
    seen: Any  # what a witness says of the same moment


class Power(apsw.VFS):
    """While in use, it carries all databases that are opened. Before each step, `cut` may keep the moment."""

    NAME = "everpost-power"

    def __init__(self, witness: Callable[[], Any], *, believes_a_second_sync: bool = False) -> None:
        self.files: dict[str, File] = {}
        self.cuts: list[Cut] = []
        self.steps = 0
        self.wanted: Callable[[int], bool] = lambda _: False  # whether to keep the moment before a step
        self.fails: Callable[[int], bool] = lambda _: False  # whether a step, being a sync, fails
        self.usual = apsw.vfs_names()[0]
        self.believes_a_second_sync = believes_a_second_sync
        self._witness = witness
        super().__init__(self.NAME, base=self.usual)

    def xOpen(self, name: Any, flags: list[int]) -> "_File":  # noqa: N802 - SQLite's name
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802, FBT001 - SQLite's
        self.step()
        super().xDelete(filename, syncdir)
        self.files.pop(Path(filename).name, None)

    def step(self) -> None:
        self.steps += 1
        if self.wanted(self.steps):
            frozen = {name: File(file.synced, file.pending) for name, file in self.files.items()}
            self.cuts.append(Cut(frozen, self._witness()))


class _File(apsw.VFSFile):
    def __init__(self, power: Power, name: Any, flags: list[int]) -> None:
        self._power = power
        path = Path(name.filename() if isinstance(name, apsw.URIFilename) else name or "nameless")
        self._file = power.files.setdefault(path.name, File())
        super().__init__(power.usual, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        self._power.step()
        super().xWrite(data, offset)
        self._file.pending += ((offset, bytes(data)),)

    def xTruncate(self, size: int) -> None:  # noqa: N802 - SQLite's name
        self._power.step()
        super().xTruncate(size)
        self._file.pending += ((size, None),)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        """A sync that fails has lost what was waiting. The kernel says so once, and then takes it for written."""
        self._power.step()
        if self._power.fails(self._power.steps):
            self._file.pending = ()
            if not self._power.believes_a_second_sync:
                raise apsw.IOError("the test wants it")
        self._file.synced = after(self._file.synced, self._file.pending)
        self._file.pending = ()


def after(content: bytes, steps: Sequence[_Step]) -> bytes:
    image = bytearray(content)
    for offset, data in steps:
        if data is None:
            del image[offset:]
            continue
        image.extend(bytes(max(0, offset - len(image))))
        image[offset : offset + len(data)] = data
    return bytes(image)


def restore(cut: Cut, folder: Path, rng: random.Random) -> None:
    """One of the many states in which the disk may be found: nothing, all or some of what was not synced."""
    share = rng.choice((0.0, 0.5, 0.9, 1.0))
    for name, file in cut.files.items():
        left = [part for step in file.pending if rng.random() < share for part in _torn(step, rng)]
        (folder / name).write_bytes(after(file.synced, left))


def _torn(step: _Step, rng: random.Random) -> Iterator[_Step]:
    """Nine of ten are whole."""
    offset, data = step
    if data is None or rng.random() < 0.9:
        yield step
        return
    for start in range(0, len(data), SECTOR_BYTES):
        if rng.random() < 0.5:
            yield offset + start, data[start : start + SECTOR_BYTES]


@contextmanager
def power(witness: Callable[[], Any], *, believes_a_second_sync: bool = False) -> Iterator[Power]:
    disk = Power(witness, believes_a_second_sync=believes_a_second_sync)
    apsw.set_default_vfs(Power.NAME)
    try:
        yield disk
    finally:
        apsw.set_default_vfs(disk.usual)
        disk.unregister()
