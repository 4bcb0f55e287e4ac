"""The working database, the raw store, the lock, publishing, history."""
