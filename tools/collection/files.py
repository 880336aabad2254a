"""Writes the collection and its environment: `make docs`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from collection import rendering

FOLDER: Final = Path(__file__).resolve().parents[2] / "postman"


def texts(document: Mapping[str, Any]) -> dict[str, str]:
    """The content of the files, by name."""
    made = {
        "everpost.postman_collection.json": rendering.collection(document),
        "local.postman_environment.json": rendering.environment(),
    }
    return {name: json.dumps(value, indent=1, ensure_ascii=False) + "\n" for name, value in made.items()}


def write(document: Mapping[str, Any]) -> None:
    for name, text in texts(document).items():
        (FOLDER / name).write_text(text)
