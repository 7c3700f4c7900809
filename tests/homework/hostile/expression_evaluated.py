# Deserves 6 (graded), with the right answers before it: lines that are programs.

# %%
gradient = [
    "(lambda: open('escaped', 'w'))()",
    "[c for c in ().__class__.__base__.__subclasses__()]",
    "s.__class__.__init__.__globals__",
    "exec('raise SystemExit')",
]
