"""The process in which submissions run. It is a program: `sandbox.py` starts it, nobody imports it.

It loads NumPy and SymPy once and forks a child for each submission: a start costs milliseconds,
and no submission finds what another one left. Three means of the kernel close the child in, one
for each question. What is there to be seen? Bubblewrap gives new namespaces: Python and its
packages read-only, one empty folder, and no network, no other process, no /proc, no homework.
What may be asked? Seccomp allows a hundred harmless system calls; to fork, to connect, to trace
or to signal is not among them, not even for root, whom RLIMIT_NPROC does not bind. How much?
Rlimits bound time, memory and files. All three come without a daemon and without being root.
Landlock would close files only, a container would start Python anew for each submission, and no
filter written in Python holds against Python.

The worker knows nothing worth stealing. A child gets its cells over a channel of its own, which
the worker passes on unread; so no copy of an earlier submission is left in the memory it inherits.
"""

import ast
import base64
import contextlib
import ctypes
import gc
import importlib
import importlib.util
import inspect
import json
import os
import random
import resource
import select
import shutil
import signal
import site
import socket
import struct
import sys
import types

import numpy as np
import sympy

PR_SET_DUMPABLE, PR_SET_SECCOMP, FILTER = 4, 22, 2
CHANNEL = 3  # the child's only descriptor beside the standard three
OPEN_FILES = 64
FILES = 10_000  # in the folder: rlimits bound the size of a file, not their number
PLOTS = b"p"  # an order for a submission that plots; to load Matplotlib takes seconds, so: once
TRANSFORMER = "IPython.core.inputtransformer2"
UNCHECKED = "Checks are not run while homework is graded"
UNSAID = {"points": 0, "of": 0, "status": "", "says": f"{UNCHECKED}.", "mistake": None}
LINES, CHARACTERS, ERRORS = 200, 20_000, 100


class TooSlow(BaseException):
    """Not an Exception: a submission that catches those must not catch this one by accident."""


class Unsuitable(Exception):
    """The value is there, but it is not what the question asks for."""


class Nothing(Exception):
    """There is no answer yet: no value, or a function that returns None."""


# The worker


class NotHere:
    """The last finder: says why a module of the library is missing."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.startswith("lossnotes."):
            reason = f"{name}: write it yourself, the library is not there when homework is graded"
            raise ModuleNotFoundError(reason)


class Homework:
    """Stands in for the student's `Homework`, whose checks have nothing to say here."""

    def __init__(self, *arguments, **options):
        pass

    def check(self, name=None):
        if name is not None:
            return Finding(name)
        Finding.used = True
        return []


class Finding:
    """Stands in for what a check finds; remembers that something was asked of it."""

    used = False

    def __init__(self, question):
        self.question = question

    def __getattr__(self, name):
        if name not in UNSAID:
            raise AttributeError(name)
        Finding.used = True
        return UNSAID[name]


def offer_lossnotes(derive):
    """Of the library what `notebook.THERE` names: `derive`, so that its symbols can be typed."""
    sys.modules["lossnotes"] = library = types.ModuleType("lossnotes")
    sys.modules["lossnotes.homework"] = library.homework = types.ModuleType("lossnotes.homework")
    library.__path__, library.homework.__path__ = [], []
    library.homework.Homework = Homework
    library.homework.notebook = types.ModuleType("lossnotes.homework.notebook")
    library.homework.notebook.Homework = Homework
    sys.modules["lossnotes.homework.notebook"] = library.homework.notebook
    place = os.path.join(derive, "__init__.py")
    spec = importlib.util.spec_from_file_location("lossnotes.derive", place)
    library.derive = importlib.util.module_from_spec(spec)
    sys.modules["lossnotes.derive"] = library.derive
    spec.loader.exec_module(library.derive)
    importlib.import_module("lossnotes.derive.symbols")
    sys.meta_path.append(NotHere)


def warm_up():
    """SymPy loads much at its first formula: here, once, instead of in every child."""
    from lossnotes.derive.symbols import LSE, K, delta, i, j, s, softmax, y

    gradient = softmax(s)[j] - delta(j, y)
    str([LSE(s) - s[y], sympy.Sum(sympy.log(s[i]), (i, 1, K)) >= 0, gradient.diff(s[j])])


def prctl(option, *arguments):
    numbers = [ctypes.c_ulong(number) for number in (*arguments, 0, 0, 0, 0)[:4]]
    if ctypes.CDLL(None, use_errno=True).prctl(option, *numbers):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def serve(control, setup):
    """For each order: fork a child for the channel that comes with it, end it when told to."""
    while True:
        order, channels, _, _ = socket.recv_fds(control, 1, 1)
        if not order:
            return
        if order == PLOTS:
            for module in ("matplotlib.pyplot", TRANSFORMER):  # for `%matplotlib inline`
                with contextlib.suppress(ImportError):
                    importlib.import_module(module)
        child = os.fork()
        if child == 0:
            try:
                os.dup2(channels[0], CHANNEL)
                os.closerange(CHANNEL + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
                lock(setup)
                answer(setup["seconds"] / 4)
            finally:
                os._exit(1)
        os.close(channels[0])
        while not select.select([control], [], [], 0.1)[0]:
            disk = os.statvfs(setup["folder"])
            if setup["filter"] and disk.f_files - disk.f_ffree > FILES:
                os.kill(child, signal.SIGKILL)
        stop = control.recv(1)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not stop:
            return
        empty(setup["folder"])
        control.sendall(struct.pack("=i", status))


def empty(folder):
    """Where this fails the worker ends, and the folder with it; the next one begins anew."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


# The child


def lock(setup):
    """From here on the child can use what it has, and no more."""
    for kind, most in {
        resource.RLIMIT_CPU: (setup["seconds"], setup["seconds"] + 1),
        resource.RLIMIT_AS: (setup["memory"],) * 2,
        resource.RLIMIT_FSIZE: (setup["space"],) * 2,
        resource.RLIMIT_NOFILE: (OPEN_FILES,) * 2,
        resource.RLIMIT_CORE: (0, 0),
    }.items():
        try:
            resource.setrlimit(kind, most)
        except ValueError:  # some systems cannot limit the address space
            if setup["filter"]:
                raise
    if setup["filter"]:
        program = base64.b64decode(setup["filter"])
        instructions = ctypes.create_string_buffer(program, len(program))
        header = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
        place = ctypes.create_string_buffer(header, len(header))
        prctl(PR_SET_SECCOMP, FILTER, ctypes.addressof(place))


def answer(seconds):
    """Run the cells, then give the values that are asked for. A cell or a value has its time."""
    reader = open(CHANNEL, "rb", closefd=False)
    writer = open(CHANNEL, "wb", closefd=False)

    def say(message):
        writer.write(json.dumps(message).encode() + b"\n")
        writer.flush()

    main = types.ModuleType("__main__")
    main.display = lambda *things, **options: None
    shell = Shell(main.__dict__)
    main.get_ipython = lambda: shell
    sys.modules["__main__"] = main
    random.seed(0)  # Python has it drawn anew after a fork
    signal.signal(signal.SIGPROF, too_slow)
    errors = []
    order = json.loads(reader.readline())
    for name, text in order["files"].items():
        with open(name, "w") as file:
            file.write(text)
    for number, cell in enumerate(order["cells"], 1):
        failed, Finding.used = [], False
        try:
            with at_most(seconds):
                shell.run(cell, f"<cell {number}>")
        except BaseException as error:
            failed.append(explain(error))
        errors += [(number, reason) for reason in [*shell.left_out, *failed]]
        shell.left_out.clear()
    say(errors[:ERRORS])
    for line in reader:
        question = json.loads(line)
        try:
            with at_most(seconds):
                value = GIVE[question["kind"]](value_of(question["name"], main), question)
        except Nothing as error:
            say({"nothing": describe(error)})
        except BaseException as error:
            say({"error": describe(error)})
        else:
            say({"value": value})


def too_slow(number, frame):
    raise TooSlow


@contextlib.contextmanager
def at_most(seconds):
    """Of processor time, so that a busy machine changes no score."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    except TooSlow:
        raise TimeoutError(f"it took longer than {seconds:g} seconds") from None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


class Shell:
    """Stands in for Jupyter's `get_ipython()`: runs the cells, and notes what it leaves out.

    `%timeit` is left out like the others, because what it assigns is not kept in Jupyter, either.
    """

    def __init__(self, namespace):
        self.namespace = namespace
        self.left_out = {}  # in order, and each once

    def run(self, source, place="<magic>"):
        """Execute a cell or a line; returns its value if it is an expression."""
        code = compiled(source, place)
        value = eval(code, self.namespace)
        if code.co_flags & inspect.CO_COROUTINE:  # a cell may await; there is nothing to wait for
            with contextlib.suppress(StopIteration):
                while True:
                    value.send(None)
        return value

    def run_line_magic(self, name, line, *more):
        if name == "time":
            return self.run(line)
        if name == "pylab":
            from IPython.core.pylabtools import import_pylab

            return import_pylab(self.namespace, "--no-import-all" not in line)
        self.leave_out(f"{line}?" if name.startswith("pinfo") else f"%{name} {line}")

    def run_cell_magic(self, name, line, cell):
        if name in ("time", "capture", "prun"):
            return self.run(cell)
        self.leave_out(f"%%{name} {line}")

    def getoutput(self, command):
        self.leave_out(f"!{command}")
        return []

    system = getoutput

    def show_usage(self):
        self.leave_out("?")

    def leave_out(self, line):
        self.left_out[f"left out: {line.strip()}"[:500]] = None


def compiled(source, place):
    """The code of a cell; IPython, which takes 40 ms to load, translates what is not Python."""
    for mode in ("eval", "exec"):
        with contextlib.suppress(SyntaxError):
            return compile(source, place, mode)
    source = importlib.import_module(TRANSFORMER).TransformerManager().transform_cell(source)
    return compile(source, place, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def explain(error):
    """What a cell failed of; it may be an assertion that a check finds an answer right."""
    reason = describe(error)
    if not Finding.used:
        return reason
    reason = reason[:300].rstrip(": ")
    return f"{reason}. {UNCHECKED}: no cell may depend on what they return"


def describe(error):
    if isinstance(error, (Unsuitable, Nothing)):
        return str(error)
    try:
        return f"{type(error).__name__}: {error}"[:500]
    except BaseException:
        return type(error).__name__[:500]


def value_of(name, main):
    if name not in main.__dict__:
        raise Nothing(f"there is no `{name}` in the notebook")
    value = main.__dict__[name]
    if value is ... or value is None:
        raise Nothing(f"`{name}` is {'None' if value is None else 'still to be written'}")
    return value


def give_lines(value, question):
    if isinstance(value, (str, sympy.Expr)):
        value = [value]
    if not isinstance(value, (list, tuple)):
        raise Unsuitable(f"`{question['name']}` is {a(value)}, not a list of lines")
    if len(value) > LINES:
        raise Unsuitable(f"`{question['name']}` has {len(value)} lines; {LINES} are the most")
    lines = [give_line(line, question) for line in value]
    limited("".join(lines), f"`{question['name']}`")
    return lines


def give_line(line, question):
    if not isinstance(line, (str, int, float, sympy.Basic, type(None), type(...))):
        raise Unsuitable(f"a line of `{question['name']}` is {a(line)}, not a formula or a text")
    return str(line)


def give_text(value, question):
    if not isinstance(value, str):
        raise Unsuitable(f"`{question['name']}` is {a(value)}, not a text")
    return limited(str(value), f"`{question['name']}`")


def limited(text, what):
    if len(text) > CHARACTERS:
        raise Unsuitable(f"{what} has {len(text)} characters; {CHARACTERS} are the most")
    return text


def give_number(value, question):
    try:
        if getattr(value, "ndim", 0) and value.size == 1:  # as `check_number` does it at home
            value = value.item()
        if isinstance(value, (str, bytes, bool)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise Unsuitable(f"`{question['name']}` is {a(value)}, not a number") from None


def give_callable(value, question):
    if not callable(value):
        raise Unsuitable(f"`{question['name']}` is {a(value)}, not a function")
    return True


def give_call(value, question):
    arguments = [
        np.frombuffer(base64.b64decode(data), dtype).reshape(shape).copy()[()]
        for dtype, shape, data in question["arguments"]
    ]
    result = value(*arguments)
    if result is None:
        raise Nothing("it returns nothing where numbers are asked for")
    array = np.asarray(result)
    if array.dtype.kind not in "biufO":
        raise Unsuitable(f"`{question['name']}` gave an array of {array.dtype}, not real numbers")
    if 8 * max(array.size, *array.shape, 0) > question["most"]:
        many = array.size or " times ".join(map(str, array.shape))
        raise Unsuitable(f"`{question['name']}` gave {many} numbers: far too many")
    try:  # one by one: NumPy would take None for a number
        array = np.reshape([float(number) for number in array.flat], array.shape)
    except (TypeError, ValueError, OverflowError):
        raise Unsuitable(f"`{question['name']}` gave {a(result)}, not real numbers") from None
    return ["<f8", array.shape, base64.b64encode(array.tobytes()).decode()]


GIVE = {
    "lines": give_lines,
    "text": give_text,
    "number": give_number,
    "callable": give_callable,
    "call": give_call,
}


def a(value):
    """`None`, `a dict`, `an int`: what a value is, in words."""
    if value is None:
        return "None"
    name = type(value).__name__[:100]
    return f"an {name}" if name[:1] in "aeiouAEIOU" else f"a {name}"


if __name__ == "__main__":
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDWR)
    setup = json.loads(control.makefile("rb").readline())
    site.sethelper()
    offer_lossnotes(setup["derive"])
    warm_up()
    np.random.seed(0)  # noqa: NPY002  # every child begins with the same state
    os.chdir(setup["folder"])
    for standard in range(3):
        os.dup2(nothing, standard)
    if setup["filter"]:
        prctl(PR_SET_DUMPABLE, 0)  # no core, nor a program of the system that is called for one
    gc.freeze()
    control.sendall(b"+")
    try:
        serve(control, setup)
    finally:
        if not setup["filter"]:  # else nobody would, after a grader that was killed
            shutil.rmtree(setup["folder"], ignore_errors=True)
