"""The little that the book needs from Sphinx beyond its settings in ``_config.yml``."""

from sphinx.addnodes import toctree


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


def mend_bibliography(app, page, template, context, doctree):
    """Take the role "list" from a list of works whose entries have a role of their own."""
    if body := context.get("body"):
        context["body"] = body.replace(
            '<div role="list" class="citation-list">', "<div>"
        )


def setup(app):
    app.connect("config-inited", link_to_repository)
    app.connect("doctree-read", list_index_of_terms, priority=900)
    app.connect("html-page-context", mend_bibliography)
    # Formulas may stand in the output of a cell only, where Sphinx does not see them.
    app.set_html_assets_policy("always")
    return {"parallel_read_safe": True}
