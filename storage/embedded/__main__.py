"""`python -m storage.embedded --data-dir D --port N`: the embedded store alone."""

import argparse
import logging
from pathlib import Path

from storage.embedded.server import run_store


def main() -> None:
    """Run the store with the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m storage.embedded", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder that keeps everything")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8123)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    run_store(options.data_dir, options.host, options.port)


if __name__ == "__main__":
    main()
