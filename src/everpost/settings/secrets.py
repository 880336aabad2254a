"""Texts that need not stand in the file: `$NAME` of a variable, `file:` and a path, or the name of a kept secret."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from everpost.model.secret import FORMS, Reference, Secret, is_reference
from everpost.settings.section import Section

SECRET_FILE_BYTES_MAX: Final = 64 * 1024
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SecretReader:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.literal: list[str] = []
        """The keys of secrets that stand in the file itself."""

    def secret(self, section: Section, name: str, raw: str) -> Secret | Reference | None:
        """The secret itself, or where it is kept, to be read later; None: the section was told what is wrong."""
        if is_reference(raw):
            return _reference(section, name, raw)
        text = self.text(section, name, raw)
        if text == raw:
            self.literal.append(section.key(name))
        return None if text is None else Secret(text)

    def text(self, section: Section, name: str, raw: str) -> str | None:
        """What is meant by a text, wherever it stands; None: the section was told what is wrong."""
        if raw.startswith("$"):
            return self._from_variable(section, name, raw[1:])
        if raw.startswith("file:"):
            return _from_file(section, name, raw.removeprefix("file:"))
        return raw

    def _from_variable(self, section: Section, name: str, variable: str) -> str | None:
        if not _VARIABLE.fullmatch(variable):
            section.fault(
                name,
                "starts with $ but no name of an environment variable follows",
                "a value that really starts with $ goes into a variable or a file",
            )
            return None
        value = self._environ.get(variable)
        if not value:
            section.fault(name, f"the environment variable {variable} is not set", f"export {variable}=…")
            return None
        return value


def _reference(section: Section, name: str, text: str) -> Reference | None:
    reference = Reference(text)
    if reference.is_sound:
        return reference
    section.fault(name, "begins as the name of a secret, and is none", FORMS)
    return None


def _from_file(section: Section, name: str, path: str) -> str | None:
    try:
        with Path(path).open("rb") as file:
            value = file.read(SECRET_FILE_BYTES_MAX).decode().strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        section.fault(name, f"{path} can't be read: {why}", "file: and the path of a file that this user may read")
        return None
    if not value:
        section.fault(name, f"{path} is empty")
        return None
    return value
