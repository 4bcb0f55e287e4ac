"""Alerts: what is wrong after an attempt, since when, who is told of it, and what people did about it."""
