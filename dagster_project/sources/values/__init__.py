"""Single cells to values, by type: each function takes a text and raises Unreadable with what was expected."""
