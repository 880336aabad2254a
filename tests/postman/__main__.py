"""make postman: the collection against a server that is started for it, or against BASE_URL."""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from postman import newman, targets


def given() -> Mapping[str, str]:
    """Variables of the collection's environment, from those of the process: BASE_URL is baseUrl."""
    named = {name: re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper() for name in newman.variables()}
    return {name: os.environ[variable] for name, variable in named.items() if os.environ.get(variable)}


async def main(folder: Path) -> int:
    if "baseUrl" in given():
        run = await newman.run(folder, given())
    else:
        async with targets.with_keys(folder) as variables:
            run = await newman.run(folder, {**variables, **given()})
    sys.stdout.write(run.told)
    return run.code


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="everpost-postman-") as name:
        sys.exit(asyncio.run(main(Path(name))))
