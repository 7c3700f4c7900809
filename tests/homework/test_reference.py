import re
import tomllib
from pathlib import Path

import numpy as np

from lossnotes.homework.probes import SAMPLERS, draw
from lossnotes.homework.reference import DRAWN, TABLES, page

ROOT = Path(__file__).parents[2]


def test_the_page_is_the_one_that_the_models_write():
    written = (ROOT / "homework" / "reference.md").read_text("utf-8")
    assert written == page(), "lossnotes homework reference > homework/reference.md"


def test_every_key_of_every_model_is_on_the_page():
    keys = re.findall(r"^\| `(\w+)`", page(), re.MULTILINE)
    names = {f.alias or n for model in TABLES.values() for n, f in model.model_fields.items()}
    assert {*keys} == names - {"chapter"}


def test_every_example_is_toml():
    examples = re.findall(r"`([^`]+)` \|$", page(), re.MULTILINE)
    assert len(examples) > 40
    for example in examples:
        tomllib.loads(example)


def test_whatever_a_probe_draws_is_on_the_page():
    told = " ".join(DRAWN)
    assert {name for name in SAMPLERS if f"{name}(" not in told} == set()
    for spec in DRAWN:
        if "x" not in spec:
            assert draw(spec, {"a": 1, "b": 2}, np.random.default_rng(0)).size
