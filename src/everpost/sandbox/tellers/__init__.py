"""What each sandbox provider tells of a mail, in its own form and signed as it signs it: one file a provider."""
