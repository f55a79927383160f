"""Our side: the command `nonlocal`, in a process of its own for each call."""
import json
import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy
import torch

from cases import BARE


class Failed(Exception):
    """The command did not do what was asked; the text is its own message."""


class PeakMemory:
    """The largest resident memory of a process while it runs. What the system says of it afterwards counts the
    memory of the process that started it, too."""

    def __init__(self, pid):
        self.path, self.kilobytes = f"/proc/{pid}/status", 0
        self.thread = threading.Thread(target=self._follow)
        self.thread.start()

    def _follow(self):
        while True:
            try:
                with open(self.path) as lines:
                    peak = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
            except OSError:
                return
            if not peak:
                return
            self.kilobytes = peak[0]
            time.sleep(0.05)

    def bytes(self):
        self.thread.join()
        return self.kilobytes * 1024


class Command:
    """The built command."""

    def __init__(self, path):
        self.path = str(Path(path).resolve())

    def call(self, words, seconds=600, environment=None):
        """Runs the command to its end: its stdout, the seconds on the clock and its largest resident memory in
        bytes."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            start = time.monotonic()
            process = subprocess.Popen(
                [self.path, *map(str, words)], stdout=output, stderr=errors,
                env={**os.environ, **(environment or {})})
            timer = threading.Timer(seconds, process.kill)
            timer.start()
            memory = PeakMemory(process.pid)
            _, status = os.waitpid(process.pid, 0)
            elapsed = time.monotonic() - start
            in_time = timer.is_alive()
            timer.cancel()
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            errors.seek(0)
            if process.returncode != 0:
                lines = [l for l in errors.read().decode().splitlines() if l.startswith(("nonlocal:", "Error:"))]
                why = lines[0] if lines else f"status {process.returncode}"
                raise Failed(why if in_time else f"not done within {seconds:.0f} s")
            return output.read().decode(), elapsed, memory.bytes()

    def bench(self, case, runs, seconds=600):
        """The one object that `nonlocal bench --json` prints."""
        words = ["bench", "--json", "--runs", runs, *case.options]
        return json.loads(self.call(words, seconds)[0])[0]

    def result(self, problem, folder):
        """z by `nonlocal run` on the problem's files, or y for the bare operation."""
        x, weights, z = (str(Path(folder) / name) for name in ("x.npy", "w.safetensors", "z.npy"))
        options = problem.write(x, weights)
        self.call(["run", "--input", x, "--weights", weights, "--output", z, "--validate", "off", *options])
        result = torch.from_numpy(numpy.load(z))
        return result[:, 3 * problem.case.d:] if problem.case.kind == BARE else result

    def knows(self, subcommand, option):
        """Whether a subcommand has an option."""
        return option in self.call([subcommand, "--help"])[0]

    def device(self):
        """The OpenCL device that is used."""
        environment = os.environ.get("NONLOCAL_DEVICE")
        devices = json.loads(self.call(["devices", "--json"])[0])
        name = json.loads(self.call(["bench", "--json", "--bare", "--shape", "1x8x8", "--runs", 1])[0])[0]["device"]
        found = next((device for device in devices if device["name"] == name), {"name": name})
        return found | ({"NONLOCAL_DEVICE": environment} if environment else {})
