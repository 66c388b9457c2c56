"""Write the schema of this folder."""

from reports.schemas import FILE, text
from verify.jsonfiles import write_text

write_text(FILE, text())
