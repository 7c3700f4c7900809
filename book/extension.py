"""The little that the book needs from Sphinx beyond its settings in ``_config.yml``."""

import gc
import hashlib
import re
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes
from pybtex.plugin import find_plugin, register_plugin
from pygments.lexers import get_lexer_by_name
from sphinx.addnodes import toctree
from sphinx.search.en import SearchEnglish


def link_to_repository(app, config):
    """Turn on the buttons that lead out of the book, once the repository has an address."""
    if config.html_theme_options.get("repository_url"):
        config.html_theme_options |= {
            "use_repository_button": True,
            "use_edit_page_button": True,
            "use_issues_button": True,
            "launch_buttons": {
                "notebook_interface": "jupyterlab",
                "binderhub_url": "https://mybinder.org",
                "colab_url": "https://colab.research.google.com",
            },
        }


def list_index_of_terms(app, doctree):
    """Put the index of terms last in the table of contents, which knows source files only."""
    if app.env.docname == app.config.root_doc:
        *_, last = doctree.findall(toctree)
        last["entries"].append(("Index of terms", "genindex"))


def plain(value):
    """Text that is the same in every run for the same titles, numbers and targets."""
    if isinstance(value, nodes.Node):
        return value.pformat()
    if isinstance(value, dict):
        return str(sorted((plain(key), plain(value[key])) for key in value))
    if isinstance(
        value, set | frozenset | list
    ):  # lists are in the order of reading
        return str(sorted(map(plain, value)))
    if isinstance(value, tuple):
        return str([plain(item) for item in value])
    return re.sub(r" at 0x\w+", "", repr(value))  # without the address in memory


def write_all_pages_that_may_have_changed(app, env):
    """All pages, if what pages show of each other is no longer what it was."""
    shown = (
        env.titles,
        env.tocs,
        env.toc_secnumbers,
        env.toc_fignumbers,
        env.domaindata,
    )
    digest = hashlib.sha256(plain(shown).encode()).hexdigest()
    before, env.shown_of_each_other = (
        getattr(env, "shown_of_each_other", None),
        digest,
    )
    return [] if digest == before else env.found_docs


# The faces of the first screen.
FACES = [
    "fonts/source-serif-4-latin-400-normal",
    "fonts/source-serif-4-latin-400-italic",
    "fonts/source-serif-4-latin-600-normal",
    "fonts/source-code-pro-latin-400-normal",
    "katex/fonts/KaTeX_Main-Regular",
    "katex/fonts/KaTeX_Math-Italic",
]


FETCH = """<script>
  if (location.protocol !== "file:") for (const href of {}) document.head.append(
    Object.assign(document.createElement("link"),
      {{rel: "preload", as: "font", type: "font/woff2", crossOrigin: "", href}}));
</script>"""


def fetch_faces_at_once(app, page, template, context, doctree):
    """Ask for the fonts before the style sheets do, so that no text moves later."""
    addresses = [
        context["pathto"](f"_static/{face}.woff2", resource=True)
        for face in FACES
    ]
    context["metatags"] = context.get("metatags", "") + FETCH.format(addresses)


MOVING = 'class="moving"'


def set_moving_pictures_into_the_page(app, doctree):
    """A picture that moves must be part of the page, where its script can draw it again."""
    for image in list(doctree.findall(nodes.image)):
        if not image["uri"].endswith(".svg"):
            continue
        svg = (Path(app.srcdir) / image["uri"]).read_text()
        if MOVING in svg:
            words = escape(image["alt"])
            svg = svg.replace(MOVING, f'{MOVING} role="img" aria-label="{words}"')
            image.replace_self(nodes.raw("", svg, format="html"))


def load_their_scripts(app, page, template, context, doctree):
    pictures = re.findall('data-picture="(.*?)"', context.get("body", ""))
    for script in ["moving", *pictures] if pictures else []:
        app.add_js_file(f"{script}.js", defer="defer")


def mend_bibliography(app, page, template, context, doctree):
    """Take the role "list" from a list of works whose entries have a role of their own."""
    if body := context.get("body"):
        context["body"] = body.replace(
            '<div role="list" class="citation-list">', "<div>"
        )


def withdraw_what_is_old(app, error):
    """Take PDF and EPUB from the site, and the links to them, when a page is newer."""
    site = Path(app.outdir)
    front = site / f"{app.config.root_doc}.html"
    pages = [site / f"{name}.html" for name in app.env.found_docs]
    newest = max(page.stat().st_mtime for page in pages if page.exists())
    for made in site / "lossnotes.pdf", site / "lossnotes.epub":
        if made.exists() and made.stat().st_mtime < newest:
            made.unlink()
            there = f'"on-paper"><a href="../{made.name}"'
            gone = there.replace(">", " hidden>")
            front.write_text(front.read_text().replace(there, gone))


class English(SearchEnglish):
    """The language of the search: a word is stemmed once, and not once a page."""

    def __init__(self, options):
        super().__init__(options)
        self.stem = cache(self.stem)


def spare_what_takes_long(app):
    """A fifth of a build: the search for a plugin at every citation and for a lexer at every cell,
    and for cycles in all trees.
    """
    plaintext = "pybtex.backends", "plaintext"
    register_plugin(*plaintext, find_plugin(*plaintext), force=True)
    app.add_lexer("ipython3", type(get_lexer_by_name("ipython3")))
    app.add_search_language(English)
    gc.set_threshold(200_000, 20, 100)


def setup(app):
    spare_what_takes_long(app)
    app.connect("config-inited", link_to_repository)
    app.connect("doctree-read", list_index_of_terms, priority=900)
    app.connect("doctree-read", set_moving_pictures_into_the_page, priority=900)
    app.connect("html-page-context", load_their_scripts)
    app.connect(
        "env-get-updated", write_all_pages_that_may_have_changed, priority=900
    )
    app.connect("html-page-context", fetch_faces_at_once)
    app.connect("html-page-context", mend_bibliography)
    app.connect("build-finished", withdraw_what_is_old)
    return {"parallel_read_safe": True}
