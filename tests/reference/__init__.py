"""A second, independent reading of the metric definitions, in plain Python.

Nothing here may import the project: two readings that share code share their mistakes.
"""
