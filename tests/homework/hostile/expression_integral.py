# Deserves 6 (graded), with the right answers before it: integrals in integrals.

# %%
gradient = [
    "Integral(exp(sin(1/t) * s[j]), (t, 0, 1))",
    "Integral(exp(sin(t*u*v) * s[j]), (t, 0, 1), (u, 0, 1), (v, 0, 1))",
]
