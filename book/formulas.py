"""KaTeX sets the formulas when the book is built: a page arrives with them.

What it does not understand is a warning of the build, so an error of `make book`.
"""

import functools
import html
import json
import re
from pathlib import Path

import quickjs
from docutils import nodes
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

KATEX = Path(__file__).parent / "_static" / "katex" / "katex.min.js"
FORMULA = re.compile(r"\\\((.*?)\\\)|\\\[(.*?)\\\]", re.DOTALL)
# KaTeX applies a \max that is an index to what is not there, and an msub may not
# have three children.
APPLIED_TO_NOTHING = re.compile(
    "<mo>\u2061</mo>(?=</m(?:sub|sup|subsup|under|over)>)"
)
PUNCTUATION = re.compile(r"[.,;:!?)’”]+")

logger = logging.getLogger(__name__)


@functools.cache
def katex():
    """KaTeX in an interpreter of JavaScript, once for all formulas."""
    context = quickjs.Context()
    context.eval(KATEX.read_text())
    return context


@functools.cache
def typeset(tex, display=False):
    """HTML of a formula, MathML for screen readers in it; ValueError if wrong."""
    options = {"displayMode": display, "strict": "error"}
    # Only strings in one piece reach Python: stringify makes it one.
    call = f"katex.renderToString({json.dumps(tex)}, {json.dumps(options)})"
    try:
        set_by_katex = json.loads(katex().eval(f"JSON.stringify({call})"))
    except quickjs.JSException as error:
        raise ValueError(str(error).partition("\n")[0]) from None
    return APPLIED_TO_NOTHING.sub("", set_by_katex)


def typeset_or_warn(tex, display, node):
    try:
        return typeset(tex, display)
    except ValueError as error:
        logger.warning("formula not understood: %s", error, location=node)
        return f'<code class="katex-error">{html.escape(tex)}</code>'


def visit_formula(self, node):
    """A formula in the text."""
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate"))
    self.body.append(typeset_or_warn(node.astext(), False, node) + "</span>")
    raise nodes.SkipNode


def visit_display(self, node):
    """A formula in lines of its own, its number at the right."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate"))
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(typeset_or_warn(lines(node), True, node) + "</div>\n")
    raise nodes.SkipNode


def lines(node):
    r"""The TeX of a display, in which \\ and an empty line begin a new line."""
    tex = node.astext().strip()
    if node["nowrap"]:
        return tex
    parts = [
        part if r"\begin" in part or r"\\" not in part else in_lines(part)
        for part in re.split(r"\n\s*\n", tex)
    ]
    return parts[0] if len(parts) == 1 else in_lines(r"\\".join(parts))


def in_lines(tex):
    return r"\begin{aligned}" + tex + r"\end{aligned}"


def visit_raw(self, node):
    r"""What a cell printed as HTML, with formulas between \( \) or \[ \]."""

    def formula(found):
        tex = html.unescape(found[1] or found[2])
        return typeset_or_warn(tex, found[1] is None, node)

    if "html" in node.get("format", "").split():
        node[:] = [nodes.Text(FORMULA.sub(formula, node.astext()))]
    HTML5Translator.visit_raw(self, node)


def keep_punctuation(app, doctree, page):
    """No line begins with the comma that follows a formula."""
    for formula in list(doctree.findall(nodes.math)):
        after = formula.next_node(descend=False, siblings=True)
        mark = isinstance(after, nodes.Text) and PUNCTUATION.match(after)
        if mark:
            parent = formula.parent
            here = parent.index(formula)
            unbroken = nodes.inline(classes=["unbroken"])
            unbroken += [formula, nodes.Text(mark[0])]
            parent[here : here + 2] = [unbroken, nodes.Text(after[mark.end() :])]


def setup(app):
    visits = (visit_formula, None), (visit_display, None)
    app.add_html_math_renderer("katex", *visits)
    app.add_node(nodes.raw, override=True, html=(visit_raw, None))
    app.connect("doctree-resolved", keep_punctuation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
