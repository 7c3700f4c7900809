"""The trusted side of a submission: run its cells in a locked-down process, ask for its values.

Only texts, numbers and arrays of float64 come back, as JSON of bounded size, and are never
unpickled or evaluated. `worker.py` says how the process is locked down, and why so.
"""

import base64
import contextlib
import errno
import functools
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from lossnotes.homework.finding import AnswerError, NoAnswer
from lossnotes.homework.submissions import printable

WORKER = Path(__file__).with_name("worker.py")
LIBRARY = Path(__file__).parents[1]
FOLDER = "/run/homework"  # where a submission finds its own, and only, folder
NOBODY = 65534
START = 60  # seconds within which the worker is ready
LARGEST = 1 << 17  # numbers of an array, and each of its sizes
ERRORS, REASON = 100, 500  # failed cells that are told, and characters to say why

# What a submission may ask of the kernel: its own files, memory, clock and signal handlers.
CALLS = """
    access alarm arch_prctl brk chdir clock_getres clock_gettime clock_nanosleep close
    close_range copy_file_range dup dup2 dup3 exit exit_group faccessat faccessat2 fadvise64
    fallocate fchdir fdatasync fstat fstatfs fsync ftruncate futex getcpu getcwd getdents
    getdents64 getegid geteuid getgid getgroups getitimer getpgid getpgrp getpid getppid
    getrandom getresgid getresuid getrlimit getrusage getsid gettid gettimeofday getuid
    lseek lstat madvise mincore mkdir mkdirat mmap mprotect mremap msync munmap nanosleep
    newfstatat open openat pause pipe pipe2 poll ppoll pread64 preadv pselect6 pwrite64
    pwritev read readlink readlinkat readv rename renameat renameat2 restart_syscall rmdir
    rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigreturn rt_sigsuspend
    rt_sigtimedwait sched_getaffinity sched_yield select sendfile set_robust_list
    set_tid_address setitimer sigaltstack stat statfs statx sysinfo time times truncate
    umask uname unlink unlinkat utimensat write writev
""".split()
# Of these two only what a file needs: fcntl could have signals sent, locks would fill the memory.
FCNTL = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC
IOCTL = (0x5401, 0x5450, 0x5451)  # TCGETS, FIONCLEX, FIOCLEX

# Every door is tried once from the inside before the first submission: {library} is a path.
DOORS = """
import os, socket
open_doors = []
for door, attempt in {{
    "a new process": lambda: os.fork() or os._exit(0),
    "a network socket": lambda: socket.socket(),
    "a signal to the worker": lambda: os.kill(os.getppid(), 0),
    "the library": lambda: os.stat({library!r}),
    "a file outside the folder": lambda: open("/outside", "w"),
    "/proc": lambda: os.stat("/proc/self"),
}}.items():
    try:
        attempt()
    except OSError:
        continue
    open_doors.append(door)
"""


class NoSandbox(Exception):
    """This machine cannot lock a process down."""


class Timeout(Exception):
    """The submission as a whole took too long; nothing more can be asked of it."""


class Crashed(Exception):
    """The submission's process ended, or answered nonsense; nothing more can be asked of it."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use. A single cell or value may take a quarter of the time."""

    seconds: int = 20  # of processor time for all of it; on the clock twice as many
    memory: int = 2 << 30  # bytes of address space
    space: int = 64 << 20  # bytes of files in its folder
    answer: int = 1 << 20  # bytes of one answer


class Sandbox:
    """Runs submissions one after the other, each in a process of its own.

    `trusted` runs them without a lock, as the user who grades: for one's own notebooks. If it is
    "nobody", they run as that user, which only root can arrange.
    Raises NoSandbox where the machine offers no lock, or one with an open door.
    """

    def __init__(self, limits: Limits | None = None, trusted: bool | str = False):
        self.limits = limits or Limits()
        self.trusted = trusted
        self._control = None
        self._start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self) -> None:
        """End the worker, and with it whatever runs in it."""
        if self._control is None:
            return
        self._control.close()
        self._control = None
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self.trusted:
            self._folder.cleanup()

    @contextlib.contextmanager
    def run(self, cells: list[str], files: dict[str, str] | None = None) -> Iterator["Answers"]:
        """Run the cells in order in a fresh process, and keep it while its answers are asked for.

        They find files, given as texts by name, in their folder: what a student has anyway.
        A cell that fails does not stop the next one. Raises Timeout or Crashed, here or at any
        later question.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._order(b"p" if "matplotlib" in "".join(cells) else b"r", theirs)
            yield Answers(ours, cells, files or {}, self.limits, self._stop)
        finally:
            ours.close()
            self._stop()

    def _start(self) -> None:
        command = [os.path.realpath(sys.executable), "-B", "-P", "-S", "-s", str(WORKER)]
        rules = None
        if not self.trusted:
            rules = base64.b64encode(_filter()).decode()
            command = [*_bubblewrap(self.limits), "--", *command]
        self._control, theirs = socket.socketpair()
        self._running = False
        folder = FOLDER
        if self.trusted:
            self._folder = tempfile.TemporaryDirectory(prefix="lossnotes-")
            folder = self._folder.name
        setup = {
            "filter": rules,
            "derive": str(LIBRARY / "derive"),
            "folder": folder,
            "seconds": self.limits.seconds,
            "memory": self.limits.memory,
            "space": self.limits.space,
        }
        with theirs, tempfile.TemporaryFile() as said:
            self._process = subprocess.Popen(
                command,
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=_environment(folder),
                start_new_session=True,  # Ctrl-C is for the grader
                **self._user(folder),
            )
            theirs.close()
            self._control.settimeout(START)
            reason = "it ended at once"
            try:
                self._control.sendall(json.dumps(setup).encode() + b"\n")
                ready = self._control.recv(1)
            except OSError as error:
                ready, reason = b"", str(error)
            if ready != b"+":
                said.seek(0)
                reason = said.read(2000).decode(errors="replace").strip() or reason
                self.close()
                raise NoSandbox(f"the process for submissions did not start: {reason}")
        if not self.trusted:
            self._try_doors()

    def _user(self, folder) -> dict:
        """As whom the worker runs: as oneself, or as nobody, who has a folder and little else."""
        if self.trusted != "nobody":
            return {}
        os.chown(folder, NOBODY, NOBODY)
        return {"user": NOBODY, "group": NOBODY, "extra_groups": []}

    def _try_doors(self) -> None:
        try:
            with self.run([DOORS.format(library=str(LIBRARY / "losses"))]) as answers:
                doors = answers.lines("open_doors")
        except (Timeout, Crashed, AnswerError) as error:
            self.close()
            raise NoSandbox(f"the lock could not be tried: {error}") from error
        if doors:
            self.close()
            raise NoSandbox(f"the lock leaves open: {', '.join(doors)}")

    def _order(self, order: bytes, channel: socket.socket) -> None:
        """Have a child forked for the channel, by a new worker where the old one is gone."""
        if self._control is not None:
            try:
                socket.send_fds(self._control, [order], [channel.fileno()])
                self._running = True
                return
            except OSError:
                self.close()
        self._start()
        socket.send_fds(self._control, [order], [channel.fileno()])
        self._running = True

    def _stop(self) -> Exception | None:
        """End the child, and say what ended it before. A worker in trouble is replaced later."""
        if not self._running:
            return None
        self._running = False
        try:
            self._control.sendall(b"s")
            reply = self._control.recv(4, socket.MSG_WAITALL)
            status = os.waitstatus_to_exitcode(*struct.unpack("=i", reply))
        except (OSError, struct.error):
            self.close()
            return Crashed("the process for submissions is gone")
        if status >= 0:
            return Crashed(f"it ended its own process, with exit code {status}")
        if -status == signal.SIGXCPU:
            return Timeout(f"it took longer than {self.limits.seconds} seconds")
        if -status == signal.SIGKILL:
            return Crashed("it was stopped at a limit, or closed its channel")
        return Crashed(f"its process died: {signal.strsignal(-status)}")


class Answers:
    """What a submission that has run answers. Raises NoAnswer for one that is missing, AnswerError
    for one that is not what the question asks for or could not be computed; Timeout and Crashed
    for all.

    `errors` lists the cells that failed, counted from 1, with what Python said, and the lines
    that only Jupyter understands, which were left out.
    """

    def __init__(self, channel, cells, files, limits, stop):
        self._channel, self._limits, self._stop = channel, limits, stop
        self._left = 2 * limits.seconds  # to wait for it: what judging takes is not counted
        self._over = None
        self._received = bytearray()  # what is said unasked is the answer to the next question
        order = {"cells": cells, "files": files}
        self.errors: list[tuple[int, str]] = self._exchange(order, _errors)

    def lines(self, name: str) -> list[str]:
        """The lines of a derivation, as texts: a SymPy expression as SymPy prints it."""
        return self._ask("lines", name, _texts)

    def number(self, name: str) -> float:
        """A number; NaN and infinity are numbers here."""
        return self._ask("number", name, lambda value: value if type(value) is float else None)

    def text(self, name: str) -> str:
        """A written answer; control characters come as question marks."""
        return self._ask("text", name, _text)

    def function(self, name: str) -> Callable[..., np.ndarray]:
        """A function of numbers and NumPy arrays; its result is an array of float64.

        The submission's function gets arrays, and NumPy scalars where the shape is ().
        """
        self._ask("callable", name, lambda value: value)

        def call(*arguments):
            arrays = [np.asarray(argument) for argument in arguments]
            if any(array.dtype.kind not in "biuf" for array in arrays):
                raise TypeError("arguments are numbers or arrays of numbers")
            packed = [
                [array.dtype.str, array.shape, base64.b64encode(array.tobytes()).decode()]
                for array in arrays
            ]
            most = self._limits.answer // 2
            return self._ask("call", name, _array, {"arguments": packed, "most": most})

        return call

    def _ask(self, kind, name, take, more=None):
        def answer(reply):
            match reply:
                case {"nothing": str(reason)} if len(reason) <= REASON:
                    return NoAnswer(_text(reason))
                case {"error": str(reason)} if len(reason) <= REASON:
                    return AnswerError(_text(reason))
                case {"value": value}:
                    return take(value)

        answer = self._exchange({"kind": kind, "name": name, **(more or {})}, answer)
        if isinstance(answer, AnswerError):
            raise answer
        return answer

    def _exchange(self, message, take):
        """Send a message, and take what comes back; for `take` None is what does not suit."""
        if self._over is None:
            begun = time.monotonic()
            try:
                taken = take(json.loads(self._send_and_receive(message, begun + self._left)))
                if taken is not None:
                    self._left -= time.monotonic() - begun
                    return taken
                self._over = Crashed("what it answers is not what was asked for")
            except TimeoutError:
                waited = 2 * self._limits.seconds
                self._over = Timeout(f"it did not answer for {waited} seconds")
            except OSError:
                self._over = self._stop() or Crashed("it has been closed")
            except (ValueError, RecursionError):
                self._over = Crashed("what it answers is not JSON")
        raise self._over

    def _send_and_receive(self, message, deadline) -> bytes:
        self._channel.settimeout(self._until(deadline))
        self._channel.sendall(json.dumps(message).encode() + b"\n")
        while b"\n" not in self._received:
            self._channel.settimeout(self._until(deadline))
            piece = self._channel.recv(1 << 16)
            if not piece:
                raise ConnectionError
            self._received += piece
            if len(self._received) > self._limits.answer:
                raise ValueError
        line, _, self._received = self._received.partition(b"\n")
        return bytes(line)

    @staticmethod
    def _until(deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _text(value) -> str | None:
    """A text that can be shown; what joins letters, as Persian and emoji need it, is kept."""
    return printable(value, "\n\t\u200c\u200d") if type(value) is str else None


def _texts(value) -> list[str] | None:
    if type(value) is list and all(type(entry) is str for entry in value):
        return [_text(entry) for entry in value]
    return None


def _errors(value) -> list[tuple[int, str]] | None:
    if type(value) is not list or len(value) > ERRORS:
        return None
    for entry in value:
        match entry:
            case [int(number), str(reason)] if 0 < number < 10**6 and len(reason) <= REASON:
                continue
        return None
    return [(number, _text(reason)) for number, reason in value]


def _array(value) -> np.ndarray | None:
    """Without a number a size may be as large as one likes, and so is what is computed of it."""
    match value:
        case ["<f8", [*shape], str(data)] if all(
            type(size) is int and 0 <= size <= LARGEST for size in shape
        ):
            with contextlib.suppress(ValueError):
                return np.frombuffer(base64.b64decode(data), "<f8").reshape(shape)
    return None


# The lock


def _environment(folder) -> dict[str, str]:
    """All that a submission finds in its environment."""
    packages = {
        str(Path(find_spec(name).origin).parents[1])
        for name in ("numpy", "sympy", "mpmath", "IPython")
    }
    return {
        "HOME": folder,
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": folder,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(sorted(packages)),
        "PYTHONUTF8": "1",
    }


def _bubblewrap(limits) -> list[str]:
    python = os.path.realpath(sys.executable)
    packages = _environment("")["PYTHONPATH"].split(os.pathsep)
    seen = {sysconfig.get_path("stdlib"), os.path.join(sys.base_prefix, "lib"), python, *packages}
    bubblewrap = shutil.which("bwrap")
    if bubblewrap is None:
        raise NoSandbox("bubblewrap (the program bwrap) is not installed")
    command = [bubblewrap, "--unshare-all", "--unshare-user", "--uid", str(NOBODY)]
    command += ["--gid", str(NOBODY)]
    command += ["--cap-drop", "ALL"]
    for path in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache"):
        command += ["--ro-bind-try", path, path]
    for path in sorted(seen):
        command += ["--ro-bind", path, path]
    for path in packages:
        if os.path.isdir(os.path.join(path, "lossnotes")):
            command += ["--tmpfs", os.path.join(path, "lossnotes")]
    for path in (str(WORKER), str(LIBRARY / "derive")):
        command += ["--ro-bind", path, path]
    for device in ("null", "zero", "random", "urandom"):
        command += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    command += ["--size", str(limits.space), "--tmpfs", FOLDER, "--remount-ro", "/"]
    return command


@functools.cache
def _filter() -> bytes:
    """The seccomp filter as the kernel's program: what is not on the list is not permitted."""
    if sys.platform != "linux":
        raise NoSandbox("only Linux offers the lock that homework is graded in")
    try:
        import pyseccomp
    except (ImportError, RuntimeError) as error:
        raise NoSandbox(f"pyseccomp or libseccomp is missing: {error}") from error
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for call in CALLS:
        rules.add_rule(pyseccomp.ALLOW, call)
    for call, commands in (("fcntl", FCNTL), ("ioctl", IOCTL)):
        for command in commands:
            rules.add_rule(pyseccomp.ALLOW, call, pyseccomp.Arg(1, pyseccomp.EQ, command))
    with tempfile.TemporaryFile() as program:
        rules.export_bpf(program)
        program.seek(0)
        return program.read()
