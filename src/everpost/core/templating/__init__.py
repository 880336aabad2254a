"""A language for templates that can look up data, and nothing else: read, then filled in."""
