"""Runs a program with a time limit, and ends all of it when the time is over."""

import os
import signal
import subprocess
import time


def run(command, folder, seconds):
    """(exit status or None if the time was over, standard output, standard error, seconds)."""
    began = time.monotonic()
    child = subprocess.Popen(
        ["nice", *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, errors="replace", start_new_session=True,
    )
    try:
        out, err = child.communicate(timeout=seconds)
        status = child.returncode
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        out, err = child.communicate()
        status = None
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    return status, out, err, time.monotonic() - began
