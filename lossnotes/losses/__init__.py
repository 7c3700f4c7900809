"""The losses of part one, a module a chapter: `from lossnotes.losses.margin import margin`."""
