"""Our events as providers post theirs, for programs whose webhooks were written for one: one file a provider. Pure."""
