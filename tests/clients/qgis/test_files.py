"""What QGIS opens by an address or a file: GeoJSON, vector tiles, a layer definition, a project."""

import json
import re
from urllib.parse import urlencode

import pytest
from PyQt5.QtCore import QSize
from PyQt5.QtGui import QColor
from PyQt5.QtXml import QDomDocument
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeatureRenderer,
    QgsLayerDefinition,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsReadWriteContext,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileLayer,
    QgsWkbTypes,
)

from tests.clients.city_data import ASKED

COUNTS = {"reports": 20_500, "sensors": 300, "cities": 1, "districts": 12, "subdistricts": 56, "density": 12}
# Of the project, without a parameter.
EMPTY = {"pantau_incidents", "pantau_surface"}
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


def classes_in_qgis(renderer):
    """Label, colour and whether it is pale, of each line of the legend that has a symbol."""
    return [
        (item.label(), item.symbol().color().name(), item.symbol().opacity() == 0.25)
        for item in renderer.legendSymbolItems()
        if item.symbol()
    ]


def classes_on_the_web(style):
    """The same of a style of MapLibre's; of a layer in one colour, that colour."""
    legend = style["metadata"]["pantau:legend"]
    if not legend:
        (layer,) = [each for each in style["layers"] if each["id"] == next(iter(style["sources"]))]
        return [("", layer["paint"].get("circle-color") or layer["paint"].get("fill-color"), False)]
    return [(each["label"], each["color"], "opacity" in each) for each in legend]


def compared(renderer, style_file):
    """The classes of a renderer in QGIS, and those that its style on the web has for it."""
    with open(style_file, encoding="utf-8") as file:
        on_the_web = classes_on_the_web(json.load(file))
    in_qgis = classes_in_qgis(renderer)
    kind = renderer.type()
    if kind == "RuleRenderer":
        # QGIS has each class twice, solid and pale; the web says once what paler means.
        solid = [each for each in in_qgis if not each[2]]
        pale = [(label, colour) for label, colour, is_pale in in_qgis if is_pale]
        assert pale == [(label, colour) for label, colour, _ in solid[:-1]]
        return solid, [each for each in on_the_web if not each[2]]
    if kind == "graduatedSymbol":
        # What has no figure is not drawn by it.
        return in_qgis, on_the_web[:-1]
    if kind == "singleSymbol":
        # One colour has no words in QGIS; on the web it may stand beside what has no figure.
        return [in_qgis[0][1]], [on_the_web[0][1]]
    return in_qgis, on_the_web


def test_a_layer_of_figures_has_the_classes_and_colours_of_its_style_on_the_web(download, project):
    period = "start=2026-01-01&end=2026-06-01&lang=en"
    layer = defined(download, project, "density", f"?{period}")
    assert layer.renderer().type() == "graduatedSymbol"
    in_qgis, on_the_web = compared(layer.renderer(), download(f"/tiles/density/style.json?{period}"))
    assert len(in_qgis) == 6
    assert in_qgis == on_the_web


def test_every_layer_of_the_project_has_the_classes_and_colours_of_its_style_on_the_web(download, project):
    path = download("/qgis/pantau.qgs?lang=en")
    assert project.read(path), project.error()
    document = QDomDocument()
    with open(path, encoding="utf-8") as file:
        assert document.setContent(file.read())[0]
    drawn_as = {}
    elements = document.elementsByTagName("maplayer")
    for element in (elements.at(i).toElement() for i in range(elements.count())):
        (layer_id,) = re.findall("typename='([^']+)'", element.firstChildElement("datasource").text())
        renderer = QgsFeatureRenderer.load(element.firstChildElement("renderer-v2"), QgsReadWriteContext())
        in_qgis, on_the_web = compared(renderer, download(f"/tiles/{layer_id}/style.json?lang=en"))
        assert in_qgis, layer_id
        assert in_qgis == on_the_web, layer_id
        drawn_as[element.firstChildElement("id").text()] = renderer.type()
    assert drawn_as.keys() == project.mapLayers().keys()
    # QGIS learns the kind of geometry from the features: a layer that has none today is not drawn.
    assert {layer.id() for layer in project.mapLayers().values() if not layer.isSpatial()} == EMPTY
    assert {layer.id(): layer.renderer().type() for layer in project.mapLayers().values() if layer.isSpatial()} == {
        layer_id: drawn for layer_id, drawn in drawn_as.items() if layer_id not in EMPTY
    }
