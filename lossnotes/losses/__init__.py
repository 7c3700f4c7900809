"""The losses of the first part, one module a chapter: `from lossnotes.losses.margin import margin`."""
