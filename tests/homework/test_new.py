import nbformat
import pytest

from lossnotes.homework.build import build
from lossnotes.homework.new import new
from lossnotes.homework.questions import load


def test_a_new_assignment_builds_as_it_is_with_a_question_of_each_kind(tmp_path):
    folder = new(tmp_path / "hinge")
    (handed_out,) = build(folder, tmp_path / "out", trusted=True)
    kinds = {question.kind for question in load(folder / "questions.toml").questions}
    assert len(kinds) == 4 and (handed_out / "hinge.ipynb").is_file()
    nbformat.validate(nbformat.read(folder / "hinge.ipynb", as_version=4))


def test_what_is_there_is_kept(tmp_path):
    (tmp_path / "hinge").mkdir()
    with pytest.raises(FileExistsError):
        new(tmp_path / "hinge")
