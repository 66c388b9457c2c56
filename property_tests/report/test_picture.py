"""Pictures of one's own instances: files that stand alone, in the plane and in more dimensions."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

import thmverify as tv
from thmverify.exact import to_floats
from thmverify.instances import read_instance
from thmverify.reports.figures import scenes
from thmverify.subspaces import fisher_subspace

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("name", "options", "ellipses"),
    [("deficient", {}, 3), ("shared-gmm", {}, 3), ("gmm", {}, None), ("clip-gmm", {"part": "text"}, 3)],
)
def test_a_picture_is_a_file_that_stands_alone(name, options, ellipses, tmp_path):
    found = tv.picture(tv.load(name), **options)
    found.save(tmp_path / "x.svg")
    root = ElementTree.parse(tmp_path / "x.svg").getroot()
    assert root.tag == f"{SVG}svg"
    assert "url(" not in found.svg
    assert "script" not in found.svg
    drawn = list(root.iter(f"{SVG}ellipse"))
    assert len(drawn) == (ellipses or len(drawn)) > 1
    assert found._repr_svg_() == found.svg
    assert found.caption.startswith("The components as 2σ ellipses")


def test_in_the_fisher_plane_components_are_whitened_and_the_plane_is_that_of_the_means():
    instance = read_instance("shared-gmm")
    mixture = instance.shared
    scene = scenes.in_fisher_plane(instance, "infonce")
    assert np.allclose(scene.covariances, np.eye(2))
    means = np.array(scene.means)
    root = np.linalg.cholesky(to_floats(mixture.sigma))
    whole = np.linalg.solve(root, to_floats(mixture.mu)).T
    assert fisher_subspace(mixture).dimension == 2
    distances = [np.linalg.norm(points[:, None] - points[None], axis=2) for points in (means, whole)]
    assert np.allclose(*distances)  # nothing of the means is lost where S_F is a plane


def test_a_line_that_is_learnt_is_drawn_where_s_f_is_a_line():
    line = tv.SharedGMM(["1/2", "1/2"], [[1, 2, 0], [-1, -2, 0]], [1, 4, 9])
    found = tv.picture(line, bias="9/10", rank=2)
    scene = scenes.in_fisher_plane(tv.instance(line, bias="9/10", rank=2), "infonce")
    fisher, learnt = scene.lines
    assert (fisher.name, learnt.name) == ("S_F", "Col(A*)")
    assert abs(learnt.direction[1]) < 1e-6 * abs(learnt.direction[0])
    assert "Dotted: what infonce learns" in found.caption


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        (tv.SharedGMM(["1/2", "1/2"], [[1], [-1]]), {}, "no plane to draw"),
        (tv.Record(x=1), {}, "is not a Gaussian mixture"),
        (tv.load("clip-gmm"), {"part": "sound"}, "mixtures in the plane are"),
    ],
)
def test_what_cannot_be_drawn_is_refused(model, options, said):
    with pytest.raises(tv.InputError, match=said):
        tv.picture(model, **options)
