"""What Everpost is made of: lists for people and programs, and the checks before a release (`make release-check`).

python tools/supply_chain.py page                  the table in docs/proof/supply-chain.md, anew
python tools/supply_chain.py requirements FILE     for pip install --require-hashes
python tools/supply_chain.py sbom FILE             CycloneDX 1.5 in JSON
python tools/supply_chain.py wheel FOLDER          built twice from the commit, compared, and kept if all is equal
python tools/supply_chain.py audit                 known vulnerabilities, where a service that knows them answers
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from chain import audit, lists, wheel

ROOT: Final = Path(__file__).resolve().parent.parent


def _requirements(file: str) -> int:
    Path(file).write_text(lists.requirements())
    return 0


def _sbom(file: str) -> int:
    Path(file).write_text(lists.sbom())
    return 0


COMMANDS: Final[Mapping[str, Callable[..., int]]] = {
    "requirements": _requirements,
    "sbom": _sbom,
    "wheel": wheel.main,
    "audit": audit.main,
}

if __name__ == "__main__":
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
