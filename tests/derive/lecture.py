"""Identities and bounds of the book: the library must prove every one of them."""

from sympy import (
    Derivative,
    Heaviside,
    Max,
    Rational,
    Sum,
    Symbol,
    UnevaluatedExpr,
    exp,
    log,
    sqrt,
    tanh,
)

from lossnotes.derive.symbols import (
    CE,
    KL,
    LSE,
    A,
    Between,
    K,
    Others,
    Scores,
    argmax,
    c,
    delta,
    entropy,
    epsilon,
    i,
    j,
    k,
    log_loss,
    margin,
    margin_loss,
    maximum,
    one_hot,
    p,
    q,
    s,
    smooth,
    smooth_others,
    softmax,
    y,
)

v = Scores("v")
g = Symbol("g", real=True)
small = Between("epsilon", 0, 1 / K)
hessian = softmax(s)[j] * (delta(j, k) - softmax(s)[k])


def over(index, term):
    return Sum(term, (index, 1, K))


def length(vector):
    return sqrt(over(i, vector[i] ** 2))


IDENTITIES = {
    "the gradient of LSE is the softmax": (Derivative(LSE(s), s[j]), softmax(s)[j]),
    "the Hessian of LSE": (Derivative(LSE(s), s[j], s[k]), hessian),
    "the diagonal of the Hessian": (
        Derivative(LSE(s), s[j], s[j]),
        softmax(s)[j] * (1 - softmax(s)[j]),
    ),
    "the log loss of a label": (log_loss(s, y), LSE(s) - s[y]),
    "the log loss of a target": (log_loss(s, q), LSE(s) - over(i, q[i] * s[i])),
    "the gradient of the log loss of a label": (
        Derivative(log_loss(s, y), s[j]),
        softmax(s)[j] - delta(j, y),
    ),
    "the gradient of the log loss of a target": (
        Derivative(log_loss(s, q), s[j]),
        softmax(s)[j] - q[j],
    ),
    "the Hessian of the log loss": (Derivative(log_loss(s, y), s[j], s[k]), hessian),
    "the Jacobian of the softmax": (Derivative(softmax(s)[j], s[k]), hessian),
    "the softmax sums to one": (over(j, softmax(s)[j]), 1),
    "LSE moves with the scores": (LSE(s + c), c + LSE(s)),
    "the softmax does not move with the scores": (softmax(s + c)[j], softmax(s)[j]),
    "the log loss does not move with the scores": (log_loss(s + c, y), log_loss(s, y)),
    "the maximum moves with the scores": (maximum(s + c), c + maximum(s)),
    "the margin does not move with the scores": (margin(s + c, y), margin(s, y)),
    "nor does the margin of a set": (margin(s + c, A), margin(s, A)),
    "cross-entropy is divergence plus entropy": (CE(q, p), KL(q, p) + entropy(q)),
    "the divergence of a certain target": (KL(one_hot(y), p), -log(p[y])),
    "the cross-entropy of a certain target": (CE(one_hot(y), p), -log(p[y])),
    "a certain target has no entropy": (entropy(one_hot(y)), 0),
    "score and entropy fall short of LSE by a divergence": (
        over(i, q[i] * s[i]) + entropy(q),
        LSE(s) - KL(q, softmax(s)),
    ),
    "the gradient of the divergence": (Derivative(KL(q, p), p[j]), -q[j] / p[j]),
    "the gradient of the cross-entropy": (Derivative(CE(q, p), p[j]), -q[j] / p[j]),
    "the gradient of the entropy": (Derivative(entropy(q), q[j]), -1 - log(q[j])),
    "a smoothed target sums to one": (over(i, smooth(y, epsilon)[i]), 1),
    "so it does in the other convention": (over(i, smooth_others(y, small)[i]), 1),
    "one convention in terms of the other": (
        smooth_others(y, epsilon / K)[i],
        smooth(y, epsilon)[i],
    ),
    "the smoothed loss": (
        log_loss(s, smooth(y, epsilon)),
        (1 - epsilon) * log_loss(s, y) + epsilon * over(i, log_loss(s, i)) / K,
    ),
    "the gradient of the smoothed loss": (
        Derivative(log_loss(s, smooth(y, epsilon)), s[j]),
        softmax(s)[j] - (1 - epsilon) * delta(j, y) - epsilon / K,
    ),
    "the gradient of the smoothed loss in the other convention": (
        Derivative(log_loss(s, smooth_others(y, small)), s[j]),
        softmax(s)[j] - (1 - K * small) * delta(j, y) - small,
    ),
    "the gradient of the margin": (
        Derivative(margin(s, y), s[j]),
        delta(j, y) - delta(j, argmax(s, Others(y))),
    ),
    "the gradient of the margin of a set": (
        Derivative(margin(s, A), s[j]),
        delta(j, argmax(s, A)) - delta(j, argmax(s, ~A)),
    ),
    "the gradient of the margin loss": (
        Derivative(margin_loss(s, y), s[j]),
        Heaviside(1 - margin(s, y)) * (delta(j, argmax(s, Others(y))) - delta(j, y)),
    ),
    "the gradient of the log loss sums to zero": (
        over(j, Derivative(log_loss(s, y), s[j])),
        0,
    ),
    "the gradient of the smoothed loss sums to zero": (
        over(j, softmax(s)[j] - smooth(y, epsilon)[j]),
        0,
    ),
    "the gradient of the margin sums to zero": (over(j, Derivative(margin(s, y), s[j])), 0),
    "the Hessian annihilates the vector of ones": (
        over(k, hessian),
        0,
    ),
    "the curvature along v is a variance": (
        over(j, over(k, hessian * v[j] * v[k])),
        over(j, softmax(s)[j] * (v[j] - over(i, softmax(s)[i] * v[i])) ** 2),
    ),
    "the maximum is the larger of s_y and its best rival": (
        maximum(s),
        Max(s[y], maximum(s, Others(y))),
    ),
    "softplus in hyperbolic functions": (
        Derivative(log(1 + exp(c)), c),
        (1 + tanh(c / 2)) / 2,
    ),
    "the log loss when all rivals have score 0": (
        log_loss(g * one_hot(y), y),
        log(1 + (K - 1) * exp(-g)),
    ),
    "the optimal gap of label smoothing": (
        log(smooth(y, epsilon)[y]) - log(epsilon / K),
        log(1 + K * (1 - epsilon) / epsilon),
    ),
    "the gradient of the Brier score": (
        Derivative(over(i, (p[i] - delta(i, y)) ** 2), p[j]),
        2 * (p[j] - delta(j, y)),
    ),
    "the gradient of the spherical score": (
        Derivative(1 - p[y] / length(p), p[j]),
        (p[y] * p[j] / length(p) ** 2 - delta(j, y)) / length(p),
    ),
    "the expected Brier score": (
        over(k, q[k] * over(i, (p[i] - delta(i, k)) ** 2)),
        1 - over(i, q[i] ** 2) + over(i, (p[i] - q[i]) ** 2),
    ),
    "the expected spherical score": (
        over(k, q[k] * (1 - p[k] / length(p))),
        1 - length(q) + length(q) / 2 * over(j, (p[j] / length(p) - q[j] / length(q)) ** 2),
    ),
}

BOUNDS = {
    "the maximum is below LSE": (maximum(s), "<", LSE(s)),
    "LSE is at most log K above the maximum": (LSE(s), "<=", maximum(s) + log(K)),
    "Jensen for the logarithm": (
        over(i, q[i] * log(p[i] / q[i])),
        "<=",
        log(over(i, q[i] * UnevaluatedExpr(p[i] / q[i]))),
    ),
    "a sum of weighted squares is not negative": (
        0,
        "<=",
        over(j, softmax(s)[j] * (v[j] - over(i, softmax(s)[i] * v[i])) ** 2),
    ),
    "the divergence is not negative": (KL(q, p), ">=", 0),
    "score and entropy are at most LSE": (over(i, q[i] * s[i]) + entropy(q), "<=", LSE(s)),
    "the largest term is below the sum": (exp(maximum(s)), "<", over(i, exp(s[i]))),
    "no term exceeds the largest": (over(i, exp(s[i])), "<=", K * exp(maximum(s))),
    "a number is below a larger one": (Rational(1, 3), "<", Rational(1, 2)),
    "the truth has the best expected log loss": (over(k, -q[k] * log(p[k])), ">=", entropy(q)),
    "the truth has the best expected Brier score": (
        over(k, q[k] * over(i, (p[i] - delta(i, k)) ** 2)),
        ">=",
        1 - over(i, q[i] ** 2),
    ),
    "the truth has the best expected spherical score": (
        over(k, q[k] * (1 - p[k] / length(p))),
        ">=",
        1 - length(q),
    ),
}
