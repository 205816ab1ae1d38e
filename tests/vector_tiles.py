"""Reading vector tiles back with GDAL, an implementation that is not ours."""

import json
import subprocess
from pathlib import Path
from typing import Any

from django.test import Client

from geo.layers.tiles import Tile

# (106.93, -6.25) lies in these; the city of the tests spans 106.9 to 107.1 east, 6.2 to 6.3 south.
AT_14, AT_10 = Tile(14, 13058, 8477), Tile(10, 816, 529)
MVT = "application/vnd.mapbox-vector-tile"


def read_tile(content: bytes, tile: Tile, folder: Path) -> list[dict[str, Any]]:
    """The features of a tile in longitude and latitude, what lies over its edge included; `mvt_id` is a feature's own id."""
    file = folder / f"tile-{tile.z}-{tile.x}-{tile.y}.mvt"
    file.write_bytes(content)
    address = [f"{name}={value}" for name, value in (("X", tile.x), ("Y", tile.y), ("Z", tile.z), ("CLIP", "NO"))]
    options = [part for option in address for part in ("-oo", option)]
    done = subprocess.run(
        ["ogr2ogr", "-f", "GeoJSON", "-t_srs", "EPSG:4326", *options, "/vsistdout/", f"MVT:{file}"],
        capture_output=True,
        check=True,
        text=True,
    )
    return list(json.loads(done.stdout)["features"])


def path_of(layer: str, tile: Tile = AT_14, query: str = "") -> str:
    return f"/tiles/{layer}/{tile.z}/{tile.x}/{tile.y}.mvt{query}"


def features(client: Client, folder: Path, layer: str, tile: Tile = AT_14, query: str = "") -> list[dict[str, Any]]:
    response = client.get(path_of(layer, tile, query))
    if response.status_code == 204:
        return []
    assert (response.status_code, response["Content-Type"]) == (200, MVT)
    return read_tile(response.content, tile, folder)
