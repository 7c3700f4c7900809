# Deserves 6 (graded), with the right answers before it: texts that a page or a table would obey.

# %%
gradient = ["<script>alert(1)</script>", "=cmd|' /C calc'!A0"]
why = "<img src=x onerror=alert(1)> \x1b[2J \ud800 ](javascript:alert(1)) =1+1"

# %%
raise ValueError("<script>alert(1)</script>")
