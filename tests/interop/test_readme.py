"""README's journey on the sandbox, line by line as it stands there."""

import os
import re
import subprocess
from pathlib import Path

from flex import LIMIT, binary, sandbox_binary
from servers import free_ports

README = Path(__file__).parents[2] / "README.md"


def test_the_journey_of_the_readme(tmp_path):
    block = re.search(r"<!-- A test runs these lines. -->\n```sh\n(.*?)```", README.read_text(), re.DOTALL)
    assert block, "README has the journey"
    (port,) = free_ports(1)
    lines = block[1].replace("9100", str(port)).splitlines()
    assert lines[0].startswith("cargo build") and "target/release" in lines[1], "what is built already is left out"
    for program, path in [("flex", binary()), ("sandbox", sandbox_binary())]:
        (tmp_path / program).symlink_to(path)
    env = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    # -m: job control, for the %1 of the last line. The trap ends the sandbox if a line before fails.
    script = "\n".join(["set -em", "trap 'kill %1 2>/dev/null || true' EXIT", *lines[2:]])
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "set up" in done.stdout.splitlines(), done.stdout
    assert "missing: 0 objects" in done.stdout and "different: 0 objects" in done.stdout
    assert done.stdout.count("notice to the vendor: waiting for the vendor") + done.stderr.count(
        "notice to the vendor: waiting for the vendor"
    ), "the first run came before the vendor was ready"
