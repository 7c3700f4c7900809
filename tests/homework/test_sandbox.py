"""A submission gives its values and its errors, and reaches nothing and nobody else."""

import errno
import inspect
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import lossnotes.homework.sandbox as module
from lossnotes.homework.notebook import THERE
from lossnotes.homework.sandbox import AnswerError, Crashed, Limits, NoSandbox, Sandbox, Timeout

LIBRARY = Path(module.__file__).parents[1]


@pytest.fixture(scope="module")
def hasty(sandbox):
    """A sandbox with narrow limits."""
    with Sandbox(Limits(seconds=1, memory=1 << 30, space=1 << 20, answer=1 << 16)) as box:
        yield box


@pytest.fixture(scope="module")
def unlocked():
    """The same without a lock: what succeeds in here shows what the lock is good for."""
    with Sandbox(trusted=True) as box:
        yield box


def number(box, name, *cells):
    with box.run([inspect.cleandoc(cell) for cell in cells]) as answers:
        return answers.number(name)


def lines(box, name, *cells):
    with box.run([inspect.cleandoc(cell) for cell in cells]) as answers:
        return answers.lines(name)


def errors(box, *cells):
    with box.run([inspect.cleandoc(cell) for cell in cells]) as answers:
        return answers.errors


# Values


def test_each_kind_of_answer_comes_back(sandbox):
    cells = [
        "import numpy as np\nfrom sympy import Sum, exp\n"
        "from lossnotes.derive.symbols import LSE, K, delta, i, j, s, softmax, y",
        "gradient = [LSE(s) - s[y], '= softmax(s)[j] - delta(j, y)', Sum(exp(s[i]), (i, 1, K))]",
        "epsilon = np.float64(0.1)\nwhy = 'Because é.'",
        "def slope(s, y):\n    return s - np.eye(3)[y]",
    ]
    with sandbox.run(cells) as answers:
        assert answers.errors == []
        assert answers.lines("gradient") == [
            "LSE(s) - s[y]",
            "= softmax(s)[j] - delta(j, y)",
            "Sum(exp(s[i]), (i, 1, K))",
        ]
        assert answers.number("epsilon") == 0.1
        assert answers.text("why") == "Because é."
        slope = answers.function("slope")
        assert slope(np.array([1.0, 2.0, 3.0]), 1).tolist() == [1, 1, 3]
        assert slope(np.ones((2, 3)), np.array([0, 2])).shape == (2, 3)


@pytest.mark.parametrize(
    "text, value",
    [
        ("1/3", 1 / 3),
        ("sympy.Rational(1, 3)", 1 / 3),
        ("np.array([2])[0]", 2),
        ("np.array([[2]])", 2),
        ("1e400", np.inf),
    ],
)
def test_a_number_may_be_of_any_library(sandbox, text, value):
    assert number(sandbox, "x", f"import numpy as np, sympy\nx = {text}") == value


def test_a_result_of_shape_zero_and_one_of_integers_are_arrays_of_floats(sandbox):
    cells = ["import numpy as np", "f = lambda x: np.argmax(x)\ng = lambda x: x[:0] > 1"]
    with sandbox.run(cells) as answers:
        value, nothing = answers.function("f")(np.eye(3)[2]), answers.function("g")(np.ones(2))
    assert (value.dtype, value.shape, value) == (np.float64, (), 2)
    assert (nothing.dtype, nothing.shape) == (np.float64, (0,))


def test_what_a_function_does_to_its_arguments_stays_there(sandbox):
    mine = np.ones(3)
    with sandbox.run(["def spoil(x):\n    x *= 0\n    return x"]) as answers:
        spoil = answers.function("spoil")
        assert [spoil(mine).sum(), spoil(mine).sum(), mine.sum()] == [0, 0, 3]


@pytest.mark.parametrize(
    "kind, cell, reason",
    [
        ("number", "", "there is no `x` in the notebook"),
        ("number", "x = '0.1'", "`x` is a str, not a number"),
        ("number", "x = 1j", "`x` is a complex, not a number"),
        ("number", "x = [0.1]", "`x` is a list, not a number"),
        ("number", "import numpy\nx = numpy.ones(2)", "`x` is a ndarray, not a number"),
        ("number", "import numpy\nx = numpy.array(['1'])", "`x` is a str, not a number"),
        ("number", "x = ...", "`x` is still to be written"),
        ("text", "x = 3", "`x` is an int, not a text"),
        ("text", "x = 'a' * 30_000", "`x` has 30000 characters; 20000 are the most"),
        ("lines", "x = {'s[j]'}", "`x` is a set, not a list of lines"),
        ("lines", "x = [print]", "a line of `x` is a builtin_function_or_method, not a formula"),
        ("lines", "x = ['1'] * 500", "`x` has 500 lines; 200 are the most"),
        ("function", "x = None", "`x` is None"),
        ("function", "def x(a, b): return 1", "TypeError: x() missing 1 required"),
        ("function", "def x(a): return None", "it returns nothing where numbers are asked for"),
        ("function", "def x(a): return {'a': 1}", "`x` gave a dict, not real numbers"),
        ("function", "def x(a): return a * 1j", "gave an array of complex128, not real numbers"),
        ("function", "def x(a): return [a] * 10**6", "`x` gave 3000000 numbers: far too many"),
        (
            "function",
            "import numpy\ndef x(a): return numpy.empty((0, 6 * 10**7))",
            "gave 0 times 60000000 numbers",
        ),
        ("function", "def x(a): return a[7]", "IndexError: index 7 is out of bounds"),
        ("function", "def x(a): raise SystemExit", "SystemExit"),
    ],
)
def test_an_unsuitable_answer_is_named(sandbox, kind, cell, reason):
    with sandbox.run([cell, "good = 1"]) as answers:
        with pytest.raises(AnswerError) as stop:
            value = getattr(answers, kind)("x")
            value(np.ones(3))
        assert reason in str(stop.value)
        assert answers.number("good") == 1


def test_what_cannot_be_written_to_a_file_is_replaced(sandbox):
    with sandbox.run([r"x = 'a\ud800b\x1b[2J\n\u202e\u2028'"]) as answers:
        assert answers.text("x") == "a?b?[2J\n??"


def test_what_joins_letters_is_kept(sandbox):
    with sandbox.run([r"x = 'می\u200cخواهم'"]) as answers:
        assert answers.text("x") == "می\u200cخواهم"


# Cells


def test_a_cell_that_fails_does_not_stop_the_next(sandbox):
    with sandbox.run(["x = 1", "x = 1 / 0", "x += 1", "import sys; sys.exit()"]) as answers:
        assert answers.errors == [(2, "ZeroDivisionError: division by zero"), (4, "SystemExit: ")]
        assert answers.number("x") == 2


def test_lines_for_jupyter_alone_are_left_out_and_noted(sandbox):
    cell = "%matplotlib inline\nx = 1\nif x:\n    !ls"
    with sandbox.run([cell, "display(x)\nhelp(print)"]) as answers:
        assert answers.errors == [(1, "left out: %matplotlib inline"), (1, "left out: !ls")]


def test_a_line_that_begins_with_percent_inside_a_formula_is_python(sandbox):
    assert number(sandbox, "x", "%matplotlib inline\nx = (7\n     % 4)") == 3


def test_a_text_beside_a_magic_stays_as_it_is_written(sandbox):
    lesson = "Of the labels,\n%90 are right.\n!Important: the rest is noise.\n"
    with sandbox.run([f'%matplotlib inline\nlesson = """{lesson}"""']) as answers:
        assert answers.text("lesson") == lesson


FOR_JUPYTER = {  # what is left out of each
    "abs?": "abs?",
    "?abs": "abs?",
    "??abs": "abs?",
    "files = !ls": "!ls",
    "names = %who_ls": "%who_ls",
    "%timeit y = 1": "%timeit y = 1",
    "for _ in range(1000):\n    !ls": "!ls",
    "get_ipython().run_line_magic('matplotlib', 'inline')": "%matplotlib inline",
    "get_ipython().system('ls')": "!ls",
}


@pytest.mark.parametrize("line", FOR_JUPYTER)
def test_a_line_for_jupyter_costs_nothing_of_its_cell(sandbox, line):
    with sandbox.run([f"{line}\nx = 1"]) as answers:
        assert answers.errors == [(1, f"left out: {FOR_JUPYTER[line]}")]
        assert answers.number("x") == 1


def test_a_cell_for_another_program_is_left_out_and_the_next_is_not(sandbox):
    with sandbox.run(["%%bash\necho 1", "x = 1"]) as answers:
        assert answers.errors == [(1, "left out: %%bash")]
        assert answers.number("x") == 1


@pytest.mark.parametrize(
    "cell",
    [
        "%time x = 3",
        "x = %time 1 + 2",
        "%%time\nx = 3",
        "%%capture printed\n%time x = 3",
        "async def three():\n    return 3\nx = await three()",
        "  x = 3",
    ],
)
def test_what_jupyter_runs_is_run(sandbox, cell):
    with sandbox.run([cell]) as answers:
        assert answers.errors == []
        assert answers.number("x") == 3


def test_pylab_brings_its_names(sandbox):
    pytest.importorskip("matplotlib")
    assert number(sandbox, "x", "%pylab inline\nx = np.sum(linspace(0, 1, 3))") == 1.5


def test_a_cell_that_fails_tells_what_was_left_out_before(sandbox):
    assert errors(sandbox, "!ls\n1 / 0") == [
        (1, "left out: !ls"),
        (1, "ZeroDivisionError: division by zero"),
    ]


def test_what_neither_python_nor_jupyter_understands_is_an_error(sandbox):
    ((_, reason),) = errors(sandbox, "x = = 1")
    assert reason == "SyntaxError: invalid syntax (<cell 1>, line 1)"


def test_who_plots_finds_matplotlib_loaded(sandbox):
    pytest.importorskip("matplotlib")
    cell = """
        import matplotlib.pyplot as plt
        plt.plot([1, 2])
        plt.savefig("picture.png")
        x = plt.gcf().axes[0].lines[0].get_xdata()[1]
    """
    assert number(sandbox, "x", cell) == 1


def test_the_library_says_why_it_is_not_there(sandbox):
    cells = [
        "from lossnotes.losses.softmax import log_loss_grad",
        "from lossnotes import confirm",
        "import lossnotes.homework.grade",
    ]
    found = errors(sandbox, *cells)
    assert [number for number, _ in found] == [1, 2, 3]
    assert all("write it yourself" in reason for _, reason in found)


def test_the_students_own_check_says_nothing_here(sandbox):
    cell = """
        from lossnotes.homework import Homework
        homework = Homework("questions.json")
        x = float(homework.check("q1").points)
    """
    assert number(sandbox, "x", cell) == 0


USES = {  # of what checks return, that work at home
    "a table": "for found in homework.check():\n    print(found.points)",
    "a line": "print(homework.check('q1').says.splitlines()[0])",
    "a status": "right = homework.check('q1').status == 'right'",
    "the whole": "display(homework.check('q1'))",
}


@pytest.mark.parametrize("module", ["lossnotes.homework", "lossnotes.homework.notebook"])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_who_looks_at_a_check_loses_nothing_here(sandbox, module, use):
    cell = f"from {module} import Homework\nhomework = Homework()\n{use}\nx = 1"
    assert number(sandbox, "x", cell) == 1


@pytest.mark.parametrize(
    "cell",
    [
        "assert homework.check('q1').status == 'right'",
        "assert found.points == 4",
        "assert homework.check()",
        "homework.check()[0]",
    ],
)
def test_who_depends_on_a_check_is_told_that_none_is_run_here(sandbox, cell):
    before = "from lossnotes.homework import Homework\nhomework = Homework()\n"
    ((where, reason),) = errors(sandbox, before + "found = homework.check('q1')", cell)
    assert where == 2 and "Checks are not run while homework is graded: no cell may" in reason


def test_an_error_beside_a_check_is_told_without_a_word_on_checks(sandbox):
    before = "from lossnotes.homework import Homework\nhomework = Homework()\n"
    found = errors(sandbox, before + "homework.check('q1').says", "homework.check('q1')\n1 / 0")
    assert found == [(2, "ZeroDivisionError: division by zero")]


@pytest.mark.parametrize("module", THERE)
def test_what_may_be_imported_at_home_is_here(sandbox, module):
    cell = f"import {module}\nx = float({module}.__name__ == {module!r})"
    assert number(sandbox, "x", cell) == 1


def test_files_that_are_given_are_found_by_one_submission_alone(sandbox):
    with sandbox.run(["x = open('notes.txt').read()"], {"notes.txt": "é"}) as answers:
        assert answers.text("x") == "é"
    assert lines(sandbox, "x", "import os\nx = os.listdir()") == []


def test_two_runs_draw_the_same_random_numbers(sandbox):
    cell = """
        import numpy as np, random
        x = np.random.random() + random.random() + hash("a") % 1000
    """
    assert number(sandbox, "x", cell) == number(sandbox, "x", cell)


# What is seen

SYSTEM = ["/usr/lib", "/usr/lib64", "/lib", "/lib64", f"{sys.base_prefix}/lib"]
PACKAGES = Path(np.__file__).parents[1]


@pytest.fixture(scope="module")
def files(sandbox):
    """What a submission sees beside the system's libraries, Python's and other packages."""
    cell = f"""
        import os
        found = []
        for place, folders, names in os.walk("/"):
            if place in {SYSTEM}:
                folders[:] = []
            elif place == {str(PACKAGES)!r}:
                folders[:] = [name for name in folders if name == "lossnotes"]
            else:
                found += [os.path.join(place, name) for name in names]
    """
    return lines(sandbox, "found", cell)


def test_of_the_library_only_derive_and_the_worker_are_seen(files):
    seen = {file for file in files if "__pycache__" not in file}
    derive = {
        str(file)
        for file in (LIBRARY / "derive").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert seen == derive | {
        str(LIBRARY / "homework/worker.py"),
        os.path.realpath(sys.executable),
        "/etc/ld.so.cache",
        *(f"/dev/{name}" for name in ("null", "zero", "random", "urandom")),
    }


def test_a_copy_of_the_library_among_the_packages_is_not_seen(sandbox, monkeypatch, tmp_path):
    (tmp_path / "lossnotes").mkdir()
    (tmp_path / "lossnotes/losses.py").touch()
    (tmp_path / "other.py").touch()
    environment = module._environment
    monkeypatch.setattr(
        module,
        "_environment",
        lambda folder: (
            environment(folder) | {"PYTHONPATH": f"{environment(folder)['PYTHONPATH']}:{tmp_path}"}
        ),
    )
    cell = f"import os\nx = sorted(os.listdir({str(tmp_path)!r}))"
    cell += f"\nx += os.listdir({str(tmp_path / 'lossnotes')!r})"
    with Sandbox() as box:
        assert lines(box, "x", cell) == ["lossnotes", "other.py"]


def test_the_environment_tells_nothing(sandbox):
    cell = "import os\nseen = sorted(os.environ)"
    assert lines(sandbox, "seen", cell) == sorted(
        [*module._environment(module.FOLDER), "LC_CTYPE", "PWD"]
    )


def test_only_the_channel_is_open_beside_three_null_devices(sandbox):
    cell = """
        import os
        seen = []
        for number in range(4096):
            try:
                kind = os.fstat(number)
            except OSError:
                continue
            seen.append(f"{number} {kind.st_rdev == os.stat('/dev/null').st_rdev}")
    """
    assert lines(sandbox, "seen", cell) == ["0 True", "1 True", "2 True", "3 False"]


def test_there_are_no_other_processes_and_no_proc(sandbox):
    cell = """
        import os
        seen = [f"{name}" for name in os.listdir("/")]
        x = os.getpid()
    """
    assert "proc" not in lines(sandbox, "seen", cell)


SCAN = """
    import ctypes, os, re
    mine = "{marker}"
    readable, scratch = os.pipe()
    found = set()
    heap = ctypes.CDLL(None).sbrk
    heap.restype = ctypes.c_void_p
    starts = {{id(object()), id([]) , id(mine), id(re), heap(0) - (64 << 20)}}
    libc = ctypes.CDLL(None, use_errno=True)
    seen_pages = set()
    for start in starts:
        start &= ~4095
        for page in range(start - (32 << 20), start + (64 << 20), 4096):
            if page in seen_pages:
                continue
            seen_pages.add(page)
            if libc.write(scratch, ctypes.c_void_p(page), ctypes.c_size_t(4096)) == 4096:
                found |= set(re.findall(rb"MARKER-[0-9]+", os.read(readable, 4096)))
    found = sorted(text.decode() for text in found)
"""


def test_no_copy_of_an_earlier_submission_is_left_in_memory(sandbox):
    lines(sandbox, "found", SCAN.format(marker="MARKER-482913"))
    assert lines(sandbox, "found", SCAN.format(marker="MARKER-55")) == ["MARKER-55"]


# What may be asked

SYSTEM_CALLS = {  # numbers of x86-64, with arguments that would do something
    "socket": (41, 2, 1, 0),
    "socketpair": (53, 1, 1, 0),
    "sendmsg to the channel": (46, 3, 0, 0),
    "fork": (57,),
    "vfork": (58,),
    "clone": (56, 17, 0),
    "clone of a thread": (56, 0x10F00, 0),
    "clone3": (435, 0, 0),
    "execve": (59, 0, 0, 0),
    "execveat": (322, 3, 0, 0, 0, 0),
    "kill the worker": (62, 2, 9),
    "kill everybody": (62, -1, 9),
    "kill the group": (62, 0, 9),
    "tgkill the worker": (234, 2, 2, 9),
    "tkill the worker": (200, 2, 9),
    "rt_sigqueueinfo": (129, 2, 9, 0),
    "pidfd_open the worker": (434, 2, 0),
    "pidfd_getfd": (438, 3, 0, 0),
    "ptrace the worker": (101, 16, 2, 0, 0),
    "ptrace at all": (101, 0, 0, 0, 0),
    "process_vm_readv": (310, 0, 0, 0, 0, 0, 0),
    "process_vm_writev": (311, 0, 0, 0, 0, 0, 0),
    "prctl to be dumpable": (157, 4, 1),
    "prlimit of the worker": (302, 2, 0, 0, 0),
    "setrlimit": (160, 0, 0),
    "setpriority of the worker": (141, 0, 2, 19),
    "sched_setaffinity of the worker": (203, 2, 0, 0),
    "fcntl F_SETOWN to the worker": (72, 3, 8, 2),
    "fcntl F_SETLK": (72, 3, 6, 0),
    "fcntl F_SETPIPE_SZ": (72, 3, 1031, 1 << 20),
    "flock": (73, 3, 2),
    "ioctl TIOCSTI": (16, 0, 0x5412, 0),
    "unshare": (272, 0x10000000),
    "setns": (308, 3, 0),
    "mount": (165, 0, 0, 0, 0, 0),
    "umount": (166, 0, 0),
    "pivot_root": (155, 0, 0),
    "chroot": (161, 0),
    "memfd_create": (319, 0, 0),
    "io_uring_setup": (425, 1, 0),
    "bpf": (321, 0, 0, 0),
    "perf_event_open": (298, 0, 0, 0, 0, 0),
    "userfaultfd": (323, 0),
    "keyctl": (250, 0, 0),
    "add_key": (248, 0, 0, 0, 0, 0),
    "shmget": (29, 0, 4096, 0o1600),
    "msgget": (68, 0, 0o1600),
    "semget": (64, 0, 1, 0o1600),
    "mq_open": (240, 0, 0, 0, 0),
    "timer_create": (222, 0, 0, 0),
    "inotify_init": (253,),
    "open_by_handle_at": (304, 3, 0, 0),
    "name_to_handle_at": (303, 3, 0, 0, 0, 0),
    "setuid": (105, 0),
    "capset": (126, 0, 0),
    "sethostname": (170, 0, 0),
    "personality": (135, 0x0040000),
    "reboot": (169, 0, 0, 0, 0),
    "the system call of another time": (999,),
}


@pytest.fixture(scope="module")
def refusals(sandbox):
    """The error number of each system call, in one run."""
    cell = f"""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        answers = []
        for arguments in {list(SYSTEM_CALLS.values())}:
            ctypes.set_errno(0)
            libc.syscall(*map(ctypes.c_long, arguments))
            answers.append(ctypes.get_errno())
    """
    if os.uname().machine != "x86_64":
        pytest.skip("the numbers of the system calls are those of x86-64")
    return dict(zip(SYSTEM_CALLS, map(int, lines(sandbox, "answers", cell)), strict=True))


@pytest.mark.parametrize("call", SYSTEM_CALLS)
def test_a_system_call_is_not_permitted(refusals, call):
    assert refusals[call] == errno.EPERM


ATTEMPTS = {
    "a process": "os.fork() or os._exit(0)",
    "a program": "subprocess.run([sys.executable, '--version'], check=True)",
    "a thread": "threading.Thread(target=int).start()",
    "a connection": "socket.socket().bind(('127.0.0.1', 0))",
    "a signal to the worker": "os.kill(os.getppid(), 0)",
    "the memory of the worker": "open(f'/proc/{os.getppid()}/mem', 'rb').close()",
    "the descriptors of the worker": "os.listdir(f'/proc/{os.getppid()}/fd')",
    "the library": f"os.listdir({str(LIBRARY / 'losses')!r})",
    "the tests": f"os.listdir({str(Path(__file__).parent)!r})",
    "a file elsewhere": f"open({str(Path(__file__))!r}, 'a').close()",
    "a file beside the packages": "open(numpy.__file__, 'a').close()",
    "the environment of the grader": "os.environ['LOSSNOTES_SECRET']",
    "more memory": "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))",
    "its own priority": "os.nice(1)",
}


def attempts(box):
    """Which of the attempts succeed in this sandbox."""
    cell = ["import os, resource, socket, subprocess, sys, threading, numpy", "done = []"]
    for name, attempt in ATTEMPTS.items():
        cell += ["try:", f"    {attempt}", f"    done.append({name!r})"]
        cell += ["except (OSError, RuntimeError, KeyError, ValueError): pass"]
    return lines(box, "done", "\n".join(cell))


def test_no_attempt_to_reach_outside_succeeds(sandbox):
    assert attempts(sandbox) == []


def test_without_the_lock_they_succeed(unlocked):
    depends = {"a file elsewhere", "a file beside the packages", "the environment of the grader"}
    depends |= {"the memory of the worker", "the descriptors of the worker"}
    assert set(ATTEMPTS) - set(attempts(unlocked)) <= depends  # on who runs the tests, and where


# How much


def test_a_loop_without_end_costs_its_cell_alone(hasty):
    with hasty.run(["x = 1", "while True:\n    pass", "x += 1"]) as answers:
        assert answers.errors == [(2, "TimeoutError: it took longer than 0.25 seconds")]
        assert answers.number("x") == 2


def test_a_loop_without_end_costs_its_answer_alone(hasty):
    with hasty.run(["def f(x):\n    while True:\n        pass\ng = 1"]) as answers:
        with pytest.raises(AnswerError, match="it took longer than 0.25 seconds"):
            answers.function("f")(1)
        assert answers.number("g") == 1


@pytest.mark.parametrize(
    "cell",
    [
        "sum(range(10**12))",
        "import signal\nsignal.signal(signal.SIGPROF, signal.SIG_IGN)\nwhile True:\n    pass",
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n"
        "        pass",
        "import time\ntry:\n    time.sleep(60)\nexcept BaseException:\n    time.sleep(60)",
    ],
    ids=["in C", "deaf", "stubborn", "asleep"],
)
def test_what_cannot_be_interrupted_ends_the_submission(hasty, cell):
    start = time.monotonic()
    with pytest.raises(Timeout, match="longer than 1 seconds|not answer for 2 seconds"):
        hasty.run([cell, cell]).__enter__()
    assert time.monotonic() - start < 5
    assert number(hasty, "x", "x = 1") == 1


def test_the_time_of_all_answers_together_is_bounded(hasty):
    with hasty.run(["import time\ndef f(x):\n    time.sleep(0.75)\n    return x"]) as answers:
        f = answers.function("f")
        with pytest.raises(Timeout, match="not answer for 2 seconds"):
            for _ in range(4):  # three are too long; the last of them may be heard too late
                f(1)


def test_the_time_of_the_judge_is_not_counted(hasty):
    with hasty.run(["x = 1"]) as answers:
        time.sleep(2.25)
        assert answers.number("x") == 1


def test_too_much_memory_is_an_error_of_the_cell(hasty):
    cells = ["import numpy as np\nx = 1", "a = np.ones(10**10 // 8)", "a = bytearray(10**10)"]
    with hasty.run(cells) as answers:
        assert [number for number, _ in answers.errors] == [2, 3]
        assert all("MemoryError" in reason for _, reason in answers.errors)
        assert answers.number("x") == 1


def test_a_hundred_megabytes_of_output_go_nowhere(sandbox):
    cell = """
        import os, sys
        for _ in range(100):
            print("x" * 10**6)
            sys.stderr.write("x" * 10**6)
        x = os.fstat(1).st_size
    """
    assert number(sandbox, "x", cell) == 0


def test_its_folder_is_small(hasty):
    cell = """
        x = 0
        for name in range(100):
            try:
                with open(str(name), "wb") as file:
                    x += file.write(bytes(100_000))
            except OSError as error:
                reason = str(error)
    """
    with hasty.run([inspect.cleandoc(cell)]) as answers:
        assert answers.number("x") <= 1 << 20
        assert "No space left" in answers.text("reason")


def test_open_files_are_few(sandbox):
    cell = """
        files = []
        while True:
            files.append(open("/dev/null"))
    """
    with sandbox.run([inspect.cleandoc(cell), "x = float(len(files))\nfiles.clear()"]) as answers:
        assert "Too many open files" in answers.errors[0][1]
        assert answers.number("x") < 64


def test_too_many_files_end_the_submission(hasty):
    cell = "import os\nfor n in range(10**7):\n    os.mkdir(str(n))"
    with pytest.raises(Crashed, match="stopped at a limit"):
        hasty.run([cell]).__enter__()
    assert lines(hasty, "x", "import os\nx = os.listdir()") == []


@pytest.mark.parametrize(
    "cell",
    [
        "open('left', 'w').write('answer')",
        "import os\nfor _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')",
        "import os\nos.mkdir('closed', 0)",
    ],
    ids=["a file", "a deep folder", "a closed folder"],
)
def test_nothing_that_is_left_is_found_by_the_next(sandbox, cell):
    assert errors(sandbox, cell) == []
    assert lines(sandbox, "x", "import os\nx = os.listdir()") == []


# The end of a process


@pytest.mark.parametrize(
    "cell, reason",
    [
        ("import os\nos._exit(3)", "it ended its own process, with exit code 3"),
        ("import os\nos._exit(0)", "it ended its own process, with exit code 0"),
        ("import ctypes\nctypes.string_at(0)", "its process died: Segmentation fault"),
        (
            "import os, time\nos.close(3)\ntime.sleep(60)",
            "it was stopped at a limit, or closed its channel",
        ),
    ],
)
def test_a_process_that_ends_is_a_crash_with_a_reason(sandbox, cell, reason):
    with pytest.raises(Crashed) as stop:
        sandbox.run([cell]).__enter__()
    assert str(stop.value) == reason
    assert number(sandbox, "x", "x = 1") == 1


def test_after_a_crash_every_question_gets_the_same_answer(sandbox):
    with sandbox.run(["import os\nx = 1\ndef f(a):\n    os._exit(3)"]) as answers:
        f = answers.function("f")
        for ask in (lambda: f(1), lambda: answers.number("x")):
            with pytest.raises(Crashed, match="exit code 3"):
                ask()


def test_a_system_call_of_a_32_bit_program_ends_the_process(sandbox):
    cell = """
        import ctypes, mmap
        page = mmap.mmap(-1, 4096, prot=7)
        page.write(bytes.fromhex("b802000000cd80c3"))  # fork, as Linux had it on the 80386
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        ctypes.CFUNCTYPE(ctypes.c_int)(address)()
    """
    if os.uname().machine != "x86_64":
        pytest.skip("machine code of the x86")
    with pytest.raises(Crashed, match="Bad system call"):
        errors(sandbox, cell)


def test_nothing_of_a_submission_runs_after_it(sandbox):
    worker = children(children(sandbox._process.pid)[0])[0]
    with sandbox.run(["x = 1"]):
        assert len(children(worker)) == 1
    assert children(worker) == []


def test_a_worker_that_was_killed_is_replaced_and_nobody_notices(sandbox):
    for worker in children(sandbox._process.pid):
        os.kill(worker, signal.SIGKILL)
    sandbox._process.wait(10)
    assert number(sandbox, "x", "x = 1") == 1


def test_a_worker_that_is_killed_on_the_way_is_a_crash(sandbox):
    with sandbox.run(["x = 1"]) as answers:
        for worker in children(sandbox._process.pid):
            os.kill(worker, signal.SIGKILL)
        sandbox._process.wait(10)
        with pytest.raises(Crashed, match="the process for submissions is gone"):
            answers.number("x")
    assert number(sandbox, "x", "x = 1") == 1


def children(process):
    return [*map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())]


def test_a_worker_that_hangs_is_ended():
    with Sandbox(trusted=True) as box:
        os.kill(box._process.pid, signal.SIGSTOP)
    assert box._process.returncode == -signal.SIGKILL


def test_no_process_outlives_its_grader(sandbox):
    program = "from lossnotes.homework.sandbox import Sandbox\nbox = Sandbox()\n"
    program += "with box.run(['x = 1']):\n    print(box._process.pid, flush=True)\n    input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as grader:
        lock = int(grader.stdout.readline())
        inside = children(lock)
        grader.kill()
    for _ in range(100):
        alive = [process for process in (lock, *inside) if Path(f"/proc/{process}").exists()]
        if not alive:
            break
        time.sleep(0.1)
    assert inside and not alive


def test_a_hundred_submissions_leave_no_descriptor_open(unlocked):
    def descriptors():
        processes = ("self", unlocked._process.pid)
        return [len(os.listdir(f"/proc/{process}/fd")) for process in processes]

    errors(unlocked, "x = 1")
    before = descriptors()
    for _ in range(100):
        errors(unlocked, "x = 1")
    assert descriptors() == before


# Forged answers


FORGED = {
    "no JSON": b"1 + 1",
    "no text": b"\xff\xfe",
    "a number": b"3",
    "nothing asked for": b'{"points": 10}',
    "another kind": b'{"value": "3"}',
    "an integer for a number": b'{"value": 3}',
    "a long number": b'{"value": ' + b"9" * 5000 + b"}",
    "a deep list": b"[" * 30_000 + b"]" * 30_000,
    "a reason that is no text": b'{"error": 1}',
    "a reason without end": b'{"error": "' + b"x" * 501 + b'"}',
    "too much": b'{"value": "' + b"x" * (1 << 20) + b'"}',
}


@pytest.mark.parametrize("before", [b"", b"[]\n"], ids=["the errors", "an answer"])
@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forged_answer_is_a_crash(hasty, forged, before):
    cell = f"import os\nos.write(3, {before + forged!r} + b'\\n')\nx = 1.0"
    with pytest.raises(Crashed, match="what it answers is not"):
        with hasty.run([cell]) as answers:
            answers.number("x")


FORGED_ERRORS = {
    "a long reason": [[1, "A" * 501]],
    "too many": [[1, "x"]] * 101,
    "a cell beyond any notebook": [[10**6, "x"]],
    "no cell": [[0, "x"]],
    "three things": [[1, "x", "y"]],
}


@pytest.mark.parametrize("forged", FORGED_ERRORS.values(), ids=FORGED_ERRORS)
def test_forged_errors_are_a_crash(sandbox, forged):
    cell = f"import json, os\nos.write(3, json.dumps({forged!r}).encode() + b'\\n')"
    with pytest.raises(Crashed, match="what it answers is not"):
        sandbox.run([cell]).__enter__()


FORGED_ARRAYS = {
    "objects": ["|O", [1], "AAAAAAAAAAA="],
    "no base64": ["<f8", [1], "****"],
    "too few numbers": ["<f8", [2], "AAAAAAAAAAA="],
    "a shape beyond memory": ["<f8", [10**30], "AAAAAAAAAAA="],
    "a negative shape": ["<f8", [-1], "AAAAAAAAAAA="],
    "a shape of texts": ["<f8", ["1"], "AAAAAAAAAAA="],
    "half a number": ["<f8", [1], "AAAA"],
    "a dictionary": {"dtype": "<f8"},
}


@pytest.mark.parametrize("forged", FORGED_ARRAYS.values(), ids=FORGED_ARRAYS)
def test_a_forged_array_is_a_crash(sandbox, forged):
    cell = f"""
        import json, os
        def f(x):
            os.write(3, json.dumps({{"value": {forged!r}}}).encode() + b"\\n")
    """
    with sandbox.run([inspect.cleandoc(cell)]) as answers:
        f = answers.function("f")
        with pytest.raises(Crashed, match="what it answers is not"):
            f(1)


def test_what_is_said_unasked_is_taken_in_order(sandbox):
    cell = r"""import os; x = 1; os.write(3, b'[]\n{"value": 5.0}\n')"""
    with sandbox.run([cell]) as answers:
        assert answers.number("x") == 5
        with pytest.raises(Crashed):  # the report of errors, which is next
            answers.number("x")


def test_an_answer_without_end_is_a_crash(hasty):
    with pytest.raises(Crashed, match="what it answers is not JSON"):
        hasty.run(["import os\nwhile True:\n    os.write(3, bytes(1000))"]).__enter__()


def test_a_child_that_does_not_listen_runs_out_of_time(hasty):
    cell = "import os, time\nos.write(3, b'[]\\n')\ntry:\n    time.sleep(60)\n"
    with pytest.raises(Timeout):
        with hasty.run([cell + "except BaseException:\n    time.sleep(60)"]) as answers:
            answers.number("x")


# No sandbox


def test_without_bubblewrap_there_is_no_sandbox(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoSandbox, match="bubblewrap"):
        Sandbox()


def test_where_bubblewrap_does_not_work_its_own_words_are_said(monkeypatch, tmp_path):
    forbidden = tmp_path / "bwrap"
    forbidden.write_text(
        "#!/bin/sh\necho bwrap: No permissions to create new namespace >&2\nexit 1"
    )
    forbidden.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoSandbox, match="No permissions to create new namespace"):
        Sandbox()


def test_a_lock_that_shows_too_much_is_no_sandbox(sandbox, monkeypatch):
    lock = module._bubblewrap(Limits())
    more = ["--proc", "/proc", "--ro-bind", str(LIBRARY), str(LIBRARY)]
    monkeypatch.setattr(module, "_bubblewrap", lambda limits: [*lock[:-2], *more, *lock[-2:]])
    with pytest.raises(NoSandbox, match="the lock leaves open: the library, /proc"):
        Sandbox()


def test_a_lock_that_permits_too_much_is_no_sandbox(sandbox, monkeypatch):
    allow = (0x06).to_bytes(8, "little")[:4] + (0x7FFF0000).to_bytes(4, "little")
    monkeypatch.setattr(module, "_filter", lambda: allow)
    with pytest.raises(NoSandbox, match="a new process, a network socket, a signal to the worker"):
        Sandbox()


def test_another_system_than_linux_offers_no_sandbox(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    module._filter.cache_clear()
    with pytest.raises(NoSandbox, match="only Linux"):
        Sandbox()
    module._filter.cache_clear()


def test_who_trusts_needs_no_lock(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with Sandbox(trusted=True) as box:
        assert number(box, "x", "x = 1") == 1
        folder = Path(box._folder.name)
        assert folder.is_dir()
    assert not folder.exists()


def test_a_killed_grader_that_trusts_leaves_no_folder():
    program = "from lossnotes.homework.sandbox import Sandbox\nbox = Sandbox(trusted=True)\n"
    program += "print(box._folder.name, flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as grader:
        folder = Path(grader.stdout.readline().strip())
        assert folder.is_dir()
        grader.kill()
    for _ in range(100):
        if not folder.exists():
            break
        time.sleep(0.1)
    assert not folder.exists()


def test_a_lock_needs_no_folder_outside(sandbox, monkeypatch, tmp_path):
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    with Sandbox() as box:
        assert number(box, "x", "x = 1") == 1
        assert list(tmp_path.iterdir()) == []
