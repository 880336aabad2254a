"""Figures of a process, as OpenMetrics text for whoever scrapes it.

Counters and histograms are of this process and begin with it; gauges of mails, accounts and sinks are read from the
store at each scrape, and are the same in every process that shares it. Labels carry names that the configuration gives
(of accounts and sinks) and words of fixed lists, never addresses or free text.
"""

from everpost.entrypoints.metrics.metrics import Metrics, ServerMetrics

__all__ = ["Metrics", "ServerMetrics"]
