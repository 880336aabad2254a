"""Drop-in doors: APIs of providers as Everpost serves them, so that a provider's own SDK can be pointed here.

Stricter than the same dialects as the sandbox reads them: what can't be carried is refused, or goes to that provider
only. `table` lists them; nothing is imported here, since most functions serve none.
"""
