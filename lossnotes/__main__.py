"""The command `lossnotes`: see `lossnotes --help`."""

import contextlib
import os
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

try:
    import typer
    from rich.console import Console
    from rich.progress import Progress

    from lossnotes.homework.build import BuildError, build, read_secret, solutions
    from lossnotes.homework.grade import begin_loading, former_findings, grade, processes, run_all
    from lossnotes.homework.gradescope import autograder
    from lossnotes.homework.new import new
    from lossnotes.homework.questions import QuestionError, load
    from lossnotes.homework.reference import page
    from lossnotes.homework.sandbox import NoSandbox
    from lossnotes.homework.scores import cell, write
    from lossnotes.homework.similar import similar, table
    from lossnotes.homework.submissions import NAMES, GradeError, find, opened, read_students
    from lossnotes.studies.record import Study, StudyError
except ModuleNotFoundError as missing:
    if (name := missing.name.partition(".")[0]) == "lossnotes":
        raise
    sys.exit(f'lossnotes: {name} is missing: pip install "lossnotes[homework]"')
except KeyboardInterrupt:
    sys.exit("lossnotes: stopped before anything was done.")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
homework = typer.Typer(no_args_is_help=True)
app.add_typer(homework, name="homework", help="Hand out homework and grade it.")


@app.callback()
def lossnotes():
    """The losses of classification: every formula derived, checked and run."""


@app.command("portrait", context_settings={"ignore_unknown_options": True})  # "-log(…)"
def portrait_command(
    loss: Annotated[str, typer.Argument(help="A formula in s (or p) and y (or q).")],
    where: Annotated[
        str, typer.Option(help="Domains of its parameters: 'gamma > 0, 0 < a < 1'.")
    ] = "",
):
    """Say what the machine can tell of any loss: a row for each property, with its verdict."""
    from lossnotes.portrait import portrait  # what it needs only this command waits for

    try:
        print(portrait(loss, where=where))
    except ValueError as error:
        print(f"lossnotes: {' '.join(str(error).split())}", file=sys.stderr)
        raise typer.Exit(1) from None


CORES = os.cpu_count()
Workers = Annotated[int, typer.Option(min=1, help="Processes at work.", show_default="one a core")]
Scheduler = Annotated[
    str | None, typer.Option(help="Let a Dask cluster do the work: tcp://host:port.")
]


@app.command("study")
def study_command(
    folder: Annotated[Path, typer.Argument(help="The folder of a study, with its plan.")],
    workers: Workers = CORES,
    scheduler: Scheduler = None,
):
    """Compute the runs of a study that are missing. Started again, it goes on where it was."""
    with errors_in_one_line():
        study = Study(folder)
        missing = len(study.missing())
        executor = connect(scheduler) if scheduler else partial(processes, workers)
        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
            bar = progress.add_task(f"Study {study.folder.name}", total=missing)
            for _ in study.run(run_all, executor):
                progress.advance(bar)
        print(f"{study.results}: {len(study.lines())} runs, {missing} of them now")


Chapter = Annotated[str, typer.Argument(help="A chapter in ./homework, or a folder of that kind.")]
Students = Annotated[
    Path | None,
    typer.Option(
        help="The class: a name a line, or a table with names and numbers as Moodle and Canvas "
        "give it. Each gets numbers of their own.",
    ),
]
Secret = Annotated[
    Path | None,
    typer.Option(
        help="From which numbers of one's own and hidden probes are drawn: without it anybody can "
        "compute what is hidden.",
        show_default="homework/secret",
    ),
]
Trusted = Annotated[bool, typer.Option("--trusted", help="Run notebooks without a sandbox.")]
SECRET = Path("homework/secret")  # beside it lies the class


@homework.command("build")
def build_command(
    chapter: Chapter,
    students: Students = None,
    secret: Secret = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write.", show_default="handout/CHAPTER")
    ] = None,
    trusted: Trusted = False,
):
    """Make what students get; prove that the solution passes and the blank notebook fails."""
    with errors_in_one_line():
        folder = find_chapter(chapter)
        names = read_students(students) if students else None
        if students:
            keep_columns(students, names, kept_class(secret))
        key = read_secret(secret or SECRET, create=True)
        out = out or Path("handout", folder.name)
        folders = build(folder, out, secret=key, students=names, trusted=trusted)
        if students and not kept_class(secret).resolve() == students.resolve():
            shutil.copyfile(students, kept_class(secret))
        whom = f"for {len(folders)} students" if students else "for everybody"
        keep = f"{secret or SECRET}" + (f" and {kept_class(secret)}" if students else "")
        print(
            f"{folder.name} {whom}: {out}. The solution passes, the blank notebook fails. "
            f"Keep {keep}: nothing can be graded without."
        )


@homework.command("grade")
def grade_command(
    chapter: Chapter,
    submissions: Annotated[
        Path,
        typer.Argument(
            help="A folder of <student>.ipynb or <student>/<any name>.ipynb, or the zip that "
            "Moodle or Canvas gives."
        ),
    ],
    students: Students = None,
    secret: Secret = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write.", show_default="grades/CHAPTER")
    ] = None,
    workers: Workers = CORES,
    scheduler: Scheduler = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Who reads and looks sees codes for names.")
    ] = False,
    trusted: Trusted = False,
):
    """Grade a folder of notebooks. Started again, it goes on where it was stopped."""
    with errors_in_one_line():
        folder = find_chapter(chapter)
        _, names, key = course(students, secret)
        out = out or Path("grades", folder.name)
        if not scheduler:
            begin_loading()
        executor = connect(scheduler) if scheduler else partial(processes, workers)
        statuses = grade(
            folder, submissions, out,
            executor=executor, secret=key, students=names, trusted=trusted, anonymous=anonymous,
        )  # fmt: skip
        told = ", ".join(f"{count} {status}" for status, count in statuses.most_common())
        print(f"{told}: {out / 'scores.csv'}, {out / 'report.html'}")
        if statuses.to_read:
            written = out / "written.csv"
            print(f"{statuses.to_read} answers are still to be read, and count as 0: {written}")
        if statuses.untimed:
            print(
                f"When {statuses.untimed} notebooks were handed in, nobody says: they are late by "
                f"as many days as you write into {out / 'late.csv'}"
            )
        if statuses.changed:
            print(f"{statuses.changed} scores have changed: {out / 'changes.csv'}")


@homework.command("new")
def new_command(
    chapter: Annotated[
        str, typer.Argument(help="The chapter, whose folder is made in ./homework.")
    ],
):
    """Write an assignment that builds at once, with one question of each kind."""
    with errors_in_one_line():
        if not chapter.isidentifier():
            raise GradeError(f"{chapter!r} is no name of a chapter: letters, digits and _ only")
        folder = Path("homework", chapter)
        if folder.exists():
            raise GradeError(f"{folder} is there already")
        new(folder)
        print(
            f"{folder / 'questions.toml'}, {folder / (chapter + '.ipynb')}: replace what is asked."
        )


@homework.command("reference")
def reference_command():
    """Print every key of a question file, as Markdown."""
    print(page(), end="")


@homework.command("solutions")
def solutions_command(
    chapter: Chapter,
    students: Students = None,
    secret: Secret = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write.", show_default="solutions/CHAPTER")
    ] = None,
):
    """Write each student's solution, with their numbers. Not before the deadline."""
    with errors_in_one_line():
        folder = find_chapter(chapter)
        students, names, key = course(students, secret)
        out = out or Path("solutions", folder.name)
        folders = solutions(folder, out, secret=key, students=names)
        print(f"{folder.name} for {len(folders)} students: {out}" if names else f"{out}")


@homework.command("similar")
def similar_command(
    chapter: Chapter,
    submissions: Annotated[Path, typer.Argument(help="As for grade.")],
    students: Students = None,
    secret: Secret = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the grades are.", show_default="grades/CHAPTER")
    ] = None,
):
    """List what several students have in common and most have not. Nothing is run."""
    with errors_in_one_line():
        folder = find_chapter(chapter)
        students, names, key = course(students, secret)
        out = out or Path("grades", folder.name)
        with opened(submissions) as unpacked:
            handed_in = find(unpacked, names or ())
            found = {name: former_findings(out, name) for name in handed_in}
            rows = similar(load(folder / "questions.toml"), handed_in, key, found)
        write(out / "similar.csv", table(rows, cell))
        print(f"{len(rows)} things to look at: {out / 'similar.csv'}")


@homework.command("gradescope")
def gradescope_command(
    chapter: Chapter,
    students: Students = None,
    secret: Secret = None,
    out: Annotated[
        Path | None, typer.Option(help="The zip to write.", show_default="gradescope/CHAPTER.zip")
    ] = None,
):
    """Pack an autograder for Gradescope. It holds the secret: it is for the instructor alone."""
    with errors_in_one_line():
        folder = find_chapter(chapter)
        students, _, key = course(students, secret)
        out = out or Path("gradescope", f"{folder.name}.zip")
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(autograder(folder, key, students))
        print(f"{out}. It holds the secret: upload it, and give it to nobody.")


def course(students, secret):
    """The file of the class, its Roster and the secret: what is given, else what `build` kept."""
    if not students and kept_class(secret).exists():
        students = kept_class(secret)
    names = read_students(students) if students else None
    known = students or secret or SECRET.exists()
    return students, names, read_secret(secret or SECRET) if known else b""


def kept_class(secret):
    """Where the list of the class is kept: beside the secret."""
    return (secret or SECRET).with_name("class.csv")


def keep_columns(students, names, kept):
    """GradeError if the list that is kept has columns that the new one would lose."""
    if not kept.exists() or kept.resolve() == students.resolve():
        return
    there, new = (
        {column for row in roster.rows.values() for column in row if column.lower() not in NAMES}
        for roster in (read_students(kept), names)
    )
    if lost := sorted(there - new):
        raise GradeError(
            f"{kept} has columns that {students} has not: {', '.join(lost)}. Add them there, or "
            f"give {kept} as the list"
        )


def find_chapter(name):
    """The folder of an assignment, by its chapter or its path."""
    for folder in (Path("homework", name), Path(name)):
        if (folder / "questions.toml").is_file():
            return folder
    there = sorted(path.parent.name for path in Path("homework").glob("*/questions.toml"))
    raise GradeError(f"no assignment {name!r}; ./homework has {', '.join(there) or 'none'}")


def connect(address):
    """What makes an executor of the Dask cluster at an address."""
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise GradeError('--scheduler needs Dask: pip install "lossnotes[cluster]"') from None
    try:
        return Client(address, timeout=10).get_executor
    except (OSError, ValueError) as error:
        raise GradeError(f"no Dask scheduler answers at {address}: {error}") from None


@contextlib.contextmanager
def errors_in_one_line():
    """End with one line that says what is wrong, not with a traceback."""
    try:
        yield
    except NoSandbox as reason:
        lines = f"{reason}. With --trusted notebooks run without one: only if you trust them."
    except (QuestionError, BuildError, GradeError, StudyError) as error:
        lines = str(error)
    except OSError as error:
        lines = str(error)
    except KeyboardInterrupt:
        lines = "stopped. What is finished is kept; the same command goes on."
    else:
        return
    print(f"lossnotes: {' '.join(lines.split())}", file=sys.stderr)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
