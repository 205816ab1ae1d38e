"""The index by which the handovers of a period are found."""

from django.db import migrations

# Few lines of the history are handovers: it costs the others nothing. The condition stands here as it does in
# geo/operations/routing/queries.sql (ping_pong), else the planner does not see that the index answers it.
HANDOVERS_SQL = """
CREATE INDEX history_handovers ON geo_historyentry (at)
    WHERE action = 'status' AND old->>'agency' <> '' AND new->>'agency' <> old->>'agency';
"""


class Migration(migrations.Migration):
    dependencies = [("geo", "0014_letter_boxes")]

    operations = [migrations.RunSQL(HANDOVERS_SQL, "DROP INDEX history_handovers")]
