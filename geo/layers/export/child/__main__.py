"""`python -m geo.layers.export.child`: writes one file and ends.

stdin: a line of JSON (see geo.layers.export.making), then the rows up to its end. Exit status 3: the format cannot hold
these rows; stderr says why.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import IO, Any

CANNOT = 3
ENCODERS = {
    "flatgeobuf": ("flatgeobuf", "write_flatgeobuf"),
    "geoparquet": ("parquet", "write_parquet"),
    "gpkg": ("geopackage", "write_geopackage"),
    "shp-zip": ("shapefile", "write_shapefile"),
    "xlsx": ("workbook", "write_workbook"),
}


def _encoder(name: str) -> Callable[[dict[str, Any], IO[bytes], Path], None]:
    """Each imported only where it is needed: Arrow takes half a second, and tens of megabytes."""
    module, function = ENCODERS[name]
    encoder: Callable[[dict[str, Any], IO[bytes], Path], None] = getattr(
        import_module(f"geo.layers.export.child.{module}"), function
    )
    return encoder


def main() -> int:
    os.nice(5)  # behind the web server and the database
    question = json.loads(sys.stdin.buffer.readline())
    try:
        _encoder(question["format"])(question, sys.stdin.buffer, Path(question["path"]))
    except Exception as error:
        # GDAL says so where a part of a Shapefile would be larger than its 32-bit offsets reach.
        if "2GB" in str(error) or "4GB" in str(error):
            print(error, file=sys.stderr)
            return CANNOT
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # Not sys.exit: one of Arrow's threads may still hold stdin while Python takes itself down, and aborts the process
    # then ("terminate called without an active exception", in 2 of 150 runs). The file is closed by now.
    os._exit(status)
