"""The book on paper: the built pages, joined and printed by Chromium into one PDF.

`python book/paper.py` prints what `make book` has built.
"""

import functools
import http.server
import io
import shutil
import sys
import threading
from pathlib import Path

import pikepdf
from playwright.sync_api import sync_playwright
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).parents[1]
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
A4 = {"width": 794, "height": 1123}  # pixels, so that nothing moves when it is printed


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def serve(folder):
    """Serve a folder on localhost; its address."""
    handler = functools.partial(Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def print_book(site, target):
    """Print the pages of a site into a PDF; how many figures and formulas are in it.

    ValueError if a link in it leads nowhere.
    """
    here = Path(__file__)
    pages = [f"/{page}.html" for page in parse_toc_yaml(ROOT / "_toc.yml")]
    with sync_playwright() as playwright:
        program = next(filter(None, map(shutil.which, BROWSERS)), None)
        if program is None:
            sys.exit("Chromium prints the book: apt install chromium")
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=A4, java_script_enabled=True)
        page.goto(f"{serve(site)}{pages[0]}")
        page.add_style_tag(path=here.with_suffix(".css"))
        counts = page.evaluate(here.with_suffix(".js").read_text(), pages)
        if counts["dead"]:
            raise ValueError(f"links that lead nowhere: {counts['dead'][:5]}")
        printed = page.pdf(
            prefer_css_page_size=True, outline=True, tagged=True, print_background=True
        )
        browser.close()
    with pikepdf.open(io.BytesIO(printed)) as pdf:
        pdf.remove_unreferenced_resources()
        pdf.save(
            target,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            recompress_flate=True,
        )
    return counts


if __name__ == "__main__":
    target = ROOT / "_build" / "lossnotes.pdf"
    counts = print_book(ROOT / "_build" / "html", target)
    size = target.stat().st_size / 1e6
    print(
        f"{target.relative_to(ROOT)}: {counts['figures']} figures, {counts['formulas']} formulas, "
        f"{size:.1f} MB"
    )
