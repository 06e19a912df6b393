"""`python -m dashboard`: the front, as `wallcross serve` starts it.

Rule kept here: nothing of the pages, and none of their libraries, is imported before this process
is confined (``dashboard.confine``).
"""

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from dashboard.confine import confine


def main(arguments: Sequence[str] | None = None) -> None:
    """Confines this process and runs the front in it."""
    given = _parser().parse_args(arguments)
    confined = confine(Path.cwd(), given.port)
    import_module("dashboard.serving").serve(given, confined)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dashboard", description="The dashboard.")
    parser.add_argument("--socket", type=Path, required=True, help="the desk's door")
    parser.add_argument("--port", type=int, default=8642)
    parser.add_argument("--origin", default="http://localhost:8642", help="as browsers name it")
    parser.add_argument("--zone", default="UTC", help="the deals' time zone, such as Europe/Paris")
    parser.add_argument("--check", action="store_true", help="says what is in force, and ends")
    parser.add_argument("--alone", action="store_true", help="goes on when its input is closed")
    return parser


if __name__ == "__main__":
    main()
