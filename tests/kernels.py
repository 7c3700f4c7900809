"""Kernels for the notebooks, each a fork of a process that has imported what most of them need."""

import multiprocessing
import os
import threading
from multiprocessing import forkserver
from unittest.mock import patch

import matplotlib
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.provisioning import LocalProvisioner

# Not the server that the processes of a grader are forked from, which has loaded other things.
server = forkserver.ForkServer()
server.set_forkserver_preload(
    [
        "ipykernel.kernelapp",
        "jupyter_client.provisioning",
        "matplotlib.pyplot",
        "sklearn.calibration",
        "sklearn.datasets",
        "lossnotes.confirm",
        "lossnotes.derive.symbols",
        "lossnotes.figures",
        "lossnotes.moving",
    ]
)


def end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)


def begin(command, folder, environment):
    """What the command does: `python -m ipykernel_launcher ...`."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    os.chdir(folder)
    os.environ.update(environment)
    # Else the kernel says so, by the environment, before matplotlib is imported.
    matplotlib.rcParams["backend"] = "module://matplotlib_inline.backend_inline"
    IPKernelApp.launch_instance([*command[3:], "--no-stderr"])


class Forked(LocalProvisioner):
    """As Jupyter's own, which begins a Python for each kernel."""

    async def launch_kernel(self, cmd, **options):
        forking = multiprocessing.get_context("forkserver")
        kernel = forking.Process(target=begin, args=(cmd, options["cwd"], options["env"]))
        kernel.daemon = True
        with patch.object(forkserver, "connect_to_new_process", server.connect_to_new_process):
            kernel.start()
        kernel.stdin = kernel.stdout = kernel.stderr = None
        kernel.poll, kernel.wait = lambda: kernel.exitcode, kernel.join
        kernel.send_signal = lambda number: os.kill(kernel.pid, number)
        self.process, self.pid, self.cwd = kernel, kernel.pid, options["cwd"]
        return self.connection_info
