"""A process of its own in which derivations are checked, because SymPy may never come back.

It lives through many submissions, so that lines which many students write are compared once.
The kernel ends it when a derivation takes too much time or memory; the next one finds a new one.
"""

import contextlib
import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile

from lossnotes.homework.check import check
from lossnotes.homework.finding import Finding, code, finding

SECONDS = 20  # of processor time for one derivation, so that a busy machine changes no score
MEMORY = 2 << 30
UNCHECKED = "not checked to the end"


class Judge:
    """Checks derivations like `check`, but comes back: with a finding that says so if it must."""

    def __init__(self, seconds=SECONDS, memory=MEMORY):
        self.seconds, self.memory = seconds, memory
        self.process = None

    def check(self, question, lines, parameters, seed):
        """The Finding on the lines of a derivation, given as texts."""
        if self.process is None:
            self.said = tempfile.TemporaryFile()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lossnotes.homework.judge"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.said,
                env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
            )
        with contextlib.suppress(BrokenPipeError):
            request = (question, lines, parameters, seed, self.seconds, self.memory)
            pickle.dump(request, self.process.stdin)
            self.process.stdin.flush()
        if answer := self.process.stdout.readline():
            return Finding(**json.loads(answer))
        if self.close() == 1:  # an exception, which is no mistake of the student
            self.said.seek(0)
            reason = self.said.read().decode(errors="replace").strip().rpartition("\n")[2]
            says = f"Your lines could not be checked to the end: {code(reason)}. They need a look."
        else:
            says = (
                f"To check your lines took more than {self.seconds} seconds or "
                f"{self.memory >> 20} MiB, so they were not checked to the end. "
                "Write them in a simpler form, or with smaller numbers."
            )
        return finding(question, 0, "wrong", says, UNCHECKED)

    def close(self):
        """End the process; returns how it ended, None if there is none."""
        if self.process is None:
            return None
        self.process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            return self.process.wait(timeout=10)  # it ends by itself, on a busy machine later
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self.process = None


def serve():
    """Answer requests until there are no more. What SymPy prints reaches nobody."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            *arguments, seconds, memory = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
            # Nothing catches this signal: the kernel ends the process wherever it is.
            signal.setitimer(signal.ITIMER_PROF, seconds)
            found = json.dumps(vars(check(*arguments)))
            signal.setitimer(signal.ITIMER_PROF, 0)
            answers.write(found.encode() + b"\n")
            answers.flush()
        except (MemoryError, RecursionError, SystemError):  # the last without memory for its reason
            os._exit(2)


if __name__ == "__main__":
    serve()
