"""What the tests of homework share."""

import os

import pytest

from lossnotes.homework.sandbox import NoSandbox, Sandbox


@pytest.fixture(scope="session")
def sandbox():
    """A locked sandbox. A machine that has to offer one says so in its environment."""
    try:
        box = Sandbox()
    except NoSandbox as reason:
        if os.environ.get("LOSSNOTES_REQUIRE_SANDBOX") == "1":
            pytest.fail(str(reason))
        pytest.skip(str(reason))
    with box:
        yield box
