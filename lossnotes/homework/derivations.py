"""A derivation, followed line by line to the first that does not follow, and why it does not."""

import random
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from itertools import combinations, islice, pairwise
from operator import mul

from mpmath import mp, nstr
from sympy import Basic, Derivative, Expr, IndexedBase, Integer, Rational, Sum

from lossnotes.derive import Witness, compare, evaluate
from lossnotes.derive.expressions import MEANINGLESS, ExpressionError, mentions, text
from lossnotes.derive.kinks import beside_kinks
from lossnotes.derive.points import Point, draw_points, indices_of, integrations, symbols_of
from lossnotes.derive.symbols import Between, K, Probabilities, Quantity
from lossnotes.derive.values import Excluded, Undefined
from lossnotes.homework.asked import exact_and_general, generalized, says_something, split
from lossnotes.homework.finding import CHARACTERS, AnswerError, code, finding, plain, shown
from lossnotes.homework.writing import Writing

LINES = 60
POINT = 300  # characters of a point that are told
BLANK = {"", "...", "Ellipsis", "None"}
HALVINGS = 32  # beyond these, differences of two values have too few of 40 digits
FEWEST = 4  # points at which a step holds for which there is no proof
SIZES = 8  # of the smallest and of the largest numbers at which a case may begin
MOST = 3_000  # terms of the sums at a point with many classes
EXACT = mp.mpf(10) ** -20  # values of thirty digits that differ by less are equal
ROUNDING = 1e-9  # lines that differ by less differ because of decimal numbers
FLIPPED = {"<=": ">=", ">=": "<=", "<": ">", ">": "<"}
HOLDS = {
    "<": lambda gap: gap > EXACT,
    ">": lambda gap: gap < -EXACT,
    "<=": lambda gap: gap >= -EXACT,
    ">=": lambda gap: gap <= EXACT,
}
SUPPORTS = {"=": ["="], "<=": ["<=", "<", "="], ">=": [">=", ">", "="], "<": ["<"], ">": [">"]}


@dataclass(frozen=True)
class Line:
    """A line as it was typed, and as it was read."""

    name: str
    typed: str
    relation: str
    expression: Expr

    def __str__(self):
        return self.name


@dataclass(frozen=True)
class Written:
    """A line as it was typed and as it was read, and what was typed before it and is another."""

    typed: Writing
    read: str
    before: Writing | None


def check_derivation(question, answer, parameters, seed):
    """All points if every line follows and the last is what was asked for."""
    lines = [answer] if isinstance(answer, (str, Expr)) else answer
    if not isinstance(lines, (list, tuple)):
        raise AnswerError(f"should be a list of lines, and is a {type(answer).__name__}")
    if len(lines) > LINES:
        raise AnswerError(f"has {len(lines)} lines; at most {LINES} are read")
    for line in lines:
        if not isinstance(line, (str, int, float, Basic, type(None), type(...))):
            kind = type(line).__name__
            raise AnswerError(f"has a line that is a {kind}, and no formula and no text")
    lines = [text(line).strip() for line in lines]
    if (length := sum(map(len, lines))) > CHARACTERS:
        raise AnswerError(f"has {length} characters; {CHARACTERS} are the most")
    said = {number: line for number, line in enumerate(lines, 1) if says_something(line)}
    if BLANK.issuperset(said.values()):
        return finding(question, 0, "missing", f"There is no `{question.answer}` yet.", "missing")
    chain = [Line("the start", question.start, "=", question.parse(question.start, parameters))]
    for number, line in said.items():
        relation, formula = split(line)
        try:
            expression = question.parse(formula, parameters)
        except ExpressionError as error:
            says = f"{_followed(chain)}**Line {number} cannot be read**: {plain(error)}."
            return _so_far(question, chain, says, "unreadable line", parameters)
        before, here = chain[-1], Line(f"line {number}", line, relation, expression)
        failure = follows(before.expression, relation, expression, parameters, seed)
        if failure:
            says, mistake = _explain(failure, before, here, question, parameters, seed)
            return _so_far(question, chain, _followed(chain) + says, mistake, parameters)
        chain.append(here)
    return _arrival(question, chain, parameters, seed)


def _followed(chain):
    numbers = [line.name.removeprefix("line ") for line in chain[1:]]
    if len(numbers) < 2:
        return "".join(f"Line {number} follows. " for number in numbers)
    return f"Lines {numbers[0]} to {numbers[-1]} follow. "


def _arrival(question, chain, parameters, seed):
    """Every line follows: whether the last is what was asked for."""
    every = "Your line follows." if len(chain) == 2 else f"All {len(chain) - 1} lines follow."
    but, mistake = _missing(question, chain, parameters, seed)
    if not but:
        return finding(question, question.points, "right", every)
    hint = question.hint(chain[-1].expression, parameters)
    says = f"{every} But {but} {hint or ''}"
    return _so_far(question, chain, says, hint or mistake, parameters, "partly")


def _so_far(question, chain, says, mistake, parameters, status="wrong"):
    """A part of the points for the lines that follow, if the question gives one."""
    if question.partial:
        start, *lines = chain
        beyond = [
            line
            for line in lines
            if question.goes_beyond(start.expression, line.expression, parameters)
        ]
        different = _different(question, [start, *beyond], parameters)
        share = question.partial * different / question.lines
        if points := round(question.points * share, 2):
            return finding(question, points, "partly", says, mistake)
    return finding(question, 0, status, says, mistake)


def _different(question, chain, parameters):
    """How many lines are no repetition of the start or of another, up to as many as are asked for.

    SymPy simplifies what it reads. So lines that it reads alike may count as two, once: if what was
    typed has become shorter.
    """
    kinds, before, worth = [], None, partial(_is_worth, question, parameters)
    for line in chain:
        typed = question.typing(split(line.typed)[1], parameters)
        here = Written(typed, question.writing(line.expression, parameters), before)
        same = _repeated(here, kinds, worth)
        kinds = [kind for kind in kinds if kind not in same] + [[here, *sum(same, [])]]
        before = before if same else typed
    return min(len(kinds) - 1, question.lines)


def _repeated(here, kinds, worth):
    """Those of the kinds, lists of lines that say the same, of which a line is."""
    alike = [kind for kind in kinds if here.read in [other.read for other in kind]]
    if len(alike) == 1:
        longer = [len(each.typed.text) > len(here.typed.text) for each in alike[0]]
        alike = [] if all(longer) else alike
    return [
        kind
        for kind in kinds
        if kind in alike[-1:] or any(_is_padded(here, other, worth) for other in kind)
    ]


def _is_padded(one, other, worth):
    """Whether two lines differ by terms that are 0, or by factors that are 1, and by nothing else.

    What stood in the line before and cancels is no padding.
    """
    for kind, nothing in (("terms", 0), ("factors", 1)):
        mine, yours = getattr(one.typed, kind), getattr(other.typed, kind)
        beside = [(mine - yours, one, other), (yours - mine, other, one)]
        cancels = any(
            each.before not in (None, than.typed) and rest & getattr(each.before, kind)
            for rest, each, than in beside
        )
        if mine & yours and not cancels and all(worth(rest, nothing) for rest, *_ in beside):
            return True
    return False


def _is_worth(question, parameters, parts, nothing):
    """Whether terms sum to 0, or factors have the product 1."""
    if not parts:
        return True
    try:
        value = question.parse(("*" if nothing else "").join(sorted(parts.elements())), parameters)
    except ExpressionError:
        return False
    return follows(value, "=", Integer(nothing), parameters) is None


def _missing(question, chain, parameters, seed):
    """What is missing from a chain in which every line follows; two times None if nothing is."""
    last = chain[-1].expression
    means = ["ImaginaryUnit", *["Integral"] * ("Derivative" in question.without)]
    gone = [*question.without, *(name for name in means if not mentions(chain[0].expression, name))]
    left = [name for name in gone if mentions(last, name)]
    if left:
        name = "I" if left[0] == "ImaginaryUnit" else left[0]
        return f"`{name}` still stands in the last one: go on until it is gone.", "not finished"
    relation, goal = split(question.goal or "=")
    supported = _strongest([line.relation for line in chain])
    if supported is None:
        return "some go up and some go down, so that the ends are not related.", "direction"
    if question.goal and follows(last, "=", question.parse(goal, parameters), parameters, seed):
        return f"the last is not yet what was asked for, {code(question.goal)}.", "not finished"
    if supported not in SUPPORTS[relation]:
        return f"together they say `{supported}`, and `{relation}` was asked for.", "relation"
    gap = (
        None
        if question.goal or _is_proved(chain, parameters)
        else _gap_of_ends(chain[0].expression, last, _values_of(tuple(parameters.items())), seed)
    )
    if gap:
        return (
            f"at {gap.point} the start is {shown(gap.left)}, and the last is {shown(gap.right)}.",
            "the ends differ",
        )
    return _left_out(question, chain, parameters)


def _left_out(question, chain, parameters):
    """What of the way to the right end is not shown; two times None if nothing is."""
    lines = [line.expression for line in chain[1:]]
    if not question.shows_all_steps(lines, parameters):
        words = "the very step that was to be shown is left out: put a line between."
        return words, "a step left out"
    written = {question.writing(line, parameters) for line in lines}
    if not {*question.asked_writings(parameters)} <= written:
        words = "no line is written in the form that was asked for."
        return words, "not in the form asked for"
    different = _different(question, chain, parameters) if question.lines > 1 else 1
    if different < question.lines:
        words = f"{question.lines} lines are asked for, and there are {different}, without those "
        words += "that repeat another in another order, or with terms or factors that cancel: show "
        words += "how one gets there."
        return words, "too few lines"
    return None, None


def _strongest(relations):
    """What a chain of relations says of its ends; None if they go up and down."""
    found = set(relations) - {"="}
    for weak, strict in (("<=", "<"), (">=", ">")):
        if found <= {weak, strict}:
            return "=" if not found else strict if strict in found else weak
    return None


def follows(left, relation, right, parameters, seed=0):
    """None if `left relation right`; else a Witness, or the words of an error.

    First for all values of the parameters, which is found out once for all students: a student's
    number stands for its parameter, and what holds for all holds for this one. Where that fails,
    for the numbers of this student.
    """
    if _failure(*_in_general(left, relation, right, parameters), seed) is None:
        return None
    exact = exact_and_general(tuple(parameters.items()))[0]
    return _failure(left.xreplace(exact), relation, right.xreplace(exact), seed)


def _in_general(left, relation, right, parameters):
    return generalized(left, parameters), relation, generalized(right, parameters)


def _is_proved(chain, parameters):
    """Whether every line follows for all numbers, classes and parameters, and not at points."""
    verdicts = (
        _verdict(*_in_general(a.expression, b.relation, b.expression, parameters))
        for a, b in pairwise(chain)
    )
    return all(getattr(verdict, "kind", None) == "proved" for verdict in verdicts)


@lru_cache(64)
def _values_of(parameters):
    with mp.workdps(2000):
        return {
            x: mp.mpf(n.p) / n.q if n.q > 1 else n.p
            for x, n in exact_and_general(parameters)[0].items()
        }


@lru_cache(4096)
def _failure(left, relation, right, seed=0):
    verdict = _verdict(left, relation, right)
    if isinstance(verdict, str):
        return verdict
    if verdict.kind == "confirmed":
        if verdict.points < FEWEST:
            return f"at {verdict.points} points only both have values"
        return _second_look(left, relation, right, seed)
    return verdict.witness


@lru_cache(4096)
def _verdict(left, relation, right):
    """The verdict of `compare`, the same for all students; or the words of an error."""
    try:
        return compare(left, relation, right)
    except MEANINGLESS as error:
        return plain(error)
    except MemoryError:
        raise
    except Exception as error:  # whatever SymPy says of what it cannot do
        return f"{type(error).__name__}: {plain(error)}"


def _second_look(left, relation, right, seed):
    """What no proof was found for is tried once more, at points that nobody knows.

    A value on the left is matched by one on the right, to 32 of 40 digits, without more digits
    where they cancel, and beside kinks too. So nothing passes because it has no value where it is
    wrong, because it is a quotient of differences, or because its step is a little off.
    """
    quick = not integrations(left) and not integrations(right)
    drawn = draw_points(left, right, seed=seed, counts=(4, 6, 11) if quick else (4,))
    points = [*drawn, *beside_kinks(left, right, seed, HALVINGS)]
    gap = _difference(left, relation, right, points)
    if gap or not quick:
        return gap
    far = (
        _difference(left, relation, right, [point], digits, -9)
        for point, digits in _where_a_case_begins(left, right, seed)
    )
    return next((gap for gap in far if gap and not mp.isnan(gap.right)), None)


def _where_a_case_begins(left, right, seed):
    """Points where a case may begin that is made of a number which stands in a formula.

    At the number, a little and far beyond it, on both sides, and with so many classes. A right
    formula may overflow there, which is no mistake.
    """
    numbers = {
        abs(n) for side in (left, right) for n in side.atoms(Rational) if n not in (0, 1, -1)
    }
    found = sorted({size for number in numbers for size in _made_of(mp.mpf(number.p) / number.q)})
    (near, *_) = draw_points(left, right, seed=seed, counts=(2,))
    rng = random.Random(seed)
    for size in found[:SIZES] + found[-SIZES:]:
        for factor in (1, -1, 100, -100):
            beyond = _moved(near, lambda x, at=factor * size: at * (1 + rng.random() / 10**6))
            yield Point(beyond), 60 + 4 * int(mp.log10(size))
    sums = max(_sums_within(left), _sums_within(right), 1)
    sizes = {int(size) + shift for size in found if size < MOST for shift in (-1, 0, 1)}
    for classes in sorted(classes for classes in sizes if 3 < classes and classes**sums <= MOST):
        yield Point(_with_classes(near, classes, rng)), 60


def _with_classes(point, classes, rng):
    """A point with so many classes."""

    def drawn(symbol, value):
        if symbol == K:
            return classes
        if isinstance(value, list):
            (one, *_) = draw_points(symbol[1], seed=rng.random(), counts=(classes,))
            return one.values[symbol]
        if isinstance(value, frozenset):
            return frozenset(rng.sample(range(1, classes + 1), classes // 2))
        is_class = isinstance(value, int) and symbol.is_integer
        return rng.randint(1, classes) if is_class else value

    return {symbol: drawn(symbol, value) for symbol, value in point.values.items()}


def _made_of(size):
    """Where functions of one variable may be as large as a number: itself, its square, ..."""
    sizes = [size, 1 / size, mp.sqrt(size), mp.sqrt(1 / size), abs(mp.log(size))]
    sizes += [mp.exp(size)] if size < 200 else []
    return {mp.mpf(mp.nstr(each, 12)) for each in sizes if each > 6}


def _sums_within(expression):
    """How many sums stand within one another, a named quantity as one."""
    inner = max(map(_sums_within, expression.args), default=0)
    return inner + isinstance(expression, (Sum, Quantity))


def _difference(left, relation, right, points, digits=40, exact=-32):
    """A Witness that `relation` does not hold at the points to a relative 10^exact, or None."""
    for point in points:
        with mp.workdps(digits):
            known, value = (_value(side, point) for side in (left, right))
            if known is None:
                continue
            if value is None:
                return Witness(point, known, mp.nan)
            gap, small = value - known, mp.mpf(10) ** exact * max(abs(known), abs(value), 1)
            holds = abs(gap) <= small or {"<": gap, ">": -gap}.get(relation[0], -1) > 0
            if not holds:
                return Witness(point, known, value)
    return None


def _gap_of_ends(start, last, exact, seed):
    """A Witness that the last line is not the start after all, or None.

    Each step may use what is not seen of it alone, such as a term that is zero where it has a
    value. The ends are compared where nobody knows: for some number of classes; to 392 of 400
    digits, which no quotient of differences has; and far from zero, on both sides, where a case
    may begin that no ordinary point meets, but where a right formula may also overflow.
    """
    classes = random.Random(seed).randint(4, 13)
    near, point = (
        Point(next(iter(draw_points(start, last, seed=seed, counts=(count,)))).values | exact)
        for count in (classes, 2)
    )
    gap = _difference(start, "=", last, [near])
    if gap or integrations(start) or integrations(last):
        return gap
    far = [Point(_moved(point, partial(mul, f)) | exact) for f in (10**3, -(10**7))]
    found = (_difference(start, "=", last, [there], 60, -9) for there in far)
    beyond = (gap for gap in found if gap and not mp.isnan(gap.right))
    return _difference(start, "=", last, [point], 400, -392) or next(beyond, None)


def _moved(point, move):
    """The numbers of a point moved, but for classes, probabilities and what has a bound."""

    def moved(symbol, value):
        if isinstance(symbol, (Between, Probabilities)) or isinstance(value, (int, frozenset)):
            return value
        label = symbol.label if isinstance(symbol, IndexedBase) else symbol
        signed = (lambda x: abs(move(x))) if label.is_nonnegative else move
        return [signed(x) for x in value] if isinstance(value, list) else signed(value)

    return {symbol: moved(symbol, value) for symbol, value in point.values.items()}


def _value(side, point):
    try:
        return evaluate(side, point)
    except (Undefined, Excluded, ZeroDivisionError):
        return None


def _explain(failure, before, here, question, parameters, seed):
    """What to say of a line that does not follow, and the key of the mistake."""
    if isinstance(failure, str):
        return f"**{here} cannot be compared with {before}**: {failure}.", "no value"
    claim = "they differ" if here.relation == "=" else f"`{here.relation}` does not hold"
    point = str(failure.point)
    point = point if len(point) <= POINT else f"{point[:POINT]} ..."
    says = (
        f"**{str(here).capitalize()} does not follow from {before}**: {claim} at {point}."
        f"\n\n| | | value |\n|---|---|---|\n"
        f"| {before} | {code(before.typed)} | {shown(failure.left)} |\n"
        f"| {here} | {code(here.typed)} | {shown(failure.right)} |"
    )
    try:
        if hint := question.hint(here.expression, parameters):
            words, mistake = hint, hint
        else:
            claimed = before.expression, here.relation, here.expression
            values = failure.left, failure.right
            words, mistake = _looks_like(*claimed, *values, question.goal)
    except Exception:  # that the line is wrong is known, and must not be lost with the reason
        words, mistake = "", "does not follow"
    return f"{says}\n\n{words}", mistake


@lru_cache(1024)
def _looks_like(before, relation, expression, left, right, goal):
    """What the mistake looks like, for the student and as a key; many students make the same.

    `left` and `right` are the values of both lines where the second does not follow.
    """
    if mp.isnan(left) or mp.isnan(right):
        return "One of them has no value there.", "no value"
    strict = len(relation) == 1 and relation != "="
    if not strict and abs(left - right) <= ROUNDING * abs(left):
        words = "They differ by rounding only: write exact numbers, as text such as `'s[j]/2.5'`."
        return words, "decimal numbers"
    points, pairs = [], []
    for point in islice(draw_points(before, expression), 40):
        with mp.workdps(30):
            pair = [_value(side, point) for side in (before, expression)]
        if None not in pair:
            points.append(point.values)
            pairs.append(pair)
    if relation != "=":
        return _other_relation(relation, pairs) or ("", "does not follow")
    if all(_equal(*pair) for pair in pairs):
        return "They agree at most points: look at where one case becomes another.", "a kink"
    return (
        _forgotten(before, expression)
        or _factor(points, pairs)
        or _exchanged(before, expression)
        or _constant(pairs)
        or _somewhere(points, pairs, indices_of(before, expression))
        or (_inequality(pairs) if goal and not goal.startswith("=") else None)
        or ("", "does not follow")
    )


def _factor(points, pairs):
    if any((left == 0) != (right == 0) for left, right in pairs):
        return None
    both = zip(pairs, points, strict=True)
    ratios = [(right / left, point[K]) for (left, right), point in both if left]
    for power, name in ((0, ""), (1, "K"), (-1, "1/K")):
        plain_ratios = [ratio / mp.mpf(classes) ** power for ratio, classes in ratios]
        if plain_ratios and all(_equal(ratio, plain_ratios[0]) for ratio in plain_ratios):
            if power == 0 and _equal(plain_ratios[0], -1):
                return "It looks like the **sign**: with the other sign it follows.", "sign"
            factor = fraction(plain_ratios[0])
            factor = factor if not name else name if factor == "1" else f"{factor} * {name}"
            words = f"It looks like a **factor**: the line is {factor} times what it should be."
            return words, f"factor {factor}"
    return None


def _equal(a, b):
    return abs(a - b) <= EXACT * max(abs(a), abs(b))


def fraction(number):
    """A number as a student would write it: 1/3 rather than 0.3333."""
    exact = Fraction(nstr(mp.mpf(number), 15))
    simple = exact.limit_denominator(1000)
    return str(simple) if abs(simple - exact) < abs(exact) / 10**6 else nstr(mp.mpf(number), 4)


def _forgotten(before, expression):
    """A line that would be right if one number were 1: it stands in the wrong place, or nowhere."""
    derivatives = before.atoms(Derivative) | expression.atoms(Derivative)
    variables = {variable for part in derivatives for variable in part.variables}
    for symbol in symbols_of(before, expression)[1]:
        if symbol in variables:
            continue
        if symbol.is_positive and not symbol.is_integer and not isinstance(symbol, Between):
            left, right = (side.xreplace({symbol: Integer(1)}) for side in (before, expression))
            if _failure(left, "=", right) is None:
                words = f"It would follow if `{symbol}` were 1: look where it should stand."
                return words, f"{symbol} misplaced"
    return None


def _exchanged(before, expression):
    """j in the place of k."""
    for a, b in combinations(sorted(indices_of(before, expression), key=str), 2):
        exchanged = expression.subs({a: b, b: a}, simultaneous=True)
        if exchanged != expression and _failure(before, "=", exchanged) is None:
            return f"It looks **transposed**: with {a} and {b} exchanged it follows.", "transposed"
    return None


def _somewhere(points, pairs, indices):
    """Right wherever two classes differ, or wherever they are the same, or for two classes."""
    right = [_equal(*pair) for pair in pairs]
    if not any(right):
        return None
    cases = [
        (f"{a} {sign} {b}", f"{a} {other} {b}", [(x[a] == x[b]) == same for x in points])
        for a, b in combinations(sorted(indices, key=str), 2)
        for sign, other, same in (("=", "≠", True), ("≠", "=", False))
    ]
    cases.insert(0, ("K = 2", "K > 2", [point[K] == 2 for point in points]))
    for here, there, holds in cases:
        if any(holds) and right == holds:
            return f"The two agree where {here}, and differ where {there}.", f"wrong where {there}"
    for here, there, holds in cases:
        if any(holds) and all(ok for ok, inside in zip(right, holds, strict=True) if inside):
            words = f"The two agree where {here}, but not always where {there}."
            return words, f"wrong where {there}"
    return None


def _constant(pairs):
    gaps = [right - left for left, right in pairs]
    if gaps and gaps[0] and all(_equal(gap, gaps[0]) for gap in gaps):
        size = f"{fraction(abs(gaps[0]))} too {'large' if gaps[0] > 0 else 'small'}"
        return f"It looks like a **constant**: the line is {size} everywhere.", "constant"
    return None


def _inequality(pairs):
    for relation, holds in HOLDS.items():
        if all(holds(right - left) for left, right in pairs):
            words = f"They are not equal, but at the {len(pairs)} points tried `{relation}` holds."
            return words, "relation"
    return None


def _other_relation(relation, pairs):
    """What is wrong with an inequality."""
    other = FLIPPED[relation] if len(relation) == 2 else f"{relation}="
    for claim, mistake in ((FLIPPED[relation], "direction"), (other, "relation")):
        if all(HOLDS[claim](right - left) for left, right in pairs):
            return f"At the {len(pairs)} points tried `{claim}` holds instead.", mistake
    return None
