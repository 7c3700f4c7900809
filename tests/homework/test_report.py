import re
from html.parser import HTMLParser

import pytest

from lossnotes.homework.check import Finding
from lossnotes.homework.grade import Result
from lossnotes.homework.questions import load
from lossnotes.homework.report import LOOKS, Report


@pytest.fixture
def report(small):
    return Report(load(small / "questions.toml"))


def graded(name, *points, mistake=None, **more):
    """A result with these points for q1, q2, q3; q4 is still to be read."""
    questions = zip(("q1", "q2", "q3", "q4"), (*points, 0), (2, 3, 1, 2), strict=True)
    findings = {}
    for question, got, of in questions:
        status = "to read" if question == "q4" else "right" if got == of else "wrong"
        wrong = mistake if status == "wrong" else None
        findings[question] = Finding(
            question=question, points=got, of=of, status=status, says="", mistake=wrong
        )
    return Result(
        student=name, status="graded", findings=findings, points=sum(points), of=8, **more
    )


class Page(HTMLParser):
    """The words of a page; every tag that is opened is closed, and nothing is fetched."""

    def __init__(self, html):
        super().__init__()
        self.open, self.words, self.tags = [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        assert not {"src", "href", "onload"} & dict(attributes).keys()
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data.strip())


def test_the_page_needs_nothing_but_itself(report):
    report.add(graded("ada", 2, 3, 1, mistake="sign"))
    html = report.html()
    assert {tag for tag, _ in Page(html).tags}.isdisjoint({"script", "link", "img", "iframe"})
    assert not re.search(r"https?:|url\(|@import", html)


def test_the_picture_says_its_numbers_in_words(report):
    for name, points in {"ada": (2, 3, 1), "emmy": (2, 2, 0), "alan": (0, 0, 0)}.items():
        report.add(graded(name, *points))
    ((_, figure),) = [each for each in Page(report.html()).tags if each[0] == "figure"]
    assert figure["role"] == "img"
    assert figure["aria-label"] == (
        "Half of 3 have at least 4 of 8 points. q1: 2 points: 67%, 0 points: 33%. "
        "q2: 3 points: 33%, 2 points: 33%, 0 points: 33%. q3: 1 points: 33%, 0 points: 67%. "
        "q4: to read: 100%."
    )


def test_bars_are_as_long_as_there_are_students_with_those_points(report):
    for points in ((2, 3, 1), (2, 0, 0), (0, 2, 0)):
        report.add(graded("ada", *points))
    spans = [dict(a) for tag, a in Page(report.html()).tags if tag == "span" and "style" in a]
    lengths = [(span["title"], span["style"].split(" ")[0]) for span in spans]
    assert lengths[:2] == [("2 points: 2", "flex:2"), ("0 points: 1", "flex:1")]
    assert lengths[-1] == ("to read: 3", "flex:3")


def test_mistakes_come_with_the_most_common_first(report):
    for n, mistake in enumerate(["sign", "factor 2", "factor 2"]):
        report.add(graded(f"student {n}", 0, 3, 1, mistake=mistake))
    words = Page(report.html()).words
    assert words.index("factor 2") < words.index("sign")
    assert words[words.index("factor 2") + 1] == "2 (67%)"


def test_a_look_is_needed_at_what_was_not_graded_or_has_a_reason(report):
    report.add(graded("fine", 2, 3, 1))
    report.add(graded("odd", 2, 3, 1, reason="its parameters are others"))
    report.add(Result(student="late", status="timeout", reason="it took too long", of=8))
    words = Page(report.html()).words
    assert "fine" not in words
    assert words[words.index("odd") :][:3] == ["odd", "graded", "its parameters are others"]
    assert words[words.index("late") :][:3] == ["late", "timeout", "it took too long"]


def test_who_is_missing_is_not_counted_as_a_submission(report):
    report.add(graded("ada", 2, 3, 1))
    report.add(Result(student="emmy", status="missing", reason="nothing was handed in", of=8))
    assert "1 submission: 1 graded. 1 name without one." in Page(report.html()).words


def test_names_mistakes_and_reasons_are_text_and_nothing_else(report):
    evil = '"><script>alert(1)</script>'
    report.add(graded(evil, 0, 0, 0, mistake=evil, reason=evil))
    words = Page(report.html()).words
    assert words.count(evil) == 2 + 3


def test_a_class_without_a_graded_submission_has_a_page_too(report):
    report.add(Result(student="ada", status="unreadable", reason="no JSON", of=8))
    words = Page(report.html()).words
    assert "Points" not in words and "no JSON" in words


def test_a_page_stays_a_page_however_many_need_a_look(report):
    for n in range(LOOKS + 3):
        report.add(Result(student=f"student {n}", status="crashed", of=8))
    assert "And 3 more, which are in scores.csv." in Page(report.html()).words
