"""Thin Dagster assets: each calls what the other modules do, and says what came of it."""
