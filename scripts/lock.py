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

SOURCES = ("pyproject.toml", "requirements/build.in")


def main() -> None:
    for target, extra in (("runtime", []), ("dev", ["--group=dev"])):
        output = f"requirements/{target}.txt"
        subprocess.run(
            [
                sys.executable,
                "-m",
                "uv",
                "pip",
                "compile",
                *OPTIONS,
                *extra,
                *SOURCES,
                f"--output-file={output}",
            ],
            check=True,
        )


if __name__ == "__main__":
    main()
