"""Decisions: pure functions of state, facts and now."""
