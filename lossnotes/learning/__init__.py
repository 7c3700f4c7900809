"""The chapters of part two, from loss to learning, a module a chapter."""
