"""Outgoing webhooks in the form of Standard Webhooks: what is signed, chosen, repeated and remembered. Pure; the engine
does the rest."""
