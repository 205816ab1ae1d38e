"""A picture from headless QGIS, for the README: density by subdistrict and the reports, styled as the service hands them out.

/usr/bin/python3 tests/clients/qgis/picture.py http://127.0.0.1:8000 docs/images/qgis.png
"""

import os
import sys
import tempfile
import urllib.request
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt5.QtGui import QFont
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsLayerDefinition,
    QgsLayoutExporter,
    QgsLayoutItemLegend,
    QgsLayoutItemMap,
    QgsLayoutItemScaleBar,
    QgsLayoutPoint,
    QgsLayoutSize,
    QgsLegendStyle,
    QgsPrintLayout,
    QgsProject,
    QgsTextFormat,
    QgsUnitTypes,
)

PAGE_MM = (165, 160)
MAP_MM = (110, 150)
METRIC = "EPSG:32748"


def add_layer(url, layer_id, folder, project):
    """The layer of the service's own layer definition; the last one added is drawn on top."""
    before = set(project.mapLayers())
    path = Path(folder) / f"{layer_id}.qlr"
    urllib.request.urlretrieve(f"{url}/layers/{layer_id}.qlr?lang=en", path)
    opened, error = QgsLayerDefinition.loadLayerDefinition(str(path), project, project.layerTreeRoot())
    (new,) = set(project.mapLayers()) - before
    layer = project.mapLayer(new)
    if not opened or not layer.isValid():
        raise SystemExit(f"{layer_id}: {error or layer.error().message()}")
    return layer


def compose(project, layers):
    """A page with the map, its legend and a scale bar."""
    layout = QgsPrintLayout(project)
    layout.initializeDefaults()
    layout.pageCollection().page(0).setPageSize(QgsLayoutSize(*PAGE_MM))
    shown = QgsLayoutItemMap(layout)
    shown.attemptMove(QgsLayoutPoint(5, 5))
    shown.attemptResize(QgsLayoutSize(*MAP_MM))
    shown.setLayers(layers)
    shown.setCrs(QgsCoordinateReferenceSystem(METRIC))
    to_metric = QgsCoordinateTransform(layers[-1].crs(), shown.crs(), project)
    extent = to_metric.transformBoundingBox(layers[-1].extent())
    shown.setFrameEnabled(True)
    layout.addLayoutItem(shown)
    # The first extent gives the item its shape, so the shape is given again, and the extent then fitted to it.
    shown.setExtent(extent)
    shown.attemptResize(QgsLayoutSize(*MAP_MM))
    shown.zoomToExtent(extent.buffered(500))
    legend = QgsLayoutItemLegend(layout)
    legend.setLinkedMap(shown)
    legend.attemptMove(QgsLayoutPoint(MAP_MM[0] + 8, 8))
    for style in (QgsLegendStyle.Title, QgsLegendStyle.Subgroup, QgsLegendStyle.SymbolLabel):
        legend.setStyleFont(style, QFont("DejaVu Sans", 8))
    layout.addLayoutItem(legend)
    scale = QgsLayoutItemScaleBar(layout)
    scale.setLinkedMap(shown)
    scale.setUnits(QgsUnitTypes.DistanceKilometers)
    scale.setUnitLabel("km")
    scale.setUnitsPerSegment(2)
    scale.setTextFormat(QgsTextFormat.fromQFont(QFont("DejaVu Sans", 8)))
    scale.attemptMove(QgsLayoutPoint(MAP_MM[0] + 8, MAP_MM[1] - 8))
    layout.addLayoutItem(scale)
    return layout


def main(url, target):
    application = QgsApplication([], False)
    application.initQgis()
    with tempfile.TemporaryDirectory() as folder:
        project = QgsProject.instance()
        project.setCrs(QgsCoordinateReferenceSystem(METRIC))
        below = add_layer(url, "density", folder, project)
        above = add_layer(url, "reports", folder, project)
        settings = QgsLayoutExporter.ImageExportSettings()
        settings.dpi = 150
        settings.exportMetadata = False
        layout = compose(project, [above, below])
        done = QgsLayoutExporter(layout).exportToImage(target, settings)
    if done != QgsLayoutExporter.Success:
        raise SystemExit(f"{target} could not be written ({done})")
    print(target)
    application.exitQgis()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(sys.argv[1].rstrip("/"), sys.argv[2])
