"""Pid 1 of a Machine (machine.py): says that it's there, then reaps what is orphaned. Its end is the end of all in there."""

import os
import signal

os.setsid()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
os.write(1, b"up\n")
os.close(1)
while True:
    signal.sigwait({signal.SIGCHLD})
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
