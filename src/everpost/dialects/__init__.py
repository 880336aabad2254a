"""Room 2: other people's APIs as our front door, read and rendered. Pure."""
