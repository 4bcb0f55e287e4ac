"""One short module a format: each gives a header and records, from a file or again from the raw store."""
