"""Pictures that a reader can move: scripts draw them, here and in the page.

`moving.js` is what they share; `pictures/` has one script for each, by the name of its chapter.

In a notebook a picture shows itself as SVG, as it stands before anything is moved. That is also
what is printed. In the page the same scripts draw it again for every move. Their formulas are
results of derivations, which SymPy prints as JavaScript; none is typed in a script.
"""

import functools
import json
from pathlib import Path

import quickjs
from sympy import Basic, jscode

from lossnotes.derive import Derivation

SHARED = Path(__file__).with_suffix(".js")
PICTURES = SHARED.with_name("pictures")


class Moving:
    """A picture of `pictures/`, with its formulas and with the numbers that it shows.

        Moving("logsumexp", height=soft, pull=pull, largest=largest, above=above)

    A formula is a derivation, of which the result is taken. Its symbols are the arguments of a
    function in JavaScript, in the order of their names. Anything else is data: what JSON can hold.

    ValueError if there is no such picture, if it has other formulas or data, if a formula is no
    derivation, or if a symbol has a name that JavaScript does not take; NotImplementedError if
    JavaScript lacks a function.
    """

    def __init__(self, name, **given):
        self.name = name
        if typed := [key for key, value in given.items() if isinstance(value, Basic)]:
            raise ValueError(f"{typed[0]} must be a derivation, so that its formula is checked")
        self.given = {
            key: _formula(value) if isinstance(value, Derivation) else value
            for key, value in given.items()
        }
        needed = _asked("needs", name)
        if needed is None:
            raise ValueError(f"there is no moving picture {name!r}")
        if set(needed) != set(given):
            raise ValueError(f"{name} needs {', '.join(needed)}, not {', '.join(given)}")

    def _repr_svg_(self):
        given = json.dumps(self.given, separators=(",", ":"))
        return _asked("still", self.name, given)

    def __repr__(self):
        return f"Moving({self.name!r})"


@functools.cache
def _scripts():
    context = quickjs.Context()
    for script in (SHARED, *sorted(PICTURES.glob("*.js"))):
        context.eval(script.read_text())
    return context


def _asked(function, *arguments):
    """What a function of `moving.js` answers."""
    call = f"Moving.{function}({', '.join(map(json.dumps, arguments))})"
    return json.loads(_scripts().eval(f"JSON.stringify({call} ?? null)"))


def _formula(derivation):
    """A checked formula as JavaScript, and as SymPy reads it again."""
    expression = derivation.result
    names = sorted(str(symbol) for symbol in expression.free_symbols)
    for name in names:
        if not name.isidentifier():
            raise ValueError(f"JavaScript takes no symbol named {name}")
    javascript = jscode(expression, strict=True)
    return {"of": names, "javascript": javascript, "expression": str(expression)}
