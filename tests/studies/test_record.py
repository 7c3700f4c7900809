"""The record of a study, and the records that are kept here."""

import functools
import json
import logging
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from lossnotes.__main__ import app
from lossnotes.homework.grade import processes, run_all
from lossnotes.studies.record import Study, StudyError, compute, interval, student

ROOT = Path(__file__).parents[2]
STUDIES = sorted(path.parent for path in ROOT.glob("studies/*/plan.toml"))
each_study = pytest.mark.parametrize("folder", STUDIES, ids=lambda folder: folder.name)

PLAN = """
packages = ["numpy"]
[[grid]]
loss = ["one", "two"]
step = [0.1, 1]
seed = [0, 1, 2]
[[grid]]
loss = "three"
step = 1
seed = [0, 1]
"""
TRAIN = """
import time
import numpy as np
from lossnotes.losses import kl

def run(configuration):
    time.sleep(configuration.get("sleep", 0))
    draw = np.random.default_rng(configuration["seed"]).normal()
    return {"score": configuration["step"] + 0.01 * draw, "most": draw / 0 if draw > 9 else np.inf}
"""


def here(function, jobs, executor):
    """Like run_all, in this process."""
    for job in jobs:
        yield job, function(*job)


@pytest.fixture
def study(tmp_path):
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "train.py").write_text(TRAIN)
    return Study(tmp_path)


@pytest.fixture
def done(study):
    list(study.run(here, None))
    return study


def rewrite(study, change):
    """Put changed lines in the place of the record's."""
    lines = study.lines()
    change(lines)
    study.results.write_text("".join(json.dumps(line) + "\n" for line in lines))


# A plan


def test_a_plan_asks_for_all_combinations(study):
    assert len(study.configurations) == 14
    assert study.configurations[4] == {"loss": "one", "step": 1, "seed": 1}
    assert study.configurations[-1] == {"loss": "three", "step": 1, "seed": 1}


def test_what_two_grids_ask_for_is_one_run(study):
    (study.folder / "plan.toml").write_text(PLAN + '[[grid]]\nloss="three"\nstep=1\nseed=[1, 2]')
    assert len(Study(study.folder).configurations) == 15


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ("", "'grid'"),
        ("[[grid]]\nloss = ['one']", "a run without a seed"),
        ("[[grid", "Expected"),
    ],
)
def test_a_bad_plan_is_refused(study, plan, why):
    (study.folder / "plan.toml").write_text(plan)
    with pytest.raises(StudyError, match=why):
        Study(study.folder)


def test_a_folder_without_a_plan_is_refused(tmp_path):
    with pytest.raises(StudyError, match="no plan of a study"):
        Study(tmp_path)


# Running


def test_a_line_says_how_its_figures_came_about(done):
    line = done.lines()[0]
    assert line.keys() == {"configuration", "figures", "seconds", "code", "versions"}
    assert line["code"] == done.code()
    assert line["versions"]["numpy"] == np.__version__
    assert line["figures"]["most"] is None  # infinite


def test_a_finished_study_has_no_fault_and_runs_nothing(done):
    assert done.faults() == [] and list(done.run(here, None)) == []


@pytest.mark.parametrize("bytes_left", [-1, -30, -150])
def test_a_torn_line_is_noticed_and_done_again(done, bytes_left):
    whole = done.results.read_bytes()
    done.results.write_bytes(whole[:bytes_left])
    assert done.faults()[0] == "the last line is torn"
    assert len(list(done.run(here, None))) == 1
    assert done.faults() == []
    assert done.results.read_bytes()[:-200] == whole[:-200]


def test_a_broken_line_before_the_last_is_an_error(done):
    pieces = done.results.read_bytes().splitlines(keepends=True)
    done.results.write_bytes(b"".join([pieces[0], pieces[1][:-9] + b"\n", *pieces[2:]]))
    with pytest.raises(StudyError, match="line 2: not a run"):
        done.lines()


def test_killed_anywhere_nothing_is_lost(study):
    """A process that runs the study is killed again and again, and goes on each time."""
    plan = PLAN.replace("seed = [0, 1, 2]", "seed = [0, 1, 2]\nsleep = 0.05")
    (study.folder / "plan.toml").write_text(plan)
    study = Study(study.folder)
    command = (
        f"from lossnotes.studies.record import Study\nlist(Study({str(study.folder)!r}).run("
        "lambda f, jobs, _: ((job, f(*job)) for job in jobs), None))"
    )
    kept, kills = 0, 0
    while study.missing():
        process = subprocess.Popen([sys.executable, "-c", command])
        while process.poll() is None and len(study.lines()) < kept + 3:
            time.sleep(0.01)
        kills += process.poll() is None
        process.kill()
        process.wait()
        assert len(study.lines()) >= kept
        kept = len(study.lines())
    assert kills >= 2 and study.faults() == []


def test_processes_compute_the_same_lines(study, done):
    before = {json.dumps(line["configuration"]): line["figures"] for line in done.lines()}
    done.results.unlink()
    list(study.run(run_all, functools.partial(processes, 2)))
    after = {json.dumps(line["configuration"]): line["figures"] for line in study.lines()}
    assert after == before


def test_a_run_that_kills_its_process_is_an_error(study):
    (study.folder / "train.py").write_text("import os\ndef run(configuration):\n    os._exit(1)")
    with pytest.raises(StudyError, match="the process died of .*'seed': "):
        list(study.run(run_all, functools.partial(processes, 1)))


def test_a_missing_package_is_named(study):
    (study.folder / "train.py").write_text("import not_there")
    with pytest.raises(StudyError, match=r'not_there is missing: pip install "lossnotes\[studies'):
        list(study.run(here, None))


def test_results_by_other_code_are_kept_and_not_mixed(done):
    before = done.results.read_bytes()
    with open(done.folder / "train.py", "a") as file:
        file.write("# another\n")
    with pytest.raises(StudyError, match="is by other code"):
        list(done.run(here, None))
    assert done.results.read_bytes() == before


def test_the_command_runs_what_is_missing_and_goes_on(study):
    for now in (14, 0):
        result = CliRunner().invoke(app, ["study", str(study.folder), "--workers", "1"])
        assert result.stdout == f"{study.results}: 14 runs, {now} of them now\n"
    assert study.faults() == []


def test_a_cluster_runs_a_study(study):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, processes=False, dashboard_address=None, silence_logs=logging.CRITICAL
    ) as cluster:
        with distributed.Client(cluster) as client:
            list(study.run(run_all, client.get_executor))
    assert study.faults() == []


def test_a_mistake_is_one_line_and_a_failure(tmp_path):
    result = CliRunner().invoke(app, ["study", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"lossnotes: no plan of a study in {tmp_path}: ")
    assert result.stderr.count("\n") == 1


# Faults


def test_the_code_is_what_train_imports_of_lossnotes_too(study):
    with_kl = study.code()
    (study.folder / "train.py").write_text(TRAIN.replace("from lossnotes.losses import kl", ""))
    alone = study.code()
    (study.folder / "train.py").write_text(TRAIN.replace("import kl", "import kde"))
    assert len({with_kl, alone, study.code()}) == 3


def test_changed_code_is_noticed(done):
    with open(done.folder / "train.py", "a") as file:
        file.write("# another\n")
    assert done.faults()[0].startswith("14 runs are by other code, such as {")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda lines: lines.pop(3), "1 runs of the plan are missing"),
        (lambda lines: lines.append(lines[0]), "1 runs have more than one line"),
        (lambda lines: lines[0]["configuration"].update(step=7), "1 runs are not in the plan"),
        (lambda lines: lines[5].update(code="0"), "1 runs are by other code"),
    ],
)
def test_a_wrong_record_is_noticed(done, change, fault):
    rewrite(done, change)
    assert any(said.startswith(fault) for said in done.faults())


def test_a_run_that_comes_out_otherwise_is_noticed(done):
    again = compute(done.folder, done.configurations[0])
    assert done.unlike(again) == []
    again["figures"]["score"] += 1
    assert [said[:9] for said in done.unlike(again)] == ["score was"]
    again = compute(done.folder, done.configurations[0])
    again["figures"]["most"] = 1.0
    assert [said[:8] for said in done.unlike(again)] == ["most was"]


# Reading


def test_an_array_has_an_axis_for_each_key(done):
    scores = done.array("score", "step", "seed", loss="two")
    assert scores.shape == (2, 3)
    noise = [0.01 * np.random.default_rng(seed).normal() for seed in range(3)]
    assert scores == pytest.approx(np.add.outer([0.1, 1], noise), rel=1e-5)  # six digits are kept
    assert done.values("step", loss="two") == [0.1, 1]


def test_a_choice_at_an_edge_is_noticed(done):
    assert done.choose("score", "step", loss="one") == (1, True)
    rewrite(done, lambda lines: lines[3]["figures"].update(score=-9))
    assert Study(done.folder).choose("score", "step", loss="one") == (0.1, True)
    plan = PLAN.replace("step = [0.1, 1]", "step = [0.1, 1, 2]")
    (done.folder / "plan.toml").write_text(plan)
    done = Study(done.folder)
    list(done.run(here, None))
    rewrite(done, lambda lines: [each["figures"].update(score=9) for each in lines[3:6]])
    assert Study(done.folder).choose("score", "step", loss="one") == (1, False)


def test_a_figure_that_was_not_finite_is_nan(done):
    assert np.isnan(done.array("most", "seed", loss="three")).all()


@pytest.mark.parametrize("fixed", [{"loss": "two"}, {"loss": "four"}])
def test_an_array_with_a_place_of_several_runs_or_none_is_refused(done, fixed):
    with pytest.raises(StudyError, match="not one run for each seed"):
        done.array("score", "seed", **fixed)


def test_an_unknown_figure_is_named(done):
    with pytest.raises(StudyError, match="no 'points' among score, most"):
        done.array("points", "seed", loss="three")


def test_the_interval_is_that_of_student():
    values = np.random.default_rng(0).normal(size=10)
    low, high = stats.t.interval(0.95, 9, values.mean(), stats.sem(values))
    assert interval(values) == pytest.approx(((low + high) / 2, (high - low) / 2), rel=1e-12)


@pytest.mark.parametrize("freedom", [1, 2, 4, 9, 29, 1000])
def test_the_quantile_of_student(freedom):
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-12)


# The studies of the book


@each_study
def test_a_study_is_as_its_plan_says(folder):
    assert Study(folder).faults() == []


@each_study
def test_a_study_says_what_it_asks_and_how_it_decides(folder):
    assert Study(folder).plan.keys() >= {"question", "hypotheses", "choice", "comparison", "repeat"}


@each_study
def test_a_plan_is_older_than_its_results(folder):
    def commits(name, *options):
        command = ["git", "-c", "safe.directory=*", "log", "--format=%H", *options, "--", name]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True).stdout.split()

    if not (first := commits("results.jsonl", "--reverse")[:1]):
        pytest.skip("no history of the results here")
    plan = commits("plan.toml")
    if plan[0] == first[0]:
        pytest.skip("the history begins with the results")
    command = ["git", "-c", "safe.directory=*", "merge-base", "--is-ancestor", plan[0], first[0]]
    assert subprocess.run(command, cwd=folder).returncode == 0


@each_study
def test_a_run_comes_out_again(folder, record_property):
    """On another machine, or with other versions, it may differ by as much as seeds do."""
    if not all(find_spec(name) for name in ("jax", "optax", "gymnax", "mlxtend")):
        if os.environ.get("LOSSNOTES_REQUIRE_STUDIES") == "1":
            pytest.fail("the extra [studies] is not installed")
        pytest.skip("the extra [studies] is not installed: no run of a study is repeated")
    study = Study(folder)
    again = compute(folder, study.plan["repeat"])
    assert study.unlike(again) == []
    then = next(line for line in study.lines() if line["configuration"] == again["configuration"])
    same = sum(then["figures"][name] == figure for name, figure in again["figures"].items())
    record_property(
        "measured",
        f"study {folder.name}: a run of {again['seconds']:.1f} s repeated, "
        f"{same} of {len(again['figures'])} figures to the last digit",
    )
