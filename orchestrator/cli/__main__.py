"""`python -m orchestrator.cli`: the same program where no script is installed."""

from orchestrator.cli.main import main

main()
