"""`python -m bench [name …] [--smoke]`: runs the named benchmarks, or all of them; each prints ratios against baselines of the same
run. With --smoke, which some have, a benchmark only shows that it runs."""

import subprocess
import sys
from importlib.util import find_spec

NAMES = ("ingest", "geojson", "layers", "correlation", "analysis", "calibration", "reports", "board", "web")
SMOKE = ("ingest", "web")


def main(arguments: list[str]) -> int:
    """The number of benchmarks that missed their mark, as the exit status."""
    if arguments in (["-h"], ["--help"]):
        print(f"usage: python -m bench [{' | '.join(NAMES)}] … [--smoke]")
        return 0
    options = ["--smoke"] if "--smoke" in arguments else []
    arguments = [each for each in arguments if each not in options]
    if options and not (arguments and set(arguments) <= set(SMOKE)):
        print(f"--smoke is for {', '.join(SMOKE)}", file=sys.stderr)
        return 2
    names = arguments or [name for name in NAMES if find_spec(f"bench.{name}")]
    unknown = [name for name in names if name not in NAMES or not find_spec(f"bench.{name}")]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    missed = 0
    for name in names:
        print(f"== {name}", flush=True)
        # A process each: Django is set up once in a process, on one database.
        missed += subprocess.run([sys.executable, "-m", f"bench.{name}", *options], check=False).returncode != 0
    return missed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
