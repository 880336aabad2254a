"""Where secrets are kept that the configuration only names. They are read at the start, and again when they change."""
