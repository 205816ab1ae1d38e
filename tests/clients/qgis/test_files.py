"""What QGIS opens by an address or a file: GeoJSON, vector tiles, a layer definition, a project."""

from urllib.parse import urlencode

import pytest
from PyQt5.QtCore import QSize
from PyQt5.QtGui import QColor
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsLayerDefinition,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileLayer,
    QgsWkbTypes,
)

from tests.clients.city_data import ASKED

COUNTS = {"reports": 20_500, "sensors": 250, "cities": 1, "districts": 12, "subdistricts": 56, "density": 12}
# Of Bekasi, in EPSG:3857.
CITY = QgsRectangle(11_899_000, -714_000, 11_917_000, -687_000)


def drawn(*layers, extent=CITY):
    """A picture of layers on white, 360 x 540 pixels."""
    settings = QgsMapSettings()
    settings.setLayers(list(layers))
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    settings.setExtent(extent)
    settings.setOutputSize(QSize(360, 540))
    settings.setBackgroundColor(QColor("white"))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    assert [error.message for error in job.errors()] == []
    return job.renderedImage()


def painted(image):
    """How many pixels are not white."""
    white = QColor("white").rgb()
    return sum(image.pixel(x, y) != white for x in range(image.width()) for y in range(image.height()))


def test_a_geojson_address_opens_as_it_is(url):
    layer = QgsVectorLayer(f"{url}/layers/reports.geojson?category=banjir", "banjir", "ogr")
    assert layer.isValid(), layer.error().message()
    assert layer.wkbType() == QgsWkbTypes.Point
    assert layer.crs().authid() in ("EPSG:4326", "OGC:CRS84")
    assert layer.featureCount() == 5125
    assert len(list(layer.getFeatures())) == 5125
    assert {field.name(): field.typeName() for field in layer.fields()}["closed_at"] == "DateTime"


def test_the_address_of_a_download_opens_as_it_is(url):
    # What QGIS makes of an address of the type HTTP: it reads parts of the file, which a stream has not.
    layer = QgsVectorLayer(f"/vsicurl/{url}/layers/reports.gpkg", "reports", "ogr")
    assert layer.isValid(), layer.error().message()
    assert layer.featureCount() == 20_500


def tiles(url, layer_id):
    source = f"type=xyz&url={url}/tiles/{layer_id}/%7Bz%7D/%7Bx%7D/%7By%7D.mvt&zmin=0&zmax=14"
    layer = QgsVectorTileLayer(source, layer_id)
    assert layer.isValid(), layer.error().message()
    return layer


@pytest.mark.parametrize("layer_id", ["reports", "districts"])
def test_a_vector_tile_layer_is_valid_and_draws_its_features(url, layer_id):
    layer = tiles(url, layer_id)
    assert painted(drawn(layer)) > 500


def test_a_vector_tile_layer_where_nothing_is_stays_white(url):
    nowhere = QgsRectangle(0, 0, 18_000, 27_000)
    assert painted(drawn(tiles(url, "reports"), extent=nowhere)) == 0


def defined(download, project, layer_id, query=""):
    """The one layer of a layer definition."""
    path = download(f"/layers/{layer_id}.qlr{query}")
    opened, error = QgsLayerDefinition.loadLayerDefinition(path, project, project.layerTreeRoot())
    assert opened, error
    (layer,) = project.mapLayers().values()
    assert layer.isValid(), layer.error().message()
    return layer


@pytest.mark.parametrize(("layer_id", "expected"), COUNTS.items())
def test_a_layer_definition_opens_as_it_is(download, project, layer_id, expected):
    layer = defined(download, project, layer_id)
    assert layer.name()
    assert layer.crs().isValid()
    assert layer.featureCount() == expected
    assert painted(drawn(layer)) > 50


def test_the_definition_of_reports_is_coloured_by_status(download, project):
    renderer = defined(download, project, "reports").renderer()
    assert renderer.type() == "categorizedSymbol"
    assert renderer.classAttribute() == "status"
    colours = {category.value(): category.symbol().color().name() for category in renderer.categories()}
    assert [colours[status] for status in ("submitted", "in_progress", "resolved")] == ["#b2182b", "#e08214", "#1b7837"]


def test_the_definition_of_density_is_coloured_by_its_figure(download, project):
    renderer = defined(download, project, "density", "?start=2026-01-01&end=2026-06-01").renderer()
    assert renderer.type() == "graduatedSymbol"
    assert renderer.classAttribute() == "reports_per_km2"
    # From the highest class down; the last one is of areas without a report.
    colours = [range_.symbol().color().name() for range_ in renderer.ranges()]
    assert colours[:5] == ["#800026", "#e31a1c", "#fd8d3c", "#fed976", "#ffffcc"]


def test_the_definition_of_hotspots_has_words_for_its_classes(download, project):
    layer_id, given = ASKED[0]
    renderer = defined(download, project, layer_id, f"?{urlencode({**given, 'lang': 'id'})}").renderer()
    assert renderer.type() == "categorizedSymbol"
    assert renderer.classAttribute() == "class"
    said = {
        category.value(): (category.label(), category.symbol().color().name()) for category in renderer.categories()
    }
    assert said["hot_99"] == ("titik panas, 99 %", "#b2182b")
    assert said["cold_99"] == ("titik dingin, 99 %", "#2166ac")
    assert said["none"][0] == "tidak signifikan"


def test_the_project_opens_as_it_is(download, project):
    assert project.read(download("/qgis/pantau.qgs")), project.error()
    layers = list(project.mapLayers().values())
    assert layers
    assert [layer.name() for layer in layers if not layer.isValid()] == []
    assert project.crs().isValid()
    assert project.layerTreeRoot().findLayerIds()
    assert painted(drawn(*project.layerTreeRoot().checkedLayers())) > 500
