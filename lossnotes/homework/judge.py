"""A process of its own in which derivations are checked, because SymPy may never come back.

It is forked from the one that grades, which has loaded SymPy, and lives through many submissions,
so that lines which many students write are compared once. The kernel ends it when a derivation
takes too much time or memory; the next one finds a new one.
"""

import contextlib
import gc
import json
import os
import pickle
import resource
import signal
import socket
import sys

from lossnotes.homework.check import check
from lossnotes.homework.finding import Finding, code, finding

SECONDS = 20  # of processor time for one derivation, so that a busy machine changes no score
MEMORY = 2 << 30  # bytes beyond those that it begins with
PATIENCE = 10  # seconds within which it ends by itself, on a busy machine, too
CHANNEL = 3  # its only descriptor beside the standard three
UNCHECKED = "not checked to the end"


class Judge:
    """Checks derivations like `check`, but comes back: with a finding that says so if it must."""

    def __init__(self, seconds=SECONDS, memory=MEMORY):
        self.seconds, self.memory = seconds, memory
        self.channel = None

    def check(self, question, lines, parameters, seed):
        """The Finding on the lines of a derivation, given as texts."""
        if self.channel is None:
            self._start()
        request = (question, lines, parameters, seed, self.seconds, self.memory)
        answer = b""
        with contextlib.suppress(ConnectionError):
            self.channel.sendall(pickle.dumps(request))
            answer = self.answers.readline()
        if answer:
            found = json.loads(answer)
            if isinstance(found, dict):
                return Finding(**found)
            self.close()  # after an exception, which is no mistake of the student
            says = f"Your lines could not be checked to the end: {code(found)}. They need a look."
        else:
            self.close()
            says = (
                f"To check your lines took more than {self.seconds} seconds or "
                f"{self.memory >> 20} MiB, so they were not checked to the end. "
                "Write them in a simpler form, or with smaller numbers."
            )
        return finding(question, 0, "wrong", says, UNCHECKED)

    def _start(self):
        self.channel, theirs = socket.socketpair()
        with theirs:
            self.process = os.fork()
            if not self.process:
                try:
                    serve(theirs)
                finally:
                    os._exit(0)
        self.answers = self.channel.makefile("rb")

    def close(self):
        """End the process, if there is one."""
        if self.channel is None:
            return
        with self.channel, self.answers, contextlib.suppress(OSError):
            self.channel.shutdown(socket.SHUT_WR)
            self.channel.settimeout(PATIENCE)
            while self.channel.recv(1 << 16):
                pass
        self.channel = None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)


def serve(channel):
    """Answer requests until there are no more. What SymPy prints reaches nobody."""
    os.setsid()  # Ctrl-C is for the grader
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    os.dup2(channel.fileno(), CHANNEL)
    os.closerange(CHANNEL + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    sys.stdout = sys.stderr = open(1, "w", closefd=False)
    gc.freeze()  # what is there is never garbage, and stays shared with the process that grades
    begun = address_space()
    requests, answers = (open(CHANNEL, mode, closefd=False) for mode in ("rb", "wb"))
    while True:
        try:
            *arguments, seconds, memory = pickle.load(requests)
        except EOFError:
            return
        try:
            resource.setrlimit(resource.RLIMIT_AS, (begun + memory,) * 2)
            # Nothing catches this signal: the kernel ends the process wherever it is.
            signal.setitimer(signal.ITIMER_PROF, seconds)
            found = vars(check(*arguments))
            signal.setitimer(signal.ITIMER_PROF, 0)
        except (MemoryError, RecursionError, SystemError):  # the last without memory for its reason
            return
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
        answers.write(json.dumps(found).encode() + b"\n")
        answers.flush()


def address_space():
    """Bytes of the address space of this process; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as sizes:
            return int(sizes.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0
