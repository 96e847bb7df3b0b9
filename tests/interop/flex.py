"""The flex binary under test, run with an environment that holds nothing of the machine's own."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from servers import BIN, REGION, ROLE_ARN, SUBSCRIBER, VENDOR

LIMIT = 90


class Result:
    """What a run left: its exit code, its two streams, and the events when asked for JSON."""

    def __init__(self, args, code, out, err):
        self.args, self.code, self.out, self.err = args, code, out, err

    @property
    def events(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def summary(self):
        last = self.events[-1]
        assert (last["schema"], last["event"]) == (1, "summary"), f"the last event is the summary: {last}"
        assert last["exit_code"] == self.code, f"the summary tells the exit code\n{self}"
        return last

    def count(self, outcome):
        """Objects that ended so, by the summary."""
        return self.summary[outcome]["objects"]

    def expect(self, code):
        assert self.code == code, f"{self}\nexit code {self.code}, expected {code}"
        return self

    def __str__(self):
        return f"$ {' '.join(map(str, self.args))}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Flex:
    """One user's flex: a home, a server, a pair of buckets, and the base identity in the environment."""

    def __init__(self, binary, home, server, source, dest):
        self.binary, self.home, self.server = binary, Path(home), server
        self.env = {
            "PATH": f"{BIN}:/usr/bin:/bin",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "NO_COLOR": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": server.endpoint,
            "FLEX_ACCOUNT": SUBSCRIBER,
            "FLEX_SOURCE_BUCKET": source,
            "FLEX_SOURCE_ACCOUNT": VENDOR,
            "FLEX_ROLE_ARN": ROLE_ARN,
            "FLEX_BUCKET": dest,
            **server.user.environment(),
        }

    def without(self, *names):
        return {k: v for k, v in self.env.items() if k not in names}

    def __call__(self, *args, env=None):
        return self.run([self.binary, *args], env)

    def run(self, argv, env=None):
        """Any program in flex's surroundings."""
        done = subprocess.run(
            [str(a) for a in argv],
            cwd=self.home,
            env=self.env if env is None else env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        return Result(argv, done.returncode, done.stdout, done.stderr)

    def interrupted(self, args, when):
        """Run flex, and press Ctrl-C once `when()` is true."""
        argv = [str(self.binary), *args]
        with subprocess.Popen(
            argv,
            cwd=self.home,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            try:
                deadline = time.monotonic() + LIMIT
                while child.poll() is None and not when() and time.monotonic() < deadline:
                    time.sleep(0.005)
                if child.poll() is None:
                    child.send_signal(signal.SIGINT)
                out, err = child.communicate(timeout=LIMIT)
            except BaseException:
                child.kill()
                raise
        return Result(argv, child.returncode, out, err)

    def aws_config(self, text):
        folder = self.home / ".aws"
        folder.mkdir(exist_ok=True)
        (folder / "config").write_text(text)

    def profile(self, name, keys=None, process=None):
        """A section of the AWS configuration file: keys, or a command that gives them."""
        lines = [f"[profile {name}]", f"region = {REGION}"]
        if process:
            lines.append(f"credential_process = {process}")
        if keys:
            lines.append(f"aws_access_key_id = {keys.access_key}")
            lines.append(f"aws_secret_access_key = {keys.secret}")
            if keys.token:
                lines.append(f"aws_session_token = {keys.token}")
        return "\n".join(lines) + "\n"


def binary():
    path = os.environ.get("FLEX_BIN", "")
    return Path(path).resolve() if path and os.access(path, os.X_OK) else None


def sandbox_binary():
    """The sandbox: the one named, or beside flex, or as the tests built it."""
    given = os.environ.get("FLEX_SANDBOX_BIN", "")
    root = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).parents[2] / "target"))
    places = [Path(given)] if given else [binary().parent / "sandbox", root / "release" / "sandbox", root / "debug" / "sandbox"]
    for path in places:
        if os.access(path, os.X_OK):
            return path.resolve()
    raise RuntimeError("there is no sandbox: build it (cargo build -p flex-tests), or set FLEX_SANDBOX_BIN")
