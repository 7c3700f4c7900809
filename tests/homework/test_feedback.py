from html.parser import HTMLParser

import pytest

from lossnotes.homework.feedback import page
from lossnotes.homework.grade import Result
from lossnotes.homework.markdown import markdown
from lossnotes.homework.questions import load


class Page(HTMLParser):
    """Every tag that is opened is closed, and nothing is fetched."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        assert not {"src", "href", "onload"} & dict(attributes).keys()
        self.open += [tag] if tag not in ("meta", "br") else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


MARKDOWN = {
    "one\ntwo": "<p>one<br>two</p>",
    "one\n\ntwo": "<p>one</p>\n<p>two</p>",
    "**Line 1** and *this*": "<p><b>Line 1</b> and <em>this</em></p>",
    "2*a and 3*b": "<p>2*a and 3*b</p>",
    "`a*b*c` <b>": "<p><code>a*b*c</code> &lt;b&gt;</p>",
    "- one\n- `two`": "<ul><li>one</li><li><code>two</code></li></ul>",
    "| | value |\n|---|---|\n| `a|b` | 1 |": (
        "<table><tr><th></th><th>value</th></tr>"
        "<tr><td><code>a|b</code></td><td>1</td></tr></table>"
    ),
    "`open": "<p>`open</p>",
}


@pytest.mark.parametrize("text", MARKDOWN)
def test_the_markdown_of_findings_is_shown_and_nothing_else(text):
    assert markdown(text) == MARKDOWN[text]


def test_a_page_needs_nothing_but_itself_whoever_it_is_for(small):
    evil = '"><script>alert(1)</script>'
    result = Result(student=evil, status="crashed", reason=evil, of=8, errors=[evil])
    shown = Page(page(load(small / "questions.toml"), result))
    assert {"script", "img", "link"}.isdisjoint(shown.tags)
    assert "".join(shown.words).count("alert(1)") == 3
