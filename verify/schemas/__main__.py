"""Write the schemas of this folder."""

from verify.jsonfiles import write_text
from verify.schemas import FOLDER, texts

for name, text in texts().items():
    write_text(FOLDER / name, text)
