"""Write the JSON Schema of `figures.json`, generated from the record classes; a test fails while it is out of date."""

from thmverify.jsonfiles import write_text
from thmverify.reports.experiments.records import SCHEMA_FILE, schema_text

write_text(SCHEMA_FILE, schema_text())
