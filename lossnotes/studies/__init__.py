"""The studies of the book, one module a chapter."""
