"""``python -m connectors.wickr.standin``: see ``process.start`` for how tests run it."""

import sys

from connectors.wickr.standin.app import main

if __name__ == "__main__":
    main(sys.argv[1:])
