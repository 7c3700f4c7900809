"""The reference page of question files, from the models that read them: homework/reference.md.

lossnotes homework reference > homework/reference.md
"""

from datetime import datetime
from types import NoneType
from typing import Literal, get_args, get_origin

from pydantic_core import PydanticUndefined

from lossnotes.derive.expressions import CALCULUS, FREE, FUNCTIONS
from lossnotes.homework.asked import KINDS
from lossnotes.homework.questions import (
    Assignment,
    Common,
    Deadline,
    Derivation,
    Function,
    Mistake,
    Number,
    Parameter,
    Practice,
    PracticeDerivation,
    PracticeNumber,
    Probe,
    Written,
)

HEAD = """# questions.toml, key by key

An assignment is a folder with a notebook and this file. `lossnotes homework new <chapter>` writes
both, such that they build at once. A key without a default must be given. A key that is not here is
refused, and so is a formula that cannot be read. `[[questions]]` are handed out and graded.
`[[practice]]` is neither: it stands in the page of the chapter, where `CONTRIBUTING.md` shows one.
"""
TABLES = {
    "The file itself": Assignment,
    "`[parameters]`: each a name with": Parameter,
    "`[deadline]`": Deadline,
    "`[[questions]]`: all of them have": Common,
    'A question of `kind = "derivation"` has also': Derivation,
    'A question of `kind = "function"` has also': Function,
    "`[[questions.probes]]`: beside an entry for each argument": Probe,
    'A question of `kind = "number"` has also': Number,
    'A question of `kind = "written"` has also': Written,
    "`[[questions.mistakes]]`: a hint, and one of the others": Mistake,
    "`[[practice]]`: what stands in the page, and is no homework, has also": Practice,
    'Practice of `kind = "derivation"` has also': PracticeDerivation,
    'Practice of `kind = "number"` has also': PracticeNumber,
}
WORDS = {
    str: "text",
    float: "number",
    int: "whole number",
    bool: "true or false",
    datetime: "date and time",
}
DRAWN = {
    "normal(5)": "an array of five normal numbers; `normal(4, 3)` is a batch of four",
    "uniform(a, b, 5)": "the same, uniform between a and b",
    "integer(a, b, 5)": "whole numbers from a to b",
    "label(5)": "one of five classes, from 0; `label(4, 5)` are those of a batch of four",
    "simplex(5)": "a probability vector",
    "sparse(5)": "one of which half of the entries are exactly zero",
    "mask(5)": "a set of classes, neither empty nor all of them",
    "constant(a, 5)": "the same number five times",
    "exp(x), log(x)": "of another array; `+ - * /`, parameters and lists, `[0, 30, 0.2]`, too",
}


def page():
    """The page, as Markdown."""
    parts = [HEAD]
    for title, model in TABLES.items():
        fields = model.model_fields
        own = [name for name in fields if name in model.__annotations__]
        parts += [f"## {title}", "", "| key | type | default | what it says | example |"]
        parts += ["| --- | --- | --- | --- | --- |"]
        parts += [
            _row(fields[name].alias or name, fields[name]) for name in own if name != "chapter"
        ]
        parts.append("")
    drawn = [f"- `{spec}`: {words}" for spec, words in DRAWN.items()]
    kinds = ", ".join(f"`{kind}`" for kind in [*KINDS, "between(a, b)"])
    functions = ", ".join(f"`{name}`" for name in sorted({*FUNCTIONS, *CALCULUS}))
    return "\n".join(
        [*parts, "## What a probe draws", "", "A text for each argument:", "", *drawn, ""]
        + ["## Domains of symbols", "", f"{kinds}. The plural ones are vectors.", ""]
        + ["## Formulas", "", f"Names: {', '.join(f'`{name}`' for name in FREE)}, parameters, "
           "and the `symbols` and `names` of the question.", "", f"Functions: {functions}.", ""]
    )  # fmt: skip


def _row(name, field):
    default = "" if field.default is PydanticUndefined else f"`{_toml(field.default)}`"
    cells = [f"`{name}`", _type(field.annotation), default, field.description]
    return f"| {' | '.join([*cells, f'`{field.examples[0]}`'])} |"


def _toml(value):
    if value in (None, ""):
        return "none"
    words = {True: "true", False: "false"}
    return (
        words[value]
        if isinstance(value, bool)
        else str(list(value) if value.__class__ is tuple else value)
    )


def _type(annotation):
    parts = [part for part in get_args(annotation) if part is not NoneType]
    if get_origin(annotation) is Literal:
        return "text"
    if annotation in WORDS:
        return WORDS[annotation]
    if get_origin(annotation) is tuple:
        return f"two {WORDS[parts[0]]}s"
    if get_origin(annotation) is list:
        return f"list of {WORDS[parts[0]]}s" if parts[0] in WORDS else "tables"
    if get_origin(annotation) is dict:
        return "table of texts" if parts[1] in WORDS else "tables"
    return _type(parts[0]) if parts else "table"
