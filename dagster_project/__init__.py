"""Leadhouse: exports in, one published DuckDB file and a dashboard out."""

from importlib.metadata import version

__version__ = version("leadhouse")
