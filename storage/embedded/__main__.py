"""`python -m storage.embedded --data-dir D --port N`: the embedded store alone."""

import argparse
import logging
from pathlib import Path

from storage.embedded.analyst_settings import AnalystLimits
from storage.embedded.server import StoreLimits, run_store


def main() -> None:
    """Run the store with the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m storage.embedded", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder that keeps everything")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--analyst-time-s", type=int, default=AnalystLimits().time_s)
    parser.add_argument("--analyst-memory-bytes", type=int, default=AnalystLimits().memory_bytes)
    parser.add_argument("--analyst-result-bytes", type=int, default=AnalystLimits().result_bytes)
    parser.add_argument("--analyst-queries", type=int, default=StoreLimits().analyst_queries)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    analyst = AnalystLimits(options.analyst_time_s, options.analyst_memory_bytes, options.analyst_result_bytes)
    run_store(options.data_dir, options.host, options.port, StoreLimits(analyst, options.analyst_queries))


if __name__ == "__main__":
    main()
