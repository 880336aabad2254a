"""Room 6: one file a provider, pure: message to request, answer to outcome."""
