"""Spans: what is done for a mail, as part of the trace of whoever has sent it."""
