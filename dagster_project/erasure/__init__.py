"""Erasing people: who they are, where they are, taking them out of everything that is kept, and when by rule."""
