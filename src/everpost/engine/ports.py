"""Everything that the engine reaches the world through."""

from dataclasses import dataclass, field

from everpost.attachments.port import Attachments
from everpost.engine.aside import Aside
from everpost.engine.clock import Clock
from everpost.engine.documents import Documents
from everpost.engine.news import News
from everpost.engine.observer import UNOBSERVED, Observer
from everpost.engine.wire import Wire
from everpost.health.port import Health
from everpost.store.port import Store
from everpost.traces.port import UNTRACED, Tracer
from everpost.wakeup.port import Wakeup


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    store: Store
    health: Health
    wire: Wire
    due: Wakeup  # deliveries may be due
    news: News  # events may be waiting for the sinks
    clock: Clock
    documents: Documents | None = None  # None: no webhooks come here that take any
    attachments: Attachments | None = None  # None: all of them lie in the store
    observer: Observer = UNOBSERVED
    tracer: Tracer = UNTRACED
    aside: Aside = field(default_factory=Aside)  # for what would hold the event loop up
