"""Write the schema of this folder."""

from thmverify.jsonfiles import write_text
from thmverify.reports.schemas import FILE, text

write_text(FILE, text())
