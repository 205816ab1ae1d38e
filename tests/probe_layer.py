"""A layer with a property of each kind, for filters."""

from geo.layers.layer import Layer, Property, RowSource, Style


def probe_layer(rows_sql: str = "SELECT 1") -> Layer:
    return Layer(
        id="probe",
        title="Probe",
        description="",
        geometry_type="Point",
        properties=[
            Property("name", "string", "Name"),
            Property("id", "string", "Id"),
            Property("count", "integer", "Count"),
            Property("size", "number", "Size"),
            Property("exact", "number", "Exact"),
            Property("flag", "boolean", "Flag"),
            Property("at", "datetime", "At"),
            Property("until", "datetime", "Until"),
            Property("tags", "array", "Tags"),
        ],
        rows=lambda query: RowSource(rows_sql, {}),
        versions={},
        style=Style("circle"),
    )
