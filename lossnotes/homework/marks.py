"""What a notebook says of its build: for which chapter, by which secret, and for whom.

No name is in it: the tags are keyed by the secret, so that only who has it can make or check them.
"""

import hmac
import json
from dataclasses import asdict, dataclass
from unicodedata import normalize


@dataclass(frozen=True)
class Mark:
    """The chapter in clear, a tag of the secret, and one of the student (of nobody: for all)."""

    chapter: str
    course: str
    student: str


def mark(secret, chapter, student):
    """The Mark of a notebook for a student; for everybody the name is empty."""
    return Mark(chapter, _tag(secret, "course"), _tag(secret, "student", chapter, student))


def as_metadata(secret, chapter, student):
    """The Mark as it stands in the metadata of a notebook."""
    return asdict(mark(secret, chapter, student))


def read(metadata):
    """The Mark in the metadata of a notebook, whatever is there; None if it is none."""
    try:
        found = Mark(**metadata)
    except TypeError:
        return None
    return found if all(isinstance(part, str) for part in asdict(found).values()) else None


def for_everybody(found, secret, chapter):
    """Whether a notebook was made for all, with numbers that all of them share."""
    return found == mark(secret, chapter, "")


def remark(found, secret, chapter, student):
    """What is strange about the Mark of a student's notebook; empty if nothing is."""
    if found is None or found in (mark(secret, chapter, student), mark(secret, chapter, "")):
        return ""
    if found.chapter != chapter:
        return "the notebook was handed out for another assignment"
    if found.course != mark(secret, chapter, "").course:
        return "the notebook was handed out with another secret"
    return "the notebook was handed out to another student"


def _tag(secret, *words):
    message = json.dumps([normalize("NFC", word) for word in words]).encode()
    return hmac.digest(secret, message, "sha256")[:12].hex()
