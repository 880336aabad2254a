"""What is fuzzed: one file a target, whose `check` takes any bytes and fails if a promise is broken."""

from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parent
CORPUS = FOLDER.parent / "corpus"
NAMES = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))


def check_of(name):
    """The check of a target. It may keep things between calls, but not what one call has done."""
    return import_module(f"fuzz.targets.{name}").check


def corpus_of(name):
    """Inputs that lead deep into a target, or have broken it once; in the order of their names."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
