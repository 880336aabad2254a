"""A nudge for the deliver loop. Losing one costs seconds, never mail."""
