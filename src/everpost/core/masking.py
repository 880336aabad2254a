"""Words of others, as they may be kept and shown: without addresses, and not too long."""

import re
from typing import Final

from everpost.model.limits import REASON_CHARS_MAX

MASK: Final = "<address>"
_QUOTED: Final = r'"(?:[^"\\]|\\.){0,64}"'  # RFC 5321 4.5.3.1.1
_WORD: Final = r"""(?<![^\s@<>"(),;:\[\]])(?:(?!%40)[^\s@<>"(),;:\[\]])+"""
_DOMAIN: Final = r"""[^\s<>"'(),;:\[\]/?&]*"""
_ADDRESS: Final = re.compile(f"(?:{_QUOTED}|{_WORD})(?:@|%40){_DOMAIN}", re.DOTALL)
"""Rather too much than too little: what was cut off after its `@` counts, too. Linear in the text, whatever it is: a
word is begun at its first character only. (Possessive quantifiers would be plainer, but Python 3.11.2 gets them wrong.)
"""


def masked(text: str) -> str:
    """Events go to many places, and the health of accounts is seen by all projects: neither names a recipient."""
    return _ADDRESS.sub(MASK, text)[:REASON_CHARS_MAX]
