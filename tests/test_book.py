"""The book as readers meet it: it builds without a warning, and every page works in a browser."""

import fcntl
import functools
import hashlib
import importlib.util
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit

import nbformat
import numpy as np
import pikepdf
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from docutils import nodes
from mpmath import mp
from playwright.sync_api import sync_playwright
from sphinx.errors import ExtensionError
from sphinx_external_toc.parsing import parse_toc_yaml
from sympy import Symbol, lambdify, sympify

from lossnotes.homework.build import build as build_homework
from lossnotes.homework.grade import grade_one
from lossnotes.homework.new import new

ROOT = Path(__file__).parents[1]
PAGES = [*parse_toc_yaml(ROOT / "_toc.yml"), "genindex", "search"]
WIDTHS = [1280, 390]
THEMES = ["light", "dark"]
CASES = [(1280, "light"), (1280, "dark"), (390, "dark"), (390, "light")]  # one changes at a time


def extension_of_sphinx(name):
    """A module beside the chapters, which is in no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "book" / f"{name}.py")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # they import one another
    spec.loader.exec_module(module)
    return module


extension, formulas = extension_of_sphinx("extension"), extension_of_sphinx("formulas")
python_of_pages, paper = extension_of_sphinx("workbench"), extension_of_sphinx("paper")
ebook = extension_of_sphinx("ebook")


# Building


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """The finished run of Jupyter Book, and the folder of the built HTML.

    Of several workers the first one builds, and the others wait for it.
    """
    folder = tmp_path_factory.getbasetemp()
    out = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "book"
    out.mkdir(exist_ok=True)
    finished = out / "run.pickle"
    with open(out / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            command = [Path(sys.executable).with_name("jupyter-book"), "build", "-W", "-n"]
            command += ["--keep-going", "--path-output", out, ROOT]
            run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
            finished.write_bytes(pickle.dumps(run))
    return pickle.loads(finished.read_bytes()), out / "_build" / "html"


def test_the_book_builds_without_a_warning(build):
    run, _ = build
    warnings = [line for line in run.stderr.splitlines() if "WARNING:" in line or "ERROR:" in line]
    assert (run.returncode, warnings) == (0, []), run.stdout[-2000:] + run.stderr[-4000:]


@pytest.fixture(scope="session")
def site(build):
    """The folder of the built HTML; without it there is one failure to read, that of the build."""
    run, html = build
    if run.returncode:
        pytest.skip("the book does not build")
    return html


def test_every_page_that_is_built_is_also_visited(site):
    built = {page.relative_to(site).with_suffix("").as_posix() for page in site.rglob("*.html")}
    templates = {page for page in built if page.startswith("_static/")}
    assert built - templates - {"index"} == set(PAGES)


def test_the_address_of_the_site_leads_to_the_first_page(site):
    assert "url=book/index.html" in (site / "index.html").read_text()


@pytest.mark.parametrize("address", ["", "https://example.org/someone/book"])
def test_buttons_lead_out_of_the_book_only_when_the_repository_has_an_address(address):
    config = SimpleNamespace(html_theme_options={"repository_url": address})
    extension.link_to_repository(None, config)
    buttons = {"use_edit_page_button", "use_issues_button", "launch_buttons"}
    assert (buttons <= set(config.html_theme_options)) == bool(address)


def shown_of_each_other():
    """What Sphinx remembers of two pages."""
    return SimpleNamespace(
        titles={"kl": nodes.title("", "Divergence")},
        tocs={"kl": nodes.bullet_list("", nodes.list_item("", nodes.paragraph("", "Symmetry")))},
        toc_secnumbers={"kl": {"#symmetry": (3, 1)}},
        toc_fignumbers={},
        domaindata={
            "std": {"labels": {"symmetry": ("kl", "symmetry")}},
            "cite": {"keys": ["a", "b"]},
        },
        found_docs={"kl", "softmax"},
    )


CHANGES = [
    ("titles", {"kl": nodes.title("", "The divergence")}),
    ("tocs", {"kl": nodes.bullet_list("", nodes.list_item())}),
    ("toc_secnumbers", {"kl": {"#symmetry": (1, 3)}}),
    ("toc_fignumbers", {"kl": {"figure": {"curve": (3, 1)}}}),
    ("domaindata", {"std": {"labels": {}}, "cite": {"keys": ["a", "b"]}}),
]


@pytest.mark.parametrize(("name", "value"), CHANGES, ids=[name for name, _ in CHANGES])
def test_all_pages_are_written_again_when_what_they_show_of_each_other_changes(name, value):
    env = shown_of_each_other()
    write = functools.partial(extension.write_all_pages_that_may_have_changed, None, env)
    assert write() == env.found_docs
    assert write() == []
    setattr(env, name, value)
    assert write() == env.found_docs


def test_the_order_in_which_pages_are_read_changes_no_other_page():
    env = shown_of_each_other()
    extension.write_all_pages_that_may_have_changed(None, env)
    env.domaindata["cite"]["keys"].reverse()
    assert extension.write_all_pages_that_may_have_changed(None, env) == []


@pytest.mark.parametrize("tex", [r"\frac{1}", r"\unknown", "x^", r"\begin{aligned} x", "a_b_c"])
def test_a_formula_that_is_not_understood_is_an_error_of_the_build(tex, caplog):
    with pytest.raises(ValueError, match="KaTeX parse error"):
        formulas.typeset(tex)
    shown = formulas.typeset_or_warn(tex, False, None)
    assert shown == f'<code class="katex-error">{tex}</code>'
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_formula_is_set_with_its_mathml():
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML">' in formulas.typeset("x^2")


def test_a_word_that_is_an_index_is_applied_to_nothing():
    assert "<msub><mi>λ</mi><mi>max</mi></msub>" in formulas.typeset(r"\lambda_{\max}")
    assert "<mo>\u2061</mo><mi>x</mi>" in formulas.typeset(r"\max x")


# Looking at a page


IMAGES = r"""
() => [...document.images]
  .filter(i => !i.alt.trim() || /\.(png|svg|jpe?g|webp)$/i.test(i.alt))
  .map(i => `${i.getAttribute("src")} has the alt text "${i.alt}"`)
"""

MATHEMATICS = r"""
() => {
  const found = [];
  for (const e of document.querySelectorAll(".katex-error"))
    found.push(`not understood: ${e.textContent}`);
  for (const e of document.querySelectorAll(".math"))
    if (!e.querySelector(".katex")) found.push(`not set: ${e.textContent.trim()}`);
  for (const e of document.querySelectorAll("mfrac, msub, msup, munder, mover, mroot"))
    if (e.children.length !== 2) found.push(`not two parts: ${e.outerHTML}`);
  for (const e of document.querySelectorAll("div.math > .katex-display"))
    if (Math.abs(e.getBoundingClientRect().left - e.parentElement.getBoundingClientRect().left) > 1)
      found.push(`not at the left: ${e.querySelector("annotation").textContent}`);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    if (/\\[()[\]]|\$\$|\\(frac|sum|operatorname|begin)\b/.test(text.data)
        && !text.parentElement.closest("pre, code, script, style, .katex, .math"))
      found.push(`left as text: ${text.data.trim().slice(0, 80)}`);
  }
  return found;
}
"""

SCROLLING = r"""
() => {
  const width = document.documentElement.clientWidth;
  const page = Math.max(document.documentElement.scrollWidth, document.body.scrollWidth);
  if (page <= width) return [];
  const wide = [...document.querySelectorAll("body *")]
    .filter(e => e.getBoundingClientRect().right > width + 1)
    .map(e => `${e.tagName.toLowerCase()}.${e.className} is too wide`);
  return [`the page is ${page} wide in a window of ${width}`, ...wide.slice(0, 5)];
}
"""

# On a phone: what is beside an output is said, a formula that goes on has a shadow at its edge, and
# an output is not too small to be read.
COLUMNS = """
() => {
  const scrolling = boxes => [...document.querySelectorAll(boxes)]
    .filter(box => box.scrollWidth > box.clientWidth + 1)
    .filter(box => getComputedStyle(box).overflowX !== "visible");
  const outputs = scrolling(".cell_output pre, .output.text_html, .pst-scrollable-table-container")
    .filter(box => !box.previousElementSibling?.matches(".more-columns"));
  const formulas = scrolling("div.math, table.derivation td, table.portrait :is(caption, td)")
    .filter(box => getComputedStyle(box).backgroundImage === "none");
  return [...outputs, ...formulas]
    .map(box => `hidden beside: ${box.textContent.trim().slice(0, 60)}`);
}
"""

SMALL = """
() => [...document.querySelectorAll(".cell_output pre")]
  .map(box => [parseFloat(getComputedStyle(box).fontSize), box.textContent.trim().slice(0, 60)])
  .filter(([size]) => size < 9.5)
  .map(([size, text]) => `${size} pixels high: ${text}`)
"""

READY = """
async () => {
  await document.fonts.ready;
  document.querySelectorAll("button.toggle-button").forEach(button => button.click());
}
"""

DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"

# Axe takes time for each element, and a page has thousands that it can learn nothing from: tokens
# of code whose kind it has seen, whose text joins that around it, and the glyphs of formulas, which
# keep their boxes: of those in the text, and of those whose kind it has seen.
THIN = """
() => {
  const kinds = new Set();
  const seen = kind => kinds.has(kind) || !kinds.add(kind);
  for (const token of document.querySelectorAll(".highlight span[class]")) {
    if (seen(`${token.className} in ${token.closest("[class*=cell_]")?.className}`))
      token.replaceWith(...token.childNodes);
  }
  document.body.normalize();
  const formulas = [...document.querySelectorAll(".katex")].filter(formula => {
    const display = formula.closest(".katex-display");
    if (!display) return true;
    const place = display.parentElement.parentElement.className;
    return seen(`formula in ${place}`) && !formula.querySelector("[style*=color]");
  });
  const boxes = formulas.map(formula => formula.getBoundingClientRect());
  formulas.forEach((formula, i) => {
    formula.style.display = "inline-block";
    formula.style.width = `${boxes[i].width}px`;
    formula.style.height = `${boxes[i].height}px`;
    formula.replaceChildren();
  });
}
"""

# The theme has followed the system. Its colours change at once here: axe waits for no transition.
STILL = "*, ::before, ::after { transition: none !important; animation: none !important; }"
STILL_AT_ONCE = f"""
const still = new CSSStyleSheet();
still.replaceSync("{STILL}");
document.adoptedStyleSheets.push(still);
"""
IN_THEME = "theme => [undefined, theme].includes(document.documentElement.dataset.theme)"

# Axe takes milliseconds for the contrast of a text. Whether there is enough depends on its look, on
# those of the boxes that it lies in, and on what else lies there. Where nothing else does, a text
# is as legible as another of the same look that axe has found legible, in this theme and width or
# another, on this page or one before: it is not asked again. Only texts that are not legible are
# left to the rule.
LEGIBLE = """
() => {
  const rule = axe._audit.rules.find(({ id }) => id === "color-contrast");
  const check = axe._audit.checks["color-contrast"];
  const { matches } = rule;
  const legible = new Set(JSON.parse(sessionStorage.getItem("legible")));
  let tree, painted, boxes;

  const isPainted = element => {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    const style = getComputedStyle(element);
    return style.backgroundColor !== "rgba(0, 0, 0, 0)" || style.backgroundImage !== "none"
      || element.matches("img, svg, video, canvas, iframe, object");
  };
  const plain = "rgba(0, 0, 0, 0),none,1,none,normal,static,auto";
  const boxesOf = element => {
    if (!boxes.has(element)) {
      const style = getComputedStyle(element);
      const box = [style.backgroundColor, style.backgroundImage, style.opacity, style.filter,
        style.mixBlendMode, style.position, style.zIndex].join();
      const [outer, number] = boxesOf(element.parentElement);
      const own = box === plain ? outer : `${outer}; ${box}`;
      boxes.set(element, [own, number + isPainted(element)]);
    }
    return boxes.get(element);
  };
  const lookOf = element => {
    const style = getComputedStyle(element);
    return [style.color, style.webkitTextFillColor, style.webkitTextStroke, style.fontSize,
      style.fontWeight, style.textShadow, boxesOf(element)[0]].join("; ");
  };

  const areas = element => [...element.getClientRects()]
    .map(({ left, right, top, bottom }) => ({ left, right, top, bottom }));
  const meet = (a, b) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const within = (a, b) => a.left >= b.left - 1 && a.right <= b.right + 1
    && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
  const range = new Range();
  const areasOf = text => {
    range.selectNodeContents(text);
    return areas(range);
  };
  // Whether what is painted beneath a text are the boxes that it lies in, and all of them.
  const inItsBoxesAlone = (texts, element) => texts.flatMap(areasOf).every(area => {
    const beneath = painted.filter(box => meet(area, box.area));
    return beneath.length === boxesOf(element)[1]
      && beneath.every(box => box.element.contains(element) && within(area, box.area));
  });

  rule.matches = function (element, virtualNode, ...others) {
    if (tree !== axe._tree) {
      tree = axe._tree;  // another run: what was measured may lie elsewhere
      boxes = new Map([[null, ["", 0]]]);
      painted = [...document.querySelectorAll("*")].filter(isPainted)
        .flatMap(box => areas(box).map(area => ({ element: box, area })));
    }
    const asked = () => matches.call(this, element, virtualNode, ...others);
    const texts = [...element.childNodes]
      .filter(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!texts.length) return element.matches("input, select, textarea") && asked();
    const look = inItsBoxesAlone(texts, element) && lookOf(element);
    if (look && legible.has(look)) return false;
    if (!asked()) return false;
    let found = {};
    const answer = { data: data => { found = data; }, relatedNodes: () => {} };
    const passed = check.evaluate.call(answer, element, check.options, virtualNode);
    if (look && passed && found.contrastRatio)
      sessionStorage.setItem("legible", JSON.stringify([...legible.add(look)]));
    return passed === false;
  };
}
"""

# A shadow at the edge of a box is a gradient. Axe does not tell the contrast of any text upon one.
PLAIN = """
() => {
  const plain = new CSSStyleSheet();
  plain.replaceSync("* { background-image: none !important; }");
  document.adoptedStyleSheets.push(plain);
}
"""

# The dark page differs from the light one in its colours only.
# Without preload: axe would ask for style sheets at addresses that the page does not use.
RULES = {
    theme: {"resultTypes": ["violations"], "preload": False, **rules}
    for theme, rules in {
        "light": {},
        "dark": {"runOnly": ["color-contrast", "link-in-text-block"]},
    }.items()
}
SERIOUS = """
async ([context, rules]) => (await axe.run(context, rules)).violations
  .filter(({ impact }) => ["serious", "critical"].includes(impact))
  .flatMap(({ id, help, nodes }) =>
    nodes.map(({ html }) => `${id} (${help}): ${html.slice(0, 200)}`))
"""


def serious(page, theme, context="html"):
    """What axe finds serious in a page, in its present theme and width."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"{AXE_SCRIPT}\nnull")
        page.evaluate(LEGIBLE)
        page.evaluate(PLAIN)
    return page.evaluate(SERIOUS, [context, RULES[theme]])


def listening(window):
    """A page; what it logs and what it asks of other hosts is in `heard`."""
    page = window.new_page()
    page.shown = None, None
    page.add_init_script(STILL_AT_ONCE)

    def log(message):
        if message.type == "error":
            page.heard["console"].append(f"{message.text} ({message.location['url']})")

    def ask(request):
        if urlsplit(request.url).hostname not in (None, "127.0.0.1"):
            page.heard["requests"].append(request.url)

    page.on("console", log)
    page.on("pageerror", lambda error: page.heard["console"].append(str(error)))
    page.on("request", ask)
    return page


def show(page, width, theme):
    """Only what changes is set: to set a theme colours a page anew, even if it is the same."""
    if page.shown[0] != width:
        page.set_viewport_size({"width": width, "height": 900})
    if page.shown[1] != theme:
        page.emulate_media(color_scheme=theme)
    page.shown = width, theme
    page.wait_for_function(IN_THEME, arg=theme)
    page.evaluate(DRAWN)


def look(page, url):
    """Visit an address, its solutions unfolded; what is to complain of, by width, theme and kind.

    It is loaded once, in a wide window that is made narrow then.
    """
    found = {case: {"console": [], "requests": []} for case in CASES}
    page.heard = found[CASES[0]]
    show(page, *CASES[0])
    page.goto(url)
    page.evaluate(READY)
    for case in CASES:
        complaints = page.heard = found[case]
        show(page, *case)
        complaints["images"] = page.evaluate(IMAGES)
        complaints["mathematics"] = page.evaluate(MATHEMATICS)
        complaints["scrolling"] = page.evaluate(SCROLLING)
        complaints["columns"] = page.evaluate(COLUMNS)
        complaints["small"] = page.evaluate(SMALL)
    page.evaluate(THIN)
    for case in reversed(CASES):
        show(page, *case)
        found[case]["axe"] = serious(page, case[1])
    return found


def lacking(reason, what):
    """Skip, or fail where the machine is to have it."""
    give_up = pytest.fail if os.environ.get(f"LOSSNOTES_REQUIRE_{what}") == "1" else pytest.skip
    give_up(reason)


@pytest.fixture(scope="session")
def playwright():
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def window(playwright, tmp_path_factory):
    """One browser context: style sheets and fonts are fetched once, and WebAssembly compiled once.

    Only a profile that lies on disk keeps what is compiled.
    """
    if paper.CHROMIUM is None:
        lacking("no Chromium found; on Debian and Ubuntu: apt install chromium", "BROWSER")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    quiet += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]  # no other host is there
    profile = tmp_path_factory.mktemp("profile")
    window = playwright.chromium.launch_persistent_context(
        profile, executable_path=paper.CHROMIUM, args=quiet
    )
    yield window
    window.close()


@pytest.fixture(scope="session")
def browser(window):
    return window.browser


@pytest.fixture(scope="session")
def address(site):
    return paper.serve(site)


# Every page


@pytest.fixture(scope="module")
def page(window):
    """One for all visits: a new one takes longer to begin than most pages to load."""
    page = listening(window)
    yield page
    page.close()


@pytest.fixture(scope="module", params=PAGES)
def visit(request, page, address):
    return look(page, f"{address}/{request.param}.html")


@pytest.fixture(params=CASES, ids=lambda case: "-".join(map(str, case)))
def complaints(request, visit):
    return visit[request.param]


def test_a_page_logs_no_error(complaints):
    assert complaints["console"] == []


def test_a_page_asks_nothing_of_other_hosts(complaints):
    assert complaints["requests"] == []


def test_every_formula_is_set(complaints):
    assert complaints["mathematics"] == []


def test_every_image_has_alt_text(complaints):
    assert complaints["images"] == []


def test_a_page_does_not_scroll_sideways(complaints):
    assert complaints["scrolling"] == []


def test_no_output_hides_a_column_without_saying_so(complaints):
    assert complaints["columns"] == []


def test_no_output_is_too_small_to_be_read(complaints):
    assert complaints["small"] == []


def test_axe_finds_nothing_serious(complaints):
    assert complaints["axe"] == []


def test_what_is_unfolded_on_a_phone_is_fitted_then(window, address):
    page = window.new_page()
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{address}/book/learning/binary.html")
    page.evaluate(READY)
    page.evaluate(DRAWN)
    assert page.evaluate(COLUMNS) == []
    assert page.locator(".admonition .cell_output pre.columns").first.is_visible()
    page.close()


# Each check, shown what is wrong


PALE = "<p style='position: relative; color: #767676; top: {}em'>{}</p>"
# Two lines in a dark box, and a third that is like them but lies elsewhere.
LINE = "<p style='position: relative; top: {}px; margin: 0; line-height: 20px; color: #bbb'>{}</p>"
MOVED = (
    "<section style='height: 200px'><div style='background: #333; height: 64px'>"
    + 2 * LINE.format(0, "in its box")
    + f"{LINE}</div><div style='background: {{}}; height: 100px'></div></section>"
)
WRONG = [
    ("console", "said so", "<script>console.error('said so')</script>"),
    ("console", "thrown", "<script>throw Error('thrown')</script>"),
    ("console", "missing.png", "<img src='missing.png' alt='A curve.'>"),
    ("requests", "example.org", "<img src='https://example.org/curve.png' alt='A curve.'>"),
    ("images", "none.png", "<img src='none.png'>"),
    ("images", "file.png", "<img src='curve' alt='file.png'>"),
    ("mathematics", r"not understood: \unknown", r"<code class='katex-error'>\unknown</code>"),
    ("mathematics", "left as text", r"<p>\(x\)</p>"),
    ("mathematics", "not set", "<p class='math'>x</p>"),
    ("mathematics", "not two parts: <mfrac>", "<math><mfrac><mi>x</mi></mfrac></math>"),
    (
        "mathematics",
        "not at the left: x",
        f"<div class='math row'>{formulas.typeset('x', True)}</div>",
    ),
    (
        "mathematics",
        "not at the left: yyy",
        "<div class='math row' style='width: 3em; overflow: auto'>"
        + f"{formulas.typeset(20 * 'y', True)}</div>",
    ),
    ("scrolling", "div.wide", "<div class='wide' style='width: 2000px'>wide</div>"),
    (
        "columns",
        "hidden beside: xxx",
        f"<div class='cell_output'><pre style='overflow: auto'>{400 * 'x'}</pre></div>",
    ),
    (
        "columns",
        "hidden beside: zzz",
        f"<div class='math' style='width: 9em; overflow: auto'><p class=katex>{99 * 'z'}</p></div>",
    ),
    (
        "small",
        "9 pixels high: tiny",
        "<div class='cell_output'><pre style='font-size: 9px'>tiny</pre></div>",
    ),
    ("axe", "color-contrast", "<p style='color: #aaa'>pale</p>"),
    (
        "axe",
        "like four others, upon grey",
        4 * "<p style='color: #767676'>upon white</p>"
        + "<div style='background: #ccc; color: #767676'>like four others, upon grey</div>",
    ),
    (
        "axe",
        "like the others, before grey",
        "<section style='position: relative; height: 40em'>"
        + "<div style='position: absolute; inset: 30em 0 0; background: #ccc'></div>"
        + 4 * PALE.format(0, "upon white")
        + PALE.format(22, "like the others, before grey")
        + "</section>",
    ),
    ("axe", "moved upon white", MOVED.format(80, "moved upon white", "none")),
    ("axe", "moved upon grey", MOVED.format(80, "moved upon grey", "#eee")),
    ("axe", "moved by half", MOVED.format(18, "moved by half", "none")),
    (
        "axe",
        "pale in a shadow",
        "<p style='background: linear-gradient(to right, #eee, transparent) 0 / 1em; color: #aaa'>"
        + "pale in a shadow</p>",
    ),
    ("axe", "scrollable-region", f"<pre style='width: 9em; overflow: auto'>{99 * 'x'}</pre>"),
]
FRAME = """<!doctype html><html lang="en"><title>A page</title>
<link rel="stylesheet" href="_static/katex/katex.min.css">
<style>.row {{ display: flex; flex-direction: row-reverse; }}</style>
<body style="background: #fff"><main><h1>A page</h1>{}</main></body></html>"""
PAGES_BY_HAND = {
    "wrong": "".join(body for _, _, body in WRONG),
    "right": f"<p>Right: <span class='math'>{formulas.typeset('x^2')}</span></p>",
    "narrow": "<div style='width: 600px'>wide</div>",
    "dark": "<style>@media (prefers-color-scheme: dark) { p { color: #ccc } }</style><p>pale</p>",
}


@pytest.fixture(scope="module")
def by_hand(page, tmp_path_factory):
    """What is complained of in each page written here."""
    folder = tmp_path_factory.mktemp("by_hand")
    (folder / "_static").symlink_to(ROOT / "book" / "_static")
    for name, body in PAGES_BY_HAND.items():
        (folder / f"{name}.html").write_text(FRAME.format(body))
    address = paper.serve(folder)
    return {name: look(page, f"{address}/{name}.html") for name in PAGES_BY_HAND}


@pytest.mark.parametrize(("kind", "complaint", "body"), WRONG)
def test_what_is_wrong_is_complained_of(kind, complaint, body, by_hand):
    assert any(complaint in found for case in CASES for found in by_hand["wrong"][case][kind]), body


def test_what_is_right_is_not_complained_of(by_hand):
    assert not any(found for case in CASES for found in by_hand["right"][case].values())


@pytest.mark.parametrize("theme", THEMES)
def test_what_is_too_wide_for_a_narrow_window_only_is_complained_of(theme, by_hand):
    assert by_hand["narrow"][1280, theme]["scrolling"] == []
    assert by_hand["narrow"][390, theme]["scrolling"] != []


def test_what_is_wrong_in_the_dark_only_is_complained_of(by_hand):
    for width in WIDTHS:
        assert by_hand["dark"][width, "light"]["axe"] == []
        assert by_hand["dark"][width, "dark"]["axe"] != []


# Search: what students type


FIRST = {
    "loss_design": [
        "loss",
        "one-hot",
        "0-1 loss",
        "squared error",
        "witness",
        "focal loss",
        "gradient",
    ],
    "margin": ["margin", "hinge", "hinge loss", "subgradient", "margin loss"],
    "kl": [
        "kl divergence",
        "entropy",
        "cross entropy",
        "cross-entropy",
        "jensen's inequality",
        "bit",
    ],
    "proper": ["proper scoring rule", "Brier score", "perplexity", "likelihood", "surprisal"],
    "logsumexp": ["log-sum-exp", "logsumexp", "overflow", "lse"],
    "softmax": ["softmax", "log loss", "logits", "temperature", "Softmax"],
    "fenchel_young": ["sparsemax", "entmax", "fenchel-young loss", "convex conjugate"],
    "label_smoothing": ["label smoothing", "smoothed labels"],
    "continuous_categorical": ["continuous categorical", "divided difference", "soft labels"],
    "kde": ["kernel density estimate", "responsibility", "em algorithm"],
    "binary": ["sigmoid", "binary cross-entropy", "logistic function"],
    "backprop": ["back-propagation", "backpropagation", "chain rule", "vanishing gradient", "relu"],
    "convergence": [
        "learning rate",
        "newton's method",
        "saddle point",
        "gradient descent",
        "step size",
    ],
    "sgd": ["sgd", "momentum", "mini-batch", "batch size", "stochastic gradient descent"],
    "calibration": [
        "calibration",
        "overconfidence",
        "temperature scaling",
        "class weights",
        "reliability diagram",
    ],
}
FOUND = ["how does softmax work", "why minus log", "C++", "$x^2$", "<b>", "zzzzz", "the", "p(y|x)"]
SEARCH = """
async query => {
  const wait = ms => new Promise(done => setTimeout(done, ms));
  Search.performSearch(query);
  const over = () => Search.status.textContent;  // that it is finished; its dots may go on
  const items = () => [...Search.output.querySelectorAll("li")].slice(0, 5);
  const told = () => items().every(item => item.children.length > 1);
  for (let n = 0; n < 200 && !(over() && told()); n++) await wait(10);
  return items().map(item => [item.querySelector("a").getAttribute("href"),
    item.querySelector("p.context")?.textContent ?? ""]);
}
"""
# A query shows dozens of results, and asks for the page of each: here for each page once.
ASKED_ONCE = """
  const ask = fetch, pages = new Map();
  window.fetch = address => {
    if (!pages.has(address)) pages.set(address, ask(address).then(answer => answer.text()));
    return pages.get(address).then(page => ({ text: () => page }));
  };
"""
RAW = re.compile(r"\\[a-z(\[]|\$|\bimport \w|print\(|Derivation\(|\.step\(|\n")


def search(page, address, queries):
    """For each query the first results, their addresses and excerpts, and what was logged."""
    found, logged = {}, []
    page.on("pageerror", lambda error: logged.append(str(error)))
    page.on("console", lambda message: message.type == "error" and logged.append(message.text))
    page.add_init_script(ASKED_ONCE)
    page.goto(f"{address}/search.html?{urlencode({'q': 'first'})}")
    page.wait_for_function("Search.status?.textContent")
    for query in queries:
        found[query] = page.evaluate(SEARCH, query), [*logged]
        logged.clear()
    page.close()
    return found


@pytest.fixture(scope="module")
def searches(window, address):
    return search(window.new_page(), address, [*sum(FIRST.values(), []), *FOUND])


def test_no_search_throws_an_error(searches):
    assert len(searches) >= 50
    assert {query: logged for query, (_, logged) in searches.items() if logged} == {}


def test_the_chapter_of_a_term_is_found_first(searches):
    missed = {
        query: [href for href, _ in searches[query][0]]
        for chapter, queries in FIRST.items()
        for query in queries
        if not (searches[query][0] and f"/{chapter}.html" in searches[query][0][0][0])
    }
    assert missed == {}


def test_an_excerpt_is_neither_code_nor_tex(searches):
    excerpts = {text for results, _ in searches.values() for _, text in results}
    assert len(excerpts) > 20
    assert [text for text in excerpts if RAW.search(text)] == []


def test_what_sphinx_alone_would_do_is_noticed(browser, address):
    page = browser.new_page()
    page.route("**/lossnotes.js*", lambda route: route.abort())
    found = search(page, address, ["sigmoid", "how does softmax work"]).values()
    assert any("appendChild" in line for _, logged in found for line in logged)
    assert any(RAW.search(text) for results, _ in found for _, text in results)


# The workbench: Python in the page


def test_another_python_than_this_book_was_made_with_is_refused(tmp_path):
    archive = tmp_path / "pyodide.tgz"
    archive.write_bytes(b"something else")
    with pytest.raises(python_of_pages.NoWorkbench, match="pyodide.tgz is not what it was"):
        python_of_pages.check(archive)


def test_what_cannot_be_brought_is_told_by_the_program_that_failed(tmp_path):
    with pytest.raises(python_of_pages.NoWorkbench, match="node said: Error"):
        python_of_pages.compile_into(tmp_path, "library.zip", ROOT, "lossnotes")


@pytest.fixture
def numpy_wheel(tmp_path, monkeypatch):
    """A small wheel in the place of NumPy, and Pyodide with a lock that names it."""
    file = tmp_path / "downloaded.whl"
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr("numpy/__init__.py", "pi = 3")
        wheel.writestr("numpy-1.0.dist-info/METADATA", "Name: numpy\nVersion: 1.0\n")
        wheel.writestr("numpy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    name, digest = "numpy-1.0-py3-none-any.whl", hashlib.sha256(file.read_bytes()).hexdigest()
    package = {"name": "numpy", "version": "1.0", "file_name": name, "sha256": digest}
    package |= {"install_dir": "site", "imports": ["numpy"], "depends": []}
    package |= {"package_type": "package", "unvendored_tests": False}
    packages = {"numpy": package, "scipy": package | {"name": "scipy"}}
    theirs, python = python_of_pages.PYTHON / python_of_pages.LOCK, tmp_path / "python"
    info = json.loads(theirs.read_text())["info"] if theirs.is_file() else {}
    python.mkdir()
    (python / theirs.name).write_text(json.dumps({"info": info, "packages": packages}))
    monkeypatch.setattr(python_of_pages, "PYTHON", python)
    return file


def laid(wheel, folder):
    """The names of the files that lie in a folder, and what the lock among them names."""
    python_of_pages.lay(wheel, folder)
    lock = json.loads((folder / python_of_pages.LOCK).read_text())
    return {file.name for file in folder.iterdir()}, set(lock["packages"])


def test_numpy_lies_beside_python_only_if_a_wheel_is_given(numpy_wheel, tmp_path):
    files, named = laid(numpy_wheel, tmp_path / "site")
    assert (files, named) == ({python_of_pages.LOCK, "numpy-1.0-py3-none-any.whl"}, {"numpy"})
    assert laid(None, tmp_path / "site") == ({python_of_pages.LOCK}, set())


@pytest.mark.parametrize("content", [b"another", None])
def test_another_numpy_than_that_of_the_lock_is_refused(content, numpy_wheel, tmp_path):
    other = tmp_path / "other.whl"
    if content:
        other.write_bytes(content)
    says = f"other.whl {'has the hash' if content else 'is no file'}.*asks for numpy-1.0-py3-none"
    with pytest.raises(ExtensionError, match=says):
        python_of_pages.lay(other, tmp_path / "site")
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(("built", "told"), [(True, True), (False, False)])
def test_a_page_knows_of_python_only_if_the_book_was_built_with_it(built, told):
    app = SimpleNamespace(config=SimpleNamespace(workbench=built))
    context = {"pathto": lambda page, resource: page}
    document = nodes.section("", nodes.container(classes=["cell"]))
    python_of_pages.tell_page(app, "book/losses/kl", None, context, document)
    assert ("metatags" in context) == told


SITE_OF_PYTHON = ("/_static/python/", "/_static/workbench/")
SAYS = "text => document.querySelector('.workbench [role=status]')?.textContent.includes(text)"
CHAPTERS = [page for page in PAGES if page.count("/") == 2]
SHOWN = "() => [...document.querySelectorAll('.cell')].map(cell => cell.dataset.ran ?? '')"

# What a notebook shows, and what its cells show in the page: pairs of a kind and a text for each
# cell, "lacks" if it needs what is not in the page.
RUN_CHAPTER = """
async ([scripts, sources]) => {
  const { python } = await import(scripts + "workbench/python.js");
  await python.ask("begin");
  const shown = [];
  for (const [number, source] of sources.entries()) {
    const { outputs, lacks } = await python.ask("run", number, source);
    shown.push(lacks.length ? "lacks" : outputs);
  }
  return shown;
}
"""


@pytest.fixture(scope="session", params=["python"])
def workbench(site):
    """The scripts of a site that was built with Python for its pages."""
    if not (site / "_static" / "python").is_dir():
        lacking("the book was built without its workbench: make .venv/.workbench", "WORKBENCH")
    return site / "_static" / "workbench"


def watched(window):
    """A new page; `complaints` collects its errors, `asked` what it asks for."""

    def note(error):
        # Firefox complains of a formula of which it has received one half only.
        if error.name != "Invalid markup":
            page.complaints.append(str(error))

    page = window.new_page()
    page.complaints, page.asked = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", note)
    page.on("console", lambda line: line.type == "error" and page.complaints.append(line.text))
    return page


def elsewhere(page, address):
    return [url for url in page.asked if not url.startswith((address, "data:", "blob:"))]


@pytest.fixture(scope="module")
def softmax(window, address, workbench):
    """The chapter on softmax."""
    page = watched(window)
    page.goto(f"{address}/book/losses/softmax.html")
    yield page
    page.close()
    assert page.complaints == []


@pytest.fixture
def asleep(softmax):
    """The chapter as it comes: nothing of Python is loaded. Who wakes it spares others to do so."""
    if not softmax.get_by_role("button", name="Try it").count():
        softmax.asked.clear()
        softmax.set_viewport_size({"width": 1280, "height": 900})
        softmax.reload()
    return softmax


@pytest.fixture
def awake(softmax):
    """The chapter with Python awake, as printed."""
    if press := softmax.get_by_role("button", name="Try it").all():
        press[0].click()
        softmax.wait_for_function(SAYS, arg="Python is ready")
    softmax.set_viewport_size({"width": 1280, "height": 900})
    softmax.get_by_role("button", name="Reset all").click()
    return softmax


def python_script(page):
    return page.url.partition("/book/")[0] + "/_static/workbench/python.js"


def run(page, number):
    """Run a cell by the keyboard."""
    code = page.locator("pre[contenteditable]").nth(number)
    code.focus()
    page.keyboard.press("Shift+Enter")
    page.wait_for_function(SAYS, arg=f"Cell {number + 1} ")
    return page.locator(".cell").nth(number)


def test_until_it_is_pressed_nothing_of_python_is_loaded(asleep):
    asleep.wait_for_load_state("networkidle")
    assert asleep.get_by_role("button", name="Try it").is_visible()
    assert asleep.asked
    assert [url for url in asleep.asked if any(part in url for part in SITE_OF_PYTHON)] == []


def test_a_page_that_can_run_no_python_offers_none(window, address, workbench):
    page = window.new_page()
    page.add_init_script("delete window.WebAssembly")
    page.goto(f"{address}/book/losses/softmax.html")
    assert page.get_by_role("button", name="Try it").count() == 0
    page.close()


def test_python_that_does_not_come_is_said_and_may_be_asked_again(asleep):
    assert asleep.complaints == []
    asleep.route("**/*.wasm", lambda route: route.abort())
    asleep.get_by_role("button", name="Try it").click()
    asleep.wait_for_function(SAYS, arg="Python cannot start")
    asleep.unroute("**/*.wasm")
    assert run(asleep, 1).locator(".verdict.proved").count() == 2
    asleep.complaints.clear()  # of what did not come


def test_a_woken_page_asks_nothing_of_other_hosts(awake, address):
    run(awake, 1)
    assert elsewhere(awake, address) == []


def test_a_cell_runs_after_those_above_it(awake):
    cell = run(awake, 2)
    assert awake.evaluate(SHOWN)[:4] == ["in part", "yes", "yes", ""]
    assert cell.locator(".verdict.proved").count() == 2


def test_a_cell_that_is_changed_shows_something_else_until_it_is_reset(awake):
    cell = run(awake, 1)
    code = cell.locator(".cell_input pre").inner_text()
    printed = cell.locator(".cell_output").inner_text()
    awake.keyboard.press("Control+A")
    awake.keyboard.type("print(6 * 7)")
    cell = run(awake, 1)
    assert cell.locator(".cell_output").inner_text().strip() == "42"
    cell.get_by_role("button", name="Reset").click()
    assert awake.evaluate("document.activeElement.textContent") == "Run"
    assert cell.locator(".cell_input pre").inner_text() == code
    assert cell.locator(".verdict").count() == 2
    assert cell.locator(".cell_output").inner_text() in printed


def test_a_cell_that_asks_for_input_is_told_what_to_do_instead(awake):
    put(awake, 1, "name = input('Who? ')")
    assert "Write the answer into the code" in run(awake, 1).locator(".cell_output").inner_text()


def test_tab_leaves_the_code(awake):
    awake.locator("pre[contenteditable]").nth(1).focus()
    awake.keyboard.press("Tab")
    assert awake.evaluate("document.activeElement.matches('button')")


def test_a_typed_line_is_judged_in_its_place(awake):
    cell = run(awake, 2)
    line = cell.get_by_label("What next")
    line.fill("softmax(s)[j]**2")
    line.press("Enter")
    cell.locator(".refuted").wait_for()
    assert "K=2" in cell.locator(".trial").inner_text()
    line.fill("exp(s[j] - LSE(s))")
    line.press("Enter")
    cell.locator(".verdict.proved").nth(2).wait_for()
    assert line.input_value() == ""


def test_what_takes_too_long_is_stopped_and_python_starts_again(awake):
    patience = "async ([url, seconds]) => { (await import(url)).Python.patience = seconds }"
    python = python_script(awake)
    run(awake, 1)
    awake.evaluate(patience, [python, 1])
    awake.keyboard.press("Control+A")
    awake.keyboard.type("while True: pass")
    awake.keyboard.press("Shift+Enter")
    awake.wait_for_function(SAYS, arg="was stopped")
    awake.evaluate(patience, [python, 20])
    awake.locator(".cell").nth(1).get_by_role("button", name="Reset").click()
    assert run(awake, 1).locator(".verdict.proved").count() == 2


def put(page, number, source):
    """Put a source into a cell."""
    page.locator("pre[contenteditable]").nth(number).focus()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(source)


def test_where_python_breaks_off_it_is_said_and_python_starts_again(awake):
    assert awake.complaints == []
    put(awake, 1, "import ast; ast.parse('+'.join(['c'] * 100_000))")
    awake.keyboard.press("Shift+Enter")
    awake.wait_for_function(SAYS, arg="Python broke off")
    awake.locator(".cell").nth(1).get_by_role("button", name="Reset").click()
    assert run(awake, 1).locator(".verdict.proved").count() == 2
    its_end = re.compile("Pyodide has suffered a fatal|The cause of the fatal|RangeError: Maximum")
    assert len(awake.complaints) == 3 and all(map(its_end.match, awake.complaints))
    awake.complaints.clear()


def test_what_is_changed_while_it_runs_has_not_run(awake):
    put(awake, 1, "import time\ntime.sleep(1)")
    awake.keyboard.press("Shift+Enter")
    awake.wait_for_function(SAYS, arg="Running cell 2")
    awake.get_by_role("button", name="Reset all").click()
    awake.wait_for_function(SAYS, arg="was changed while it ran")
    assert awake.evaluate(SHOWN)[1] == ""
    assert awake.locator(".cell").nth(1).locator(".verdict.proved").count() == 2


def test_a_cell_that_fails_is_run_again_before_those_below_it(awake):
    put(awake, 1, "1 / 0")
    for _ in range(2):
        awake.evaluate("document.querySelector('.workbench [role=status]').textContent = ''")
        awake.locator("pre[contenteditable]").nth(2).focus()
        awake.keyboard.press("Shift+Enter")
        awake.wait_for_function(SAYS, arg="Cell 2 ends with an error. Those below it were not run.")


def test_to_stop_lets_go_of_what_waits(awake):
    put(awake, 1, "while True: pass")
    for _ in range(3):
        awake.keyboard.press("Shift+Enter")
    awake.wait_for_function(SAYS, arg="Running cell 2")
    awake.get_by_role("button", name="Stop").click()
    awake.wait_for_timeout(500)
    assert "Stopped. What was computed is lost" in awake.locator(".workbench").inner_text()


def test_python_can_be_stopped_while_it_wakes(asleep):
    asleep.get_by_role("button", name="Try it").click()
    asleep.get_by_role("button", name="Run cell 2", exact=True).click()
    asleep.get_by_role("button", name="Stop").click()
    assert run(asleep, 1).locator(".verdict.proved").count() == 2


@pytest.fixture
def with_numpy(window, address, workbench, numpy_wheel, tmp_path):
    """The chapter, of a book that was built with the small wheel as NumPy."""
    python_of_pages.lay(numpy_wheel, tmp_path / "site")
    page = watched(window)
    for name in (python_of_pages.LOCK, "numpy-*.whl"):
        (file,) = (tmp_path / "site").glob(name)
        page.route(f"**/{file.name}", lambda route, _, file=file: route.fulfill(path=file))
    page.goto(f"{address}/book/losses/softmax.html")
    page.locator(".cell summary").first.click()  # unfolds the imports
    page.get_by_role("button", name="Try it").click()
    page.wait_for_function(SAYS, arg="Python is ready")
    yield page
    page.close()


def test_what_needs_numpy_runs_where_the_book_was_built_with_it(with_numpy, address):
    assert not any("numpy" in url for url in with_numpy.asked)  # until a cell runs
    put(with_numpy, 0, "import numpy as np\nprint(np.pi + 4)")
    cell = run(with_numpy, 0)
    assert cell.locator(".cell_output").inner_text().strip() == "7"
    assert elsewhere(with_numpy, address) == []


def test_where_numpy_does_not_come_what_needs_it_stays_as_printed(with_numpy):
    with_numpy.unroute("**/numpy-*.whl")
    with_numpy.route("**/numpy-*.whl", lambda route: route.abort())
    put(with_numpy, 0, "import numpy as np\nprint(np.pi + 4)")
    assert "np needs what is not in the page" in run(with_numpy, 0).inner_text()


def test_on_paper_it_is_day_and_nothing_can_be_pressed(awake):
    awake.emulate_media(media="print")
    awake.evaluate("document.documentElement.dataset.theme = 'dark'")
    paper = "getComputedStyle(document.documentElement).getPropertyValue('--paper')"
    assert awake.evaluate(paper) == "#fefdfb"
    assert not any(button.is_visible() for button in awake.get_by_role("button", name="Run").all())
    awake.evaluate("document.documentElement.dataset.theme = 'light'")
    awake.emulate_media(media="screen")


def test_a_woken_page_fits_a_phone(awake):
    run(awake, 2).get_by_label("What next").fill("softmax(s)[j]")
    awake.set_viewport_size({"width": 390, "height": 800})
    assert awake.evaluate(SCROLLING) == []


def test_axe_finds_nothing_serious_in_a_woken_page(awake):
    run(awake, 2)
    awake.add_style_tag(content=STILL)
    assert serious(awake, "light") == []


def test_a_line_does_not_go_on_from_what_is_lost(awake):
    line = run(awake, 2).get_by_label("What next")
    awake.get_by_role("button", name="Stop").click()
    line.fill("softmax(s)[j]")
    line.press("Enter")
    awake.wait_for_function(SAYS, arg="Run the cell again first")


# Practice: exercises that are checked in the page

ANSWERED = "text => document.querySelector('.practice [role=status]').textContent.includes(text)"
SHIFT = "= Derivative(LSE(s/t) - s[y]/t, s[j])\n"


@pytest.fixture
def practised(awake):
    """The first exercise of the chapter, in the page that is awake."""
    if press := awake.get_by_role("button", name="Answer here").all():
        press[0].click()
    awake.get_by_label("Your lines").first.fill("")
    return awake.locator(".practice").first


def answered(exercise, lines, says):
    """What is found of lines that are typed and checked by the keyboard."""
    exercise.get_by_label("Your lines").fill(lines)
    exercise.page.keyboard.press("Shift+Enter")
    exercise.page.wait_for_function(ANSWERED, arg=says)
    return exercise.get_by_role("region").inner_text()


def test_practice_reads_as_text_where_no_python_can_be_brought(window, address):
    page = window.new_page()
    page.add_init_script("delete window.WebAssembly")
    page.goto(f"{address}/book/losses/softmax.html")
    assert page.get_by_role("button", name="Answer here").count() == 0
    exercise = page.locator(".practice").first
    assert "Derivative(log_loss(s/t, y), s[j])" in exercise.inner_text()
    solution = exercise.locator(".solution")
    assert not solution.locator("table").is_visible()
    solution.locator("summary").first.click()
    assert solution.locator(".verdict.proved").count() == 2
    page.close()


def test_hints_come_one_after_the_other(window, address):
    page = window.new_page()
    page.goto(f"{address}/book/losses/softmax.html")
    first, second = page.locator(".practice").first.locator(".hint").all()
    assert (first.is_visible(), second.is_visible()) == (True, False)
    first.locator("summary").click()
    assert second.is_visible()
    page.close()


def test_whoever_asks_for_python_when_it_is_awake_is_told_so(asleep):
    asleep.get_by_role("button", name="Answer here").click()
    asleep.evaluate("async url => (await import(url)).python.wake()", python_script(asleep))
    asleep.get_by_role("button", name="Try it").click()
    bar = asleep.get_by_role("region", name="Workbench")
    assert "Python is ready." in bar.inner_text()


@pytest.mark.parametrize(
    ("line", "says", "words"),
    [
        ("(softmax(s/t)[j] - delta(j, y))/t", "Right.", "All 2 lines follow"),
        ("(delta(j, y) - softmax(s/t)[j])/t", "Not yet.", "It looks like the sign"),
        ("softmax(s/t)[j] - delta(j, y)", "Not yet.", "the gradient in the divided scores"),
        ("(softmax(s/t)[j] - delta(j, y)/t", "Not yet.", "Line 2 cannot be read"),
        ("", "Not all of it yet.", "still stands in the last one"),
        ("\n".join(["(softmax(s/t)[j] - delta(j, y))/t"] * 70), "Not yet.", "at most 60 are read"),
    ],
)
def test_lines_are_checked_and_the_kind_of_mistake_is_named(line, says, words, practised):
    assert words in answered(practised, SHIFT + line, says)


def test_nothing_is_not_checked(practised):
    assert answered(practised, " ", "There is nothing to check yet.") == ""


def test_a_number_is_checked(practised):
    exercise = practised.page.locator(".practice").nth(2)
    exercise.get_by_label("Your number").fill("log(2)")
    exercise.get_by_role("button", name="Check").click()
    exercise.get_by_text("It looks like the sign").wait_for()


def test_what_is_found_is_gone_when_the_lines_change(practised):
    answered(practised, SHIFT, "Not all of it yet.")
    practised.get_by_label("Your lines").press_sequentially("x")
    assert practised.get_by_role("region").inner_text() == ""


def test_what_was_done_is_kept_and_given_out_and_forgotten(practised, window, address):
    answered(practised, SHIFT + "= (softmax(s/t)[j] - delta(j, y))/t", "Right.")
    page = practised.page
    bar = page.get_by_role("region", name="Practice", exact=True)
    assert "1 of 3 solved." in bar.inner_text()
    other = window.new_page()
    other.goto(page.url)
    other.get_by_role("button", name="Answer here").click()
    assert other.get_by_label("Your lines").first.input_value().startswith(SHIFT)
    other.close()
    with page.expect_download() as given:
        bar.get_by_role("button", name="Download").click()
    kept = json.loads(Path(given.value.path()).read_text())
    assert kept["softmax"]["p1"]["solved"]
    page.once("dialog", lambda dialog: dialog.accept())
    bar.get_by_role("button", name="Forget").click()
    assert "0 of 3 solved." in bar.inner_text()
    assert practised.get_by_label("Your lines").input_value() == ""
    assert page.evaluate("localStorage.getItem('lossnotes-practice')") == "{}"


def test_what_was_done_in_a_chapter_that_is_open_twice_is_kept(practised, window):
    other = window.new_page()
    other.goto(practised.page.url)
    other.get_by_role("button", name="Answer here").click()
    practised.get_by_label("Your lines").fill("= here")
    came = "localStorage.getItem('lossnotes-practice')?.includes('= here')"
    other.wait_for_function(came)  # from one process of the browser to another
    other.locator(".practice").nth(1).get_by_label("Your lines").fill("= there")
    kept = json.loads(other.evaluate("localStorage.getItem('lossnotes-practice')"))["softmax"]
    assert [kept[name]["typed"] for name in ("p1", "p2")] == ["= here", "= there"]
    other.close()


def test_where_a_browser_keeps_nothing_this_is_said(window, address, workbench):
    page = window.new_page()
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw Error() } })"
    )
    page.goto(f"{address}/book/losses/softmax.html")
    page.get_by_role("button", name="Answer here").click()
    page.get_by_text("This browser keeps nothing").wait_for()
    page.get_by_label("Your lines").first.fill("1")
    page.close()


def test_a_check_that_takes_too_long_is_stopped(practised):
    patience = "async ([url, seconds]) => { (await import(url)).Python.patience = seconds }"
    python = python_script(practised.page)
    practised.page.evaluate(patience, [python, 0.2])
    long = SHIFT + "softmax(s/t)[j]/t - delta(j, y)/t + Max(0, log(K) - LSE(s) - LSE(-s))"
    answered(practised, long, "was stopped. A smaller question may have an answer.")
    practised.page.evaluate(patience, [python, 20])
    answered(practised, SHIFT, "Not all of it yet.")


def test_axe_finds_nothing_serious_in_what_is_found(practised):
    page = practised.page
    answered(practised, SHIFT + "= softmax(s)[j]", "Not yet.")
    page.add_style_tag(content=STILL)
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(IN_THEME, arg=theme)
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate(SCROLLING) == []
        assert serious(page, theme, ".practice") == []
    page.emulate_media(color_scheme="light")


# Homework in the page


@pytest.fixture(scope="module")
def homework(tmp_path_factory):
    """The folder of an assignment, and that which Ada was handed out."""
    source = new(tmp_path_factory.mktemp("course") / "hinge")
    out = source.with_name("out")
    (folder,) = build_homework(source, out, secret=SECRET, students=["Ada"], trusted=True)
    return source, folder


SECRET = b"a secret of more than thirty-two bytes"
BY_KIND = {
    "Your lines": "Derivative(LSE(s/tau) - s[y]/tau, s[j])\n(softmax(s/tau)[j] - delta(j, y))/tau",
    "Your function": """def log_loss_grad(s, y):
    powers = np.exp((s - s.max()) / tau)
    return (powers / powers.sum() - (np.arange(len(s)) == y)) / tau""",
    "Your number": "-tau*log(exp(1/10) - 1)",
    "Your words": 20 * "word ",
}


@pytest.fixture(scope="module")
def sheet(window, address, workbench, homework):
    """The page with Ada's homework in it."""
    page = watched(window)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{address}/book/homework.html")
    files = page.get_by_label("Your notebook, and questions.json")
    files.set_input_files(homework[1] / "hinge.ipynb")
    page.get_by_text("Choose questions.json, too").wait_for()
    files.set_input_files(homework[1] / "questions.json")
    page.get_by_label("Your lines").wait_for()
    yield page
    page.close()


def test_what_is_typed_in_the_page_downloaded_and_graded_has_all_points(sheet, homework):
    for label, typed in BY_KIND.items():
        sheet.get_by_label(label).fill(typed)
        sheet.get_by_label(label).press("Shift+Enter")
    sheet.get_by_text("20 words, to be read by a person").wait_for()  # is asked last
    for says in ("Right. 4 of 4 points.", "This can be read as Python", "Right. 2 of 2 points."):
        assert sheet.get_by_text(says).count() == 1
    with sheet.expect_download() as given:
        sheet.get_by_role("button", name="Download my answers").click()
    assert given.value.suggested_filename == "hinge.ipynb"
    notebook = Path(given.value.path()).read_bytes()
    result = grade_one(homework[0], SECRET, "Ada", notebook, trusted=True)
    points = {name: found.points for name, found in result.findings.items()}
    assert (points, result.reason) == ({"q1": 4, "q2": 4, "q3": 2, "q4": 0}, "")


def test_homework_asks_nothing_of_other_hosts(sheet, address):
    assert elsewhere(sheet, address) == []


def test_a_wrong_line_of_homework_has_its_points(sheet):
    sheet.get_by_label("Your lines").fill("Derivative(LSE(s/tau) - s[y]/tau, s[j])\nsoftmax(s)[j]")
    sheet.get_by_label("Your lines").press("Shift+Enter")
    sheet.get_by_text("Line 2 does not follow").wait_for()
    assert sheet.get_by_text("Not all of it yet. 1 of 4 points.").is_visible()


def test_what_is_typed_makes_room_for_another_homework_only_if_it_may(sheet, homework):
    sheet.get_by_label("Your lines").fill("= mine")
    sheet.evaluate("window.confirm = () => false")
    files = sheet.get_by_label("Your notebook, and questions.json")
    files.set_input_files(homework[1] / "hinge.ipynb")
    assert sheet.get_by_label("Your lines").input_value() == "= mine"
    sheet.evaluate("window.confirm = () => true")
    files.set_input_files(homework[1] / "hinge.ipynb")
    sheet.wait_for_function("!document.querySelector('.sheet textarea')?.value")
    sheet.get_by_label("Your lines").wait_for()


def test_axe_finds_nothing_serious_in_homework(sheet):
    sheet.add_style_tag(content=STILL)
    for width, theme in CASES:
        sheet.set_viewport_size({"width": width, "height": 800})
        sheet.emulate_media(color_scheme=theme)
        sheet.wait_for_function(IN_THEME, arg=theme)
        assert sheet.evaluate(SCROLLING) == []
    for theme in THEMES:
        sheet.emulate_media(color_scheme=theme)
        assert serious(sheet, theme, ".sheet") == []


def test_homework_that_lies_on_the_server_is_opened_by_its_address(sheet, homework, site):
    shutil.copytree(homework[1], site / "handout")
    sheet.evaluate("location.hash = 'of=../handout/hinge.ipynb'")
    sheet.wait_for_function("!document.querySelector('.sheet textarea')?.value")
    sheet.get_by_label("Your lines").wait_for()
    shutil.rmtree(site / "handout")
    for of, says in {
        "https://example.org/hinge.ipynb": "Only homework on this server is opened",
        "../handout/hinge.ipynb": "is not there",
    }.items():
        sheet.evaluate(f"location.hash = 'of={of}'")
        sheet.get_by_text(says).wait_for()


# Is it true?


@pytest.fixture(scope="module")
def claim(window, address, workbench):
    """The page of the workbench, whose Python runs all chapters, too."""
    page = window.new_page()
    page.goto(f"{address}/book/workbench.html")
    page.get_by_label("A claim").wait_for()
    yield page
    page.close()


def typed_on(page):
    return page.get_by_label("A claim").input_value()


# The first, for to reload a page ends its Python.
def test_what_was_typed_stands_there_again_after_a_reload_until_it_is_forgotten(claim, window):
    other = window.new_page()
    other.goto(claim.url)
    other.get_by_label("A claim").fill("1 <= K  # in another tab")
    other.evaluate("location.hash = 'claim=' + encodeURIComponent('1 = 1')")
    other.get_by_label("A claim").fill("s[j] <= maximum(s)")
    claim.get_by_label("A claim").fill("1 <= K")
    for page, typed in ((other, "s[j] <= maximum(s)"), (claim, "1 <= K")):
        page.reload()
        assert typed_on(page) == typed
    claim.evaluate("localStorage.setItem('lossnotes-practice', '{}')")  # as "Forget it" does
    for page in (other, claim):
        page.reload()
        assert typed_on(page) == ""
    other.close()


def as_printed(cell):
    """What a cell of a notebook shows, in the kinds of the page."""
    kinds = {"text/html": "html", "text/latex": "latex", "text/plain": "text"}
    shown = []
    for output in cell.outputs:
        if output.output_type == "stream":
            shown.append(["text", output.text])
        else:
            kind = next(kind for kind in kinds if kind in output.data)
            shown.append([kinds[kind], output.data[kind]])
    return shown


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_cell_that_can_run_in_the_page_shows_what_the_notebook_has(chapter, claim, address):
    notebook = nbformat.read(ROOT / f"{chapter}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    sources = [cell.source for cell in cells]
    shown = claim.evaluate(RUN_CHAPTER, [f"{address}/_static/", sources])
    ran = [
        (cell.source, as_printed(cell), outputs)
        for cell, outputs in zip(cells, shown, strict=True)
        if outputs != "lacks"
    ]
    assert [source for source, printed, outputs in ran if printed != outputs] == []
    assert sum("Derivation" in source for source, *_ in ran) >= 3


def judge(page, text):
    page.get_by_label("A claim").fill(text)
    page.keyboard.press("Shift+Enter")  # takes the last verdict away at once
    verdict = page.get_by_role("region", name="Verdict")
    verdict.locator("> *").first.wait_for()
    return verdict


def test_a_claim_is_judged(claim):
    assert judge(claim, "softmax(s)[j] <= 1").locator(".verdict.proved").count() == 1
    assert "fails" in judge(claim, "softmax(s)[j] <= 1/2").inner_text()
    assert "did you mean" in judge(claim, "sotfmax(s)[j] <= 1").inner_text()


def test_what_was_understood_is_shown_while_one_types(claim):
    judge(claim, "softmax(s)[j] <= 1")
    claim.get_by_label("A claim").fill("LSE(s)")
    claim.locator(".preview .katex").wait_for()


def test_a_link_carries_what_was_typed(claim, window):
    judge(claim, "KL(q, p) >= 0  # Gibbs")
    claim.get_by_role("button", name="Link").click()
    claim.wait_for_function("location.hash")
    other = window.new_page()
    other.goto(claim.url)
    assert other.get_by_label("A claim").input_value() == "KL(q, p) >= 0  # Gibbs"
    other.close()


def test_a_link_is_followed_in_a_page_that_is_open(claim):
    claim.evaluate("location.hash = 'claim=' + encodeURIComponent('1 <= K # 100% <b>')")
    assert claim.get_by_label("A claim").input_value() == "1 <= K # 100% <b>"


def test_no_phone_writes_formulas_its_own_way(claim):
    box = claim.get_by_label("A claim")
    assert {name: box.get_attribute(name) for name in ("autocorrect", "autocapitalize")} == {
        "autocorrect": "off",
        "autocapitalize": "off",
    }


def test_what_is_typed_is_judged_where_a_browser_keeps_nothing(window, address, workbench):
    page = window.new_page()
    for storage in ("localStorage", "sessionStorage"):
        page.add_init_script(
            f"Object.defineProperty(window, '{storage}', {{ get() {{ throw Error() }} }})"
        )
    page.goto(f"{address}/book/workbench.html")
    page.get_by_label("A claim").press_sequentially("1 <= K")
    assert judge(page, "1 <= K").locator(".verdict.proved").count() == 1
    page.close()


def test_a_verdict_on_what_no_longer_stands_there_is_not_shown(claim):
    judge(claim, "1 <= K")
    claim.get_by_label("A claim").fill("KL(q, p) >= 0")
    claim.keyboard.press("Shift+Enter")
    claim.get_by_label("A claim").fill("KL(q, p) >= 1")
    claim.locator(".preview .katex").wait_for()  # is answered after the claim
    assert claim.get_by_role("region", name="Verdict").inner_text() == ""


def test_a_claim_that_is_nested_too_deeply_is_told_so_and_the_next_is_judged(claim):
    claim.get_by_label("A claim").fill("(" * 1000 + "1" + ")" * 1000 + " = 1")
    claim.keyboard.press("Shift+Enter")
    claim.get_by_role("region", name="Verdict").get_by_text("nested too deeply").wait_for()
    assert judge(claim, "1 = 1").locator(".verdict.proved").count() == 1


def test_every_example_is_understood(claim):
    for name in claim.get_by_label("Examples").locator("option").all_inner_texts()[1:]:
        claim.get_by_label("Examples").select_option(name)  # takes the last verdict away
        verdict = claim.get_by_role("region", name="Verdict").locator(".verdict, .refuted").first
        verdict.wait_for()


def portray(page, text):
    page.get_by_label("A claim").fill(text)
    page.get_by_role("button", name="Portrait").click()
    return page.get_by_role("region", name="Verdict")


def test_a_loss_gets_its_portrait_row_by_row(claim):
    drawn = portray(claim, "1 - softmax(s)[y]")
    drawn.locator("tbody tr").nth(3).wait_for()
    assert drawn.locator("table.portrait caption .katex").count() == 1
    assert "unchanged by a shift" in drawn.inner_text()
    assert drawn.locator(".verdict.proved").count() >= 1


def test_what_is_no_loss_is_told_and_has_no_rows(claim):
    drawn = portray(claim, "LSE(s)")
    drawn.get_by_text("a loss has a label").wait_for()
    assert drawn.locator("tr").count() == 0


def test_a_portrait_of_what_no_longer_stands_there_is_not_gone_on_with(claim):
    drawn = portray(claim, "1 - softmax(s)[y]")
    drawn.locator("tbody tr").first.wait_for()
    assert judge(claim, "1 <= K").locator(".verdict.proved").count() == 1
    claim.wait_for_timeout(2000)  # the row that was asked for has come
    assert drawn.locator("table.portrait").count() == 0


def test_a_portrait_that_is_stopped_keeps_its_rows_and_goes_on_with_the_next(claim):
    drawn = portray(claim, "(1 - softmax(s)[y])**2")  # which no test has asked for
    drawn.locator("tbody tr").nth(1).wait_for()
    claim.get_by_role("button", name="Stop").click()
    claim.get_by_role("button", name="Go on").click()
    assert claim.evaluate("document.activeElement.id") == "claim"
    rows = drawn.locator("tbody tr")
    came = rows.count()
    assert came >= 2
    rows.nth(came).wait_for(timeout=120_000)  # Python wakes again
    named = rows.locator("th").all_inner_texts()  # more come meanwhile
    assert came < len(named) == len(set(named))


def test_a_link_carries_a_loss(claim):
    portray(claim, "-log(softmax(s)[y])  # surprisal")
    claim.get_by_role("button", name="Link").click()
    claim.wait_for_function("location.hash.includes('softmax')")
    assert claim.get_by_label("A claim").input_value() == "-log(softmax(s)[y])  # surprisal"


# Pictures that move


@pytest.fixture(scope="session")
def moving(site):
    """The pages that have a moving picture."""
    pages = [page for page in PAGES if 'class="moving"' in (site / f"{page}.html").read_text()]
    assert pages
    return pages


@pytest.fixture(scope="module")
def moved(window, address, moving):
    """Open pages, one for each with a moving picture."""
    pages = []
    for name in moving:
        page = window.new_page()
        page.goto(f"{address}/{name}.html")
        page.locator(".moves").first.wait_for()
        pages.append(page)
    yield pages
    for page in pages:
        page.close()


def in_front(pages):
    """The pages one by one: one that is behind another may draw a single frame in a second."""
    for page in pages:
        page.bring_to_front()
        yield page


PICTURE = """
() => [...document.querySelectorAll("svg.moving")].map(({ dataset }) =>
  [dataset.picture, JSON.parse(dataset.given), Moving.pictures[dataset.picture].ranges])
"""
AT_POINTS = """
([given, points]) => points.map(point => Moving.made({ it: given }).it(...point))
"""


def difference_from_sympy(page, formula, ranges, seed):
    """The largest difference of a formula in a page from SymPy at 200 points, relative above 1."""
    rng = np.random.default_rng(seed)
    points = [[float(rng.uniform(*ranges[name])) for name in formula["of"]] for _ in range(200)]
    found = page.evaluate(AT_POINTS, [formula, points])
    symbols = {name: Symbol(name, real=True) for name in formula["of"]}
    exact = lambdify(list(symbols.values()), sympify(formula["expression"], symbols), "mpmath")
    with mp.workdps(40):
        wanted = [exact(*map(mp.mpf, point)) for point in points]
    pairs = zip(found, wanted, strict=True)
    return max(float(abs(value - want) / max(1, abs(want))) for value, want in pairs)


def test_each_formula_of_a_moving_picture_is_that_of_sympy(moved, record_property):
    largest, formulas_seen = 0, 0
    for page in moved:
        for name, given, ranges in page.evaluate(PICTURE):
            for key, formula in given.items():
                if isinstance(formula, dict) and "javascript" in formula:
                    formulas_seen += 1
                    difference = difference_from_sympy(page, formula, ranges, seed=formulas_seen)
                    assert difference < 1e-13, (name, key)
                    largest = max(largest, difference)
    told = f"moving pictures: {formulas_seen} formulas differ from SymPy by at most {largest:.1e}"
    record_property("measured", told)


def test_a_formula_that_is_not_that_of_sympy_is_noticed(moved):
    wrong = {"of": ["t"], "javascript": "t*Math.log(2.0000001)", "expression": "t*log(2)"}
    assert difference_from_sympy(moved[0], wrong, {"t": [0, 2]}, seed=0) > 1e-9


NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def test_a_moving_picture_begins_as_it_is_printed(moved, browser):
    still = browser.new_context(java_script_enabled=False)
    printed = still.new_page()
    for page in moved:
        printed.goto(page.url)
        assert printed.locator("svg.moving").first.is_visible()
        assert printed.locator(".moves").count() == 0
        for one, other in zip(
            printed.locator("svg.moving").all(), page.locator("svg.moving").all(), strict=True
        ):
            drawn, again = one.inner_html(), other.inner_html()
            assert NUMBER.sub("", drawn) == NUMBER.sub("", again)
            pairs = zip(NUMBER.findall(drawn), NUMBER.findall(again), strict=True)
            assert max(abs(float(a) - float(b)) for a, b in pairs) < 0.11
    still.close()


def test_a_slider_moves_its_picture_by_the_keyboard_and_says_so(moved):
    for page in in_front(moved):
        for slider in page.locator(".moves input").all():
            figure = slider.locator("xpath=ancestor::figure")
            drawn, said = (
                figure.locator("svg.moving").inner_html(),
                slider.get_attribute("aria-valuetext"),
            )
            sentence = figure.get_by_role("status").inner_text()
            slider.focus()
            least = slider.evaluate("slider => slider.value === slider.min")
            for _ in range(3):
                page.keyboard.press("ArrowRight" if least else "ArrowLeft")
            page.evaluate(DRAWN)
            assert slider.get_attribute("aria-valuetext") != said
            assert figure.locator("svg.moving").inner_html() != drawn
            assert figure.get_by_role("status").inner_text() != sentence


def test_a_page_loads_the_scripts_of_its_moving_pictures_and_no_others(site, moving):
    ours = {path.name for path in (ROOT / "lossnotes" / "pictures").glob("*.js")} | {"moving.js"}
    for name in PAGES:
        page = (site / f"{name}.html").read_text()
        loaded = set(re.findall(r"_static/(\w+\.js)", page)) & ours
        drawn = {f"{picture}.js" for picture in re.findall('data-picture="(.*?)"', page)}
        assert loaded == (drawn | {"moving.js"} if name in moving else set())


def test_every_moving_picture_stands_in_the_chapter_of_its_name(site, moving):
    for name in moving:
        assert f'data-picture="{Path(name).name}"' in (site / f"{name}.html").read_text()
    assert len(moving) == len(list((ROOT / "lossnotes" / "pictures").glob("*.js")))


FROM_PLACE_TO_PLACE = """
async svg => {
  const { left, top, width, height } = svg.getBoundingClientRect();
  const seen = new Set();
  for (const x of [0.25, 0.4, 0.55, 0.7]) for (const y of [0.2, 0.35, 0.5, 0.65, 0.8]) {
    const place = { clientX: left + x * width, clientY: top + y * height };
    svg.dispatchEvent(new PointerEvent("click", { bubbles: true, ...place }));
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    seen.add(svg.innerHTML);
  }
  const said = svg.parentElement.querySelector("[role=status]").innerText;
  return [seen.size, /NaN|undefined|Infinity/.test([...seen, said].join(""))];
}
"""


def test_a_grip_is_drawn_by_the_mouse(moved):
    drawn = 0
    for page in in_front(moved):
        if page.locator("svg.moving .grip").count():
            drawn += 1
            grip, status = page.locator(".grip").first, page.get_by_role("status").first
            grip.scroll_into_view_if_needed()
            box, said = grip.bounding_box(), status.inner_text()
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            page.mouse.move(x, y)
            page.mouse.down()
            page.mouse.move(x + 25, y - 12, steps=3)
            page.mouse.up()
            page.evaluate(DRAWN)
            assert status.inner_text() != said, page.url
    assert drawn


def test_a_picture_follows_where_it_is_pressed(moved):
    followed = 0
    for page in in_front(moved):
        svg = page.locator("svg.moving")
        if page.evaluate("() => Boolean(document.querySelector('svg.moving').onclick)"):
            followed += 1
            places, broken = svg.evaluate(FROM_PLACE_TO_PLACE)
            assert places > 3 and not broken, page.url
    assert followed


# In Firefox


@pytest.fixture(scope="module")
def firefox(playwright, workbench):
    """Debian's Firefox, by the protocol that all browsers are to have."""
    program = shutil.which("firefox-esr")
    if program is None:
        lacking("no Firefox found; on Debian: apt install firefox-esr", "BROWSER")
    browser = playwright.firefox.launch(channel="moz-firefox", executable_path=program)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def in_firefox(firefox, address):
    """The chapter on softmax in Firefox."""
    page = watched(firefox)
    page.goto(f"{address}/book/losses/softmax.html")
    yield page
    page.close()


def test_firefox_runs_cells_to_a_verdict(in_firefox):
    in_firefox.get_by_role("button", name="Try it").click()
    cell = run(in_firefox, 2)
    assert in_firefox.evaluate(SHOWN)[:4] == ["in part", "yes", "yes", ""]
    assert cell.locator(".verdict.proved").count() == 2


def test_firefox_checks_practice(in_firefox):
    in_firefox.get_by_role("button", name="Answer here").click()
    exercise = in_firefox.locator(".practice").first
    for line, says, words in [
        ("(delta(j, y) - softmax(s/t)[j])/t", "Not yet.", "It looks like the sign"),
        ("(softmax(s/t)[j] - delta(j, y))/t", "Right.", "All 2 lines follow"),
    ]:
        assert words in answered(exercise, SHIFT + line, says)


def test_firefox_asks_nothing_of_other_hosts_and_logs_no_error(in_firefox, address):
    assert (elsewhere(in_firefox, address), in_firefox.complaints) == ([], [])
    assert any("/_static/python/" in url for url in in_firefox.asked)


def test_firefox_moves_a_picture(firefox, address, moving):
    page = watched(firefox)
    page.goto(f"{address}/{moving[0]}.html")
    picture, said = page.locator("svg.moving").first, page.locator(".moves [role=status]").first
    drawn, told = picture.inner_html(), said.inner_text()
    page.locator(".moves input").first.focus()
    page.keyboard.press("ArrowRight")
    page.evaluate(DRAWN)
    assert picture.inner_html() != drawn and said.inner_text() != told
    assert (elsewhere(page, address), page.complaints) == ([], [])
    page.close()


def test_what_is_wrong_in_firefox_is_noticed(firefox, tmp_path):
    (tmp_path / "wrong.html").write_text(FRAME.format("".join(body for _, _, body in WRONG)))
    address, page = paper.serve(tmp_path), watched(firefox)
    page.goto(f"{address}/wrong.html")
    assert any("said so" in line for line in page.complaints)
    assert any("thrown" in line for line in page.complaints)
    assert set(elsewhere(page, address)) == {"https://example.org/curve.png"}
    page.close()


# On paper


@pytest.fixture(scope="module", params=["paper"])
def printed(site, browser, tmp_path_factory):
    """The PDF of the book, and what Chromium counted in it."""
    target = tmp_path_factory.mktemp("paper") / "book.pdf"
    return target, paper.print_book(browser, site, paper.PAGES, target)


def said_by(program, pdf, *options):
    """What a program of poppler says of a PDF."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not there: apt install poppler-utils")
    arguments = [pdf, "-"] if program == "pdftotext" else [pdf]
    command = [program, *options, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def articles(site):
    """The articles of the pages that are printed."""
    for page in paper.PAGES:
        html = (site / f"{page}.html").read_text()
        yield html.partition('<article class="bd-article">')[2].partition("</article>")[0]


def test_the_book_on_paper_has_every_figure_and_every_formula(printed, site):
    _, counts = printed
    assert counts["figures"] == sum(html.count("<figure") for html in articles(site))
    formulas_of_site = sum(html.count('<span class="katex">') for html in articles(site))
    assert counts["formulas"] == formulas_of_site > 2000


def test_the_book_on_paper_has_every_chapter_and_its_solutions(printed, site):
    text = " ".join(said_by("pdftotext", printed[0]).split())
    titles = [re.search("<h1>(.*?)<a", html, re.DOTALL)[1] for html in articles(site)]
    plain_titles = [" ".join(re.sub("<[^>]*>", "", title).split()) for title in titles]
    assert [title for title in [*plain_titles, "Solutions"] if title not in text] == []


def test_the_book_on_paper_has_its_fonts_in_it(printed):
    rows = said_by("pdffonts", printed[0]).splitlines()[2:]
    embedded = [re.search(r"(yes|no) +(yes|no) +(yes|no) +\d+ +\d+$", row)[1] for row in rows]
    assert set(embedded) == {"yes"}


def test_the_book_on_paper_has_an_outline_and_can_be_sent(printed):
    with pikepdf.open(printed[0]) as pdf, pdf.open_outline() as outline:
        assert sum(1 for _ in outline.root) >= len(paper.PAGES)
        assert [round(float(side)) for side in pdf.pages[0].MediaBox] == [0, 0, 595, 842]
    assert printed[0].stat().st_size < 12e6


def test_the_book_on_paper_is_in_the_size_of_type_it_is_set_in(printed):
    """Text of ten points under a running head of nine."""
    words = said_by("pdftotext", printed[0], "-bbox")
    edges = re.findall('yMin="(.*?)" .* yMax="(.*?)"', words)
    heights = [round(float(bottom) - float(top), 2) for top, bottom in edges]
    ((text, _),) = Counter(heights).most_common(1)
    assert text / heights[0] == pytest.approx(10 / 9, rel=0.01)


OFFERED = '<p class="on-paper"><a href="../lossnotes.{}">The book</a></p>'
HIDDEN = OFFERED.replace('">', '" hidden>', 1)
MADE = ["pdf", "epub"]


@pytest.fixture
def small_site(tmp_path):
    """A site of two pages with all that can be made of it, and how Sphinx ends a build of it."""
    front, page = tmp_path / "book" / "index.html", tmp_path / "kl.html"
    front.parent.mkdir()
    front.write_text("".join(map(HIDDEN.format, MADE)))
    page.touch()
    for kind in MADE:
        (tmp_path / f"lossnotes.{kind}").touch()
        paper.offer(tmp_path / f"lossnotes.{kind}")
    app = SimpleNamespace(outdir=tmp_path, config=SimpleNamespace(root_doc="book/index"))
    app.env = SimpleNamespace(found_docs={"kl", "book/index"})
    return front, page, functools.partial(extension.withdraw_what_is_old, app, None)


def test_the_first_page_offers_what_was_made_of_the_book(small_site):
    front, page, finish = small_site
    finish()
    assert front.read_text() == "".join(map(OFFERED.format, MADE))
    assert all((page.parent / f"lossnotes.{kind}").exists() for kind in MADE)


def test_what_was_made_of_the_book_goes_when_a_page_is_newer(small_site):
    front, page, finish = small_site
    later = page.stat().st_mtime + 1
    os.utime(page, (later, later))
    os.utime(page.parent / "lossnotes.epub", (later, later))
    finish()
    assert front.read_text() == HIDDEN.format("pdf") + OFFERED.format("epub")
    assert not (page.parent / "lossnotes.pdf").exists()
    finish()
    assert front.read_text() == HIDDEN.format("pdf") + OFFERED.format("epub")


def test_no_page_offers_what_was_not_made(site):
    front = (site / "book" / "index.html").read_text()
    for kind in MADE:
        assert HIDDEN.format(kind).partition(">The book")[0] in front


def test_a_link_that_leads_nowhere_is_not_printed(browser, tmp_path):
    body = "<article class='bd-article'><h1>A</h1><a href='#nowhere'>there</a></article>"
    (tmp_path / "a.html").write_text(f"<!doctype html><title>A</title>{body}")
    with pytest.raises(ValueError, match="there: #.*--nowhere"):
        paper.print_book(browser, tmp_path, ["a"], tmp_path / "a.pdf")


def test_what_is_wider_than_the_paper_is_not_printed(browser, tmp_path):
    hidden = "<p class='hide-tail' style='overflow: hidden'><i style='padding: 40rem'>root</i></p>"
    long = "<p style='width: 60rem'>long</p>"
    body = f"<article class='bd-article'><h1>A</h1>{hidden}{long}</article>"
    (tmp_path / "a.html").write_text(f"<!doctype html><title>A</title>{body}")
    with pytest.raises(ValueError, match='wider than the paper: <p style="width: 60rem">long'):
        paper.print_book(browser, tmp_path, ["a"], tmp_path / "a.pdf")


# As an e-book

EPUBCHECK = Path("/usr/share/java/epubcheck.jar")
# It ends before a better compiler and a second collector of garbage could pay.
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", EPUBCHECK]


@pytest.fixture(scope="module")
def packed(site, browser, tmp_path_factory):
    """The e-book, and its chapters."""
    target = tmp_path_factory.mktemp("ebook") / "book.epub"
    chapters = ebook.read(browser, site, paper.PAGES)
    ebook.pack(chapters, site, target)
    return target, chapters


def test_the_ebook_has_every_chapter_and_every_formula(packed, site):
    _, chapters = packed
    assert len(chapters) == len(paper.PAGES)
    formulas_of_site = sum(html.count('<span class="katex">') for html in articles(site))
    assert sum(chapter["text"].count("<math") for chapter in chapters) == formulas_of_site


def told_of(epub):
    """What epubcheck has to say, if it says that something is wrong."""
    if not (shutil.which("java") and EPUBCHECK.exists()):
        pytest.skip("epubcheck is not there: apt install epubcheck")
    run = subprocess.run([*JAVA, epub], capture_output=True, text=True)
    said = run.stdout + run.stderr
    return said if run.returncode or "WARNING" in said else ""


def test_epubcheck_has_nothing_to_say_of_the_ebook(packed):
    assert told_of(packed[0]) == ""


@pytest.mark.parametrize("leads", ["somewhere", "nowhere"])
def test_epubcheck_complains_of_a_link_that_leads_nowhere(leads, site, tmp_path):
    text = f'<h1 id="somewhere">A</h1><p><a href="#{leads}">there</a></p>'
    chapter = {"file": "a.xhtml", "title": "A", "text": text, "images": []}
    ebook.pack([chapter], site, tmp_path / "small.epub")
    told = told_of(tmp_path / "small.epub")
    assert ("Fragment identifier is not defined" in told) == (leads == "nowhere")
    assert bool(told) == (leads == "nowhere")
