"""The book as an e-book: the built pages as chapters of an EPUB, their formulas as MathML.

`python book/ebook.py` packs what `make book` has built. Chromium reads the pages.
"""

import zipfile
from html import escape
from pathlib import Path

from paper import PAGES, make, serve

HERE = Path(__file__)
CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="book/content.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>
"""
PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:lossnotes</dc:identifier>
<dc:title>lossnotes: the losses of classification</dc:title>
<dc:language>en</dc:language><dc:creator>the lossnotes authors</dc:creator>
<dc:rights>CC BY 4.0</dc:rights>
<meta property="dcterms:modified">2026-01-01T00:00:00Z</meta></metadata>
<manifest>{manifest}</manifest><spine>{spine}</spine></package>
"""
PAGE = """<?xml version="1.0" encoding="utf-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en">
<head><title>{title}</title><link rel="stylesheet" href="ebook.css"/></head>
<body>{text}</body></html>
"""
KINDS = {
    ".xhtml": "application/xhtml+xml",
    ".css": "text/css",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}


def read(browser, site, pages):
    """The chapters, in their order: file, title, text and the images that it shows."""
    address = serve(site)
    addresses = [f"{address}/{page}.html" for page in pages]
    script = HERE.with_suffix(".js").read_text()
    page = browser.new_page()
    page.goto(addresses[0])
    chapters = [page.evaluate(script, [one, addresses]) for one in addresses]
    page.close()
    return chapters


def item(number, name, properties):
    """A line of the list of all files."""
    kind = KINDS[Path(name).suffix]
    asked = f' properties="{properties}"' if properties else ""
    return f'<item id="item-{number}" href="{name}" media-type="{kind}"{asked}/>'


def pack(chapters, site, target):
    """Write the chapters as an EPUB."""
    images = {
        f"images/{Path(image).name}": site / image.lstrip("/")
        for chapter in chapters
        for image in chapter["images"]
    }
    names = [chapter["file"] for chapter in chapters]
    uses = [
        " ".join(
            kind
            for mark, kind in (("<math", "mathml"), ("<svg", "svg"))
            if mark in chapter["text"]
        )
        for chapter in chapters
    ]
    files = [
        *zip(names, uses, strict=True),
        ("nav.xhtml", "nav"),
        ("ebook.css", ""),
        *((name, "") for name in images),
    ]
    manifest = "".join(item(number, *file) for number, file in enumerate(files))
    spine = "".join(
        f'<itemref idref="item-{number}"/>' for number in range(len(names))
    )
    titles = [escape(chapter["title"]) for chapter in chapters]
    contents = "".join(
        f'<li><a href="{name}">{title}</a></li>'
        for name, title in zip(names, titles, strict=True)
    )
    nav = f'<nav epub:type="toc"><h1>Contents</h1><ol>{contents}</ol></nav>'
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as epub:
        epub.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        epub.writestr("META-INF/container.xml", CONTAINER)
        epub.writestr(
            "book/content.opf", PACKAGE.format(manifest=manifest, spine=spine)
        )
        epub.writestr("book/nav.xhtml", PAGE.format(title="Contents", text=nav))
        epub.write(HERE.with_suffix(".css"), "book/ebook.css")
        for name, title, chapter in zip(names, titles, chapters, strict=True):
            epub.writestr(
                f"book/{name}", PAGE.format(title=title, text=chapter["text"])
            )
        for name, image in images.items():
            epub.write(image, f"book/{name}")


def pack_all(browser, site, target):
    chapters = read(browser, site, PAGES)
    pack(chapters, site, target)
    formulas = sum(chapter["text"].count("<math") for chapter in chapters)
    return {"chapters": len(chapters), "formulas": formulas}


if __name__ == "__main__":
    make("lossnotes.epub", pack_all)
