"""Write requirements/*.txt from pyproject.toml: pinned, hashed, without any host name."""

import subprocess
import sys

OPTIONS = (
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-header",
    "--upgrade",
)


def main() -> None:
    build = ["requirements/build.in"]
    for target, extra in (("runtime", []), ("dev", ["--group=dev"])):
        subprocess.run(
            [sys.executable, "-m", "uv", "pip", "compile", *OPTIONS, *extra]
            + ["pyproject.toml", *build, "-o", f"requirements/{target}.txt"],
            check=True,
        )


if __name__ == "__main__":
    main()
