"""Install, or name, the Debian packages that the browser and database tests need."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NEEDED = {
    "chromium-headless-shell": lambda: shutil.which("chromium-headless-shell"),
    "postgresql": lambda: any(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
    "fonts-noto-cjk": lambda: any(Path("/usr/share/fonts").rglob("NotoSansCJK*")),
}


def main() -> int:
    """Return 0 when everything is there, else install as root or say exactly what is missing."""
    missing = [name for name, present in NEEDED.items() if not present()]
    if not missing:
        return 0
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"The tests need: apt-get install {' '.join(missing)}", file=sys.stderr)
        return 1
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    subprocess.run(["apt-get", "update", "-qq"], check=True, env=quiet)
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], check=True, env=quiet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
