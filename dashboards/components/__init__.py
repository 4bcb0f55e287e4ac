"""What the pages share: formats, filters, cards, charts, lists, notes, layout."""
