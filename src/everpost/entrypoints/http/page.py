"""The frame of every page: no script, nothing from elsewhere, one style sheet whose hash the policy names."""

import base64
import hashlib
import re
from html import escape
from typing import Final

from everpost.entrypoints.http.call import HTML, Reply

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #06c; }
@media (prefers-color-scheme: dark) { :root { --accent: #6bf; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; }
nav { border-bottom: 1px solid var(--line); padding-bottom: .5rem; }
nav a { margin-right: 1rem; }
a { color: var(--accent); }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
td, h3 { overflow-wrap: anywhere; }
.word { white-space: nowrap; }
pre { background: var(--soft); padding: .7rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
code { font-size: .92em; }
section { border-top: 1px solid var(--line); margin-top: 1.5rem; }
.method { font-weight: bold; }
.quiet { opacity: .7; }
iframe { width: 100%; height: 30rem; border: 1px solid var(--line); background: #fff; }
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_MAIL_POLICY: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
"""For the html of a mail in its frame: it may look as it likes, but reach nothing and run nothing."""

_CALLING: Final = re.compile(r"(?<=<)(?=(?:link|i?frame|fencedframe|portal|object|embed)(?![a-z-]))", re.IGNORECASE)
"""Elements that call their host in spite of the policy: browsers connect ahead of a check that stops the request."""

_NO_LOOKUPS: Final = (b"x-dns-prefetch-control", b"off")


def page(title: str, content: str, *, status: int = 200, refresh_s: int | None = None, inbox: bool = False) -> Reply:
    """`content` is HTML in which everything of others is escaped already."""
    refresh = f'<meta http-equiv="refresh" content="{refresh_s}">' if refresh_s else ""
    links = [("/", "Everpost")] + ([("/inbox", "Inbox")] if inbox else [])
    links += [("/docs", "API"), ("/openapi.json", "OpenAPI"), ("/healthz", "Health")]
    nav = "".join(f'<a href="{address}">{name}</a>' for address, name in links)
    body = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} - Everpost</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{refresh}<style>{_STYLE}</style></head>'
        f"<body><nav>{nav}</nav><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
    headers = ((b"content-security-policy", _POLICY.encode()), _NO_LOOKUPS)
    return Reply(status=status, body=body.encode(), content_type=HTML, headers=headers)


def bare_page(title: str, content: str, *, status: int = 200) -> Reply:
    """For those who know nothing of Everpost, with a form that leads back to it. `content` as of `page`."""
    body = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
    policy = _POLICY.replace("form-action 'none'", "form-action 'self'")
    headers = ((b"content-security-policy", policy.encode()), _NO_LOOKUPS)
    return Reply(status=status, body=body.encode(), content_type=HTML, headers=headers)


def framed_mail(html: str) -> Reply:
    """The html of a mail, to be shown inside `<iframe sandbox>` and nowhere else."""
    headers = ((b"content-security-policy", _MAIL_POLICY.encode()), _NO_LOOKUPS)
    return Reply(status=200, body=_CALLING.sub("x-", html).encode(), content_type=HTML, headers=headers)
