"""Room 6: one folder a provider, pure: message to request, answer to outcome. What they share stands beside them."""
