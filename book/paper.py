"""The book on paper: the built pages, joined and printed by Chromium into one PDF.

`python book/paper.py` prints what `make book` has built.
"""

import functools
import http.server
import io
import os
import shutil
import sys
import threading
from pathlib import Path

import pikepdf
from playwright.sync_api import sync_playwright
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).parents[1]
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
PAGES = parse_toc_yaml(ROOT / "_toc.yml")
# Text of 18 pixels becomes text of 10 points, and all else keeps its proportions of the screen.
SCALE = 0.74
# The room between the margins of paper.css, in pixels that are scaled then: as it is laid out here,
# it is printed.
SHEET = {
    "width": round(166 / 25.4 * 96 / SCALE),
    "height": round(251 / 25.4 * 96 / SCALE),
}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def serve(folder):
    """Serve a folder on localhost; its address."""
    handler = functools.partial(Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def print_book(browser, site, pages, target):
    """Print pages of a site, such as "book/losses/kl", in their order into a PDF.

    How many figures and formulas are in it. ValueError if a link in it leads nowhere, or if
    something is wider than the paper: Chromium would print the whole book smaller.
    """
    here, address = Path(__file__), serve(site)
    addresses = [f"{address}/{page}.html" for page in pages]
    page = browser.new_page(viewport=SHEET)
    # Else it is laid out for the screen before and after.
    page.emulate_media(media="print")
    page.goto(addresses[0])
    page.add_style_tag(path=here.with_suffix(".css"))
    counts = page.evaluate(here.with_suffix(".js").read_text(), addresses)
    if dead := counts.pop("dead"):
        raise ValueError(f"links that lead nowhere: {'; '.join(dead[:5])}")
    if wide := counts.pop("wide"):
        raise ValueError(f"wider than the paper: {'; '.join(wide[:5])}")
    printed = page.pdf(
        prefer_css_page_size=True,
        outline=True,
        tagged=True,
        scale=SCALE,
        print_background=True,
    )
    page.close()
    with pikepdf.open(io.BytesIO(printed)) as pdf:
        pdf.docinfo["/Title"] = "lossnotes: the losses of classification"
        pikepdf.settings.set_flate_compression_level(9)
        streams = pikepdf.ObjectStreamMode.generate
        pdf.save(target, object_stream_mode=streams, recompress_flate=True)
    return counts


def offer(target):
    """Show the link to what was made of the site, on its first page, whose age stays what it was.

    Both go when a page is newer: `withdraw_what_is_old` in extension.py.
    """
    front = target.parent / "book" / "index.html"
    age = front.stat().st_mtime_ns
    there = f'"on-paper"><a href="../{target.name}"'
    front.write_text(
        front.read_text().replace(there.replace(">", " hidden>"), there)
    )
    os.utime(front, ns=(age, age))


def make(name, write):
    """Make a file of the built pages, offer it on the first of them, and say what is in it.

    write(browser, site, target) writes it, and counts what is in it.
    """
    if CHROMIUM is None:
        sys.exit(
            "Chromium reads the pages, and is not there: apt install chromium"
        )
    site = ROOT / "_build" / "html"
    target = site / name
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        counts = write(browser, site, target)
        browser.close()
    offer(target)
    told = ", ".join(f"{number} {kind}" for kind, number in counts.items())
    print(
        f"{target.relative_to(ROOT)}: {told}, {target.stat().st_size / 1e6:.1f} MB"
    )


def print_all(browser, site, target):
    return print_book(browser, site, PAGES, target)


if __name__ == "__main__":
    make("lossnotes.pdf", print_all)
