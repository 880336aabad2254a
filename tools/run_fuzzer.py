"""Fuzzes one target for a while: `make fuzz TARGET=mime SECONDS=60`. Finds are kept in its corpus' folder.

With atheris (its wheels are for Linux on x86-64) code coverage is the guide. Elsewhere chance alone is, and says so.
What broke a promise is left in build/fuzz/TARGET; mend it, and keep the input in the corpus under a name that tells
what it was.
"""

import logging
import shutil
import sys
import time
from pathlib import Path
from random import Random
from types import ModuleType

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fuzz.mutation import mutated
from fuzz.targets import CORPUS, NAMES, check_of, corpus_of

BUILD = Path("build") / "fuzz"
INPUT_BYTES_MAX = 8192


def main(name: str, seconds: int) -> int:
    if name not in NAMES:
        print(f"there is no target {name!r}; there are: {', '.join(NAMES)}")
        return 2
    logging.disable(logging.CRITICAL)
    (BUILD / name).mkdir(parents=True, exist_ok=True)
    try:
        import atheris  # noqa: PLC0415  there need not be one
    except ImportError:
        print("atheris is not installed (make fuzz installs it where it has a wheel): chance is the only guide")
        return by_chance(name, seconds)
    return by_coverage(atheris, name, seconds)


def by_coverage(atheris: ModuleType, name: str, seconds: int) -> int:
    """Does not return: libFuzzer ends the process, with 77 where a promise was broken."""
    with atheris.instrument_imports(include=["everpost", "fuzz"]):
        check_promises = check_of(name)
    found = BUILD / name / "corpus"
    shutil.rmtree(found, ignore_errors=True)
    found.mkdir(parents=True)
    words = [f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES_MAX}", "-timeout=30", "-rss_limit_mb=2048"]
    atheris.Setup([name, *words, f"-artifact_prefix={BUILD / name}/", str(found), str(CORPUS / name)], check_promises)
    atheris.Fuzz()
    return 0


def by_chance(name: str, seconds: int) -> int:
    check_promises, corpus, chance = check_of(name), corpus_of(name), Random(time.time_ns())
    ends_at, count = time.monotonic() + seconds, 0
    while time.monotonic() < ends_at:
        data = mutated(chance, corpus)
        count += 1
        try:
            check_promises(data)
        except Exception:
            kept = BUILD / name / f"crash-{count}"
            kept.write_bytes(data)
            print(f"a promise is broken: {kept}")
            raise
    print(f"{name}: {count:,} inputs, no promise broken")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
