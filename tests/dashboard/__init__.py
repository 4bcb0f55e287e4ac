"""Tests of the dashboard: queries, formats, pages and, in a real browser, everything together."""
