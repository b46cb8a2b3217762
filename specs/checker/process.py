"""Runs a program with a limit on the processor's time that it uses, and ends all of it when that is over.

Processor time, not the clock's: so that a busy machine changes no verdict. A program that only waits is ended as well, much later.
"""

import math
import os
import signal
import subprocess
import tempfile
import threading

_PATIENCE = 20
# The shell is replaced by the program, so that the limit is the program's.
_LIMITED = 'ulimit -c 0; ulimit -t "$0"; exec "$@"'


def run(command, folder, seconds):
    """(exit status or None if the time was over, standard output, standard error, seconds of the processor)."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(
            ["nice", "sh", "-c", _LIMITED, str(math.ceil(seconds)), *command], cwd=folder, stdin=subprocess.DEVNULL,
            stdout=out, stderr=err, start_new_session=True,
        )
        waiting = threading.Timer(_PATIENCE * seconds, _end, [child.pid])
        waiting.daemon = True
        waiting.start()
        try:
            _, ended, used = os.wait4(child.pid, 0)
        except BaseException:
            _end(child.pid)
            raise
        finally:
            waiting.cancel()
        child.returncode = os.waitstatus_to_exitcode(ended)
        status = None if child.returncode in (-signal.SIGXCPU, -signal.SIGKILL) else child.returncode
        return status, _text(out), _text(err), used.ru_utime + used.ru_stime


def _end(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _text(file):
    file.seek(0)
    return file.read().decode(encoding="utf-8", errors="replace")
