"""The paper's synthetic experiments: population minimisers beside maps trained on samples, and what became of claims.

`laws` and `ranks` hold the distributions, `training` the empirical losses, `sweeps` and `experiments` make the data,
`metrics` measures, `intervals` and `tables` compare, a module for each figure checks its claim and draws it (`swept` is
what Figures 2a to 2d share), `gallery` writes the files.
"""

from thmverify.reports.experiments.gallery import FIGURES, build
from thmverify.reports.experiments.records import Verdict

__all__ = ["FIGURES", "Verdict", "build"]
