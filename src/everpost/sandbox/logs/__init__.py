"""What stand-ins list of the mail that they have taken, for whoever asks what became of it."""
