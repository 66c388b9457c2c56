"""Write the schemas of this folder."""

from thmverify.jsonfiles import write_text
from thmverify.schemas import FOLDER, texts

for name, text in texts().items():
    write_text(FOLDER / name, text)
