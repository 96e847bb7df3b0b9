"""Runs the load model, and programs against it, and measures both."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

# A process of its own starts the program and waits for it: a child's peak resident set begins with its parent's, and this
# one's is small (about 9 MiB; a smaller program cannot be told from it).
LAUNCHER = """
import _signal, json, os, sys, time
_signal.signal(_signal.SIGTERM, _signal.SIG_IGN)
begun = time.monotonic()
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ, setsigdef=[_signal.SIGTERM])
_, status, usage = os.wait4(child, 0)
told = {"wall": time.monotonic() - begun, "user": usage.ru_utime, "system": usage.ru_stime,
        "peak_mib": usage.ru_maxrss / 1024, "exit_code": os.waitstatus_to_exitcode(status)}
with open(sys.argv[1], "w") as out:
    json.dump(told, out)
"""


class Model:
    """A load model that serves one scene."""

    def __init__(self, program, scene, options):
        self.command = [str(program), "--scene", scene, *options]
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.url = None
        for line in self.process.stdout:
            if found := re.match(r"export AWS_ENDPOINT_URL=(\S+)", line):
                self.url = found[1]
            if line.startswith("# Ready"):
                break
        else:
            raise SystemExit(f"the load model did not start: exit code {self.process.wait()}")
        self.scene = self.ask("scene")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, what, method="GET"):
        request = urllib.request.Request(f"{self.url}/_model/{what}", method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def cpu(self):
        """Seconds of CPU that the model has used."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        user, system = stat.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def floor(program, scene, options):
    """What a trivial client reaches."""
    command = [str(program), "--scene", scene, "--latency-ms", "0", "--write-limit", "0", *options, "--floor"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def run(model, tool, work, time_limit):
    """One run of a tool on a fresh destination; what was measured on both sides."""
    home = work / "home" / tool.name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (work / "logs").mkdir(exist_ok=True)
    log = work / "logs" / f"{model.scene['name']}-{tool.name}.log"
    command, environment = tool.command(model, home)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AWS_ACCESS_KEY_ID": "AKIALOADMODEL0000000",
        "AWS_SECRET_ACCESS_KEY": "load",
        "AWS_REGION": "ap-northeast-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        **environment,
    }
    model.ask("reset", "POST")
    before = model.cpu()
    told = home / "usage.json"
    launch = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(told), *command]
    with open(log, "wb") as out:
        process = subprocess.Popen(
            launch, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, start_new_session=True
        )
        timed_out = False
        try:
            process.wait(time_limit)
        except subprocess.TimeoutExpired:
            timed_out = True
            stop(process)
        except BaseException:
            stop(process)
            raise
    usage = json.loads(told.read_text()) if told.exists() else {"exit_code": None, "wall": time_limit}
    server = model.ask("stats")
    return {
        "tool": tool.name,
        "command": printable(command, environment, model, home),
        "timed_out": timed_out,
        "model_cpu": model.cpu() - before,
        **usage,
        "server": server,
    }


def stop(process):
    """Ends the launcher's own session: the program, then the launcher, which has written what it measured."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def printable(command, environment, model, home):
    """The command as one would type it: no paths of this machine, no credentials."""
    hidden = ("PATH", "HOME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_EC2_METADATA_DISABLED")
    shown = [f"{name}={value}" for name, value in environment.items() if name not in hidden]
    words = [*shown, *map(shlex.quote, [Path(command[0]).name, *command[1:]])]
    return " ".join(words).replace(model.url, "$MODEL").replace(str(home), "$HOME")
