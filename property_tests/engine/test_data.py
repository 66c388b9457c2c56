"""Mixtures from floats and from models of scikit-learn: exact, close, definite, centred, and honest about it."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import event, given, reject
from hypothesis import strategies as st
from sklearn import datasets
from sklearn.cluster import KMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.naive_bayes import GaussianNB

import thmverify as tv
from thmverify import exact
from thmverify.data import Table, fit
from thmverify.instances import instance_to_json, parse_instance
from thmverify.models import SharedGMM
from thmverify.subspaces import fisher_subspace
from thmverify.testing import gmms, shared_gmms


def table(name: str) -> Table:
    data = getattr(datasets, f"load_{name}")()
    names = tuple(map(str, data.feature_names))
    return Table(data.data, names, tuple(str(data.target_names[k]) for k in data.target))


def deviations(mixture):
    return np.sqrt(np.diag(exact.to_floats(mixture.sigma_bar)))


@given(shared_gmms(components=(1, 4), dimension=(1, 4)), st.integers(1, 12))
def test_rounding_moves_nothing_further_than_it_says(mixture, digits):
    means, covariance = np.array(mixture.means, dtype=float), exact.to_floats(mixture.sigma)
    weights = np.array(mixture.weights, dtype=float)
    try:
        rounded = tv.from_floats(weights, means, covariance, digits=digits)
    except tv.InputError as error:
        event(error.rule)
        reject()  # a weight too small for so few digits, or a covariance too nearly singular
    found, scale = rounded.mixture, np.sqrt(np.diag(covariance))
    assert sum(found.weights) == 1
    assert np.abs(np.array(found.weights, dtype=float) - weights).max() <= 10.0**-digits
    assert (np.abs(np.array(found.means, dtype=float) - means) / scale).max() <= 0.51 * 10.0**-digits + 1e-12
    moved = np.abs(exact.to_floats(found.sigma) - covariance) / np.outer(scale, scale)
    assert moved.max() <= 0.51 * 10.0**-digits + 1e-12
    assert rounded.dimension == fisher_subspace(found).dimension


@given(gmms(components=(1, 3), dimension=(1, 3), hostile=False))
def test_rounding_twice_changes_nothing_more(mixture):
    weights, means = np.array(mixture.weights, dtype=float), np.array(mixture.means, dtype=float)
    covariances = np.array([exact.to_floats(s) for s in mixture.sigmas])
    once = tv.from_floats(weights, means, covariances=covariances, digits=9).mixture
    again = tv.from_floats(
        [float(w) for w in once.weights],
        np.array(once.means, dtype=float),
        covariances=np.array([exact.to_floats(s) for s in once.sigmas]),
        digits=9,
    )
    assert again.mixture == once


@given(shared_gmms(components=(2, 4), dimension=(1, 4), hostile=False))
def test_centring_is_exact(mixture):
    floats = [float(w) for w in mixture.weights], np.array(mixture.means, dtype=float), exact.to_floats(mixture.sigma)
    assert tv.from_floats(*floats, centre=True).mixture.is_centred


@given(shared_gmms(components=(1, 3), dimension=(1, 3), hostile=False), st.sampled_from([1e-120, 1e-7, 1e9, 1e120]))
def test_units_do_not_matter(mixture, unit):
    weights, means, covariance = mixture.weights, np.array(mixture.means, dtype=float), exact.to_floats(mixture.sigma)
    rounded = tv.from_floats(weights, means * unit, covariance * unit * unit)
    assert rounded.moved < 1e-3
    assert rounded.mixture.weights == mixture.weights


@pytest.mark.parametrize(
    ("name", "components", "dropped"), [("iris", 3, 0), ("wine", 3, 0), ("breast_cancer", 2, 0), ("digits", 10, 3)]
)
def test_labelled_data_become_centred_instances_that_files_hold(name, components, dropped):
    data = table(name)
    rounded = fit(data, centre=True)
    mixture = rounded.mixture
    assert isinstance(mixture, SharedGMM)
    assert mixture.is_centred
    assert mixture.components == components
    assert mixture.dimension == data.points.shape[1] - dropped
    counts = sorted(data.labels.count(label) for label in set(data.labels))
    assert sorted(mixture.weights) == [Fraction(n, len(data.labels)) for n in counts]
    assert rounded.dimension == components - 1
    assert rounded.moved < 1e-3
    assert not rounded.warnings
    assert any("constant" in text for text in rounded.changes) == bool(dropped)
    assert parse_instance(instance_to_json(tv.instance(rounded))).pairs.mixture == mixture


def test_a_direction_that_rounding_made_is_found_and_centring_removes_it():
    data = table("iris")
    model = LinearDiscriminantAnalysis(store_covariance=True).fit(data.points - data.points.mean(axis=0), data.labels)
    rounded = tv.from_sklearn(model, digits=10)
    assert (rounded.dimension, rounded.intended) == (3, 2)
    assert "--centre" in rounded.warnings[0]
    centred = tv.from_sklearn(model, digits=10, centre=True)
    assert (centred.dimension, centred.intended, centred.warnings) == (2, 2, ())


def test_too_few_digits_for_the_condition_are_said():
    rounded = fit(table("breast_cancer"), digits=3, centre=True)
    assert rounded.moved > 0.01
    assert "moves the Fisher subspace" in rounded.warnings[0]
    assert f"{rounded.moved:.2g} rad" in str(rounded)


def test_a_covariance_keeps_the_digits_that_make_it_definite():
    rounded = tv.from_floats([1], [[1.0, 0.0]], [[1, 1 - 1e-7], [1 - 1e-7, 1]], digits=3)
    assert exact.is_positive_definite(rounded.mixture.sigma)
    assert "keeps 7 digits" in str(rounded)


POINTS, CLASSES = datasets.make_blobs(120, 3, centers=3, random_state=0)
MODELS = {
    **{
        f"gmm-{t}": GaussianMixture(3, covariance_type=t, random_state=0) for t in ("tied", "full", "diag", "spherical")
    },
    "bayesian": BayesianGaussianMixture(n_components=3, random_state=0, max_iter=500),
    "lda": LinearDiscriminantAnalysis(store_covariance=True),
    "qda": QuadraticDiscriminantAnalysis(store_covariance=True),
    "naive": GaussianNB(),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_of_scikit_learn_are_read(name):
    model = MODELS[name].fit(POINTS, CLASSES)
    rounded = tv.from_sklearn(model)
    whole = {"lda": lambda: [model.covariance_] * 3, "qda": lambda: model.covariance_, "naive": lambda: model.var_}
    covariances = whole.get(name, lambda: model.covariances_)()
    if name == "gmm-tied":
        covariances = [covariances] * 3
    for found, given_ in zip(rounded.mixture.sigmas, covariances, strict=True):
        array = np.asarray(given_)
        dense = array if array.ndim == 2 else np.eye(3) * array
        np.testing.assert_allclose(exact.to_floats(found), dense, atol=1e-5, rtol=1e-5)
    means = model.theta_ if name == "naive" else model.means_
    np.testing.assert_allclose(np.array(rounded.mixture.means, dtype=float), means, atol=1e-5)
    assert sum(rounded.mixture.weights) == 1
    assert tv.decide("lemma-4.2" if "tied" in name or name == "lda" else "nonshared-inclusion", rounded).outcome


HALVES, LINE = [0.5, 0.5], [[1.0], [-1.0]]
BAD = {
    "nan": ((HALVES, [[1.0], [np.nan]]), {}, "means[1][0]"),
    "inf": ((HALVES, LINE, [[np.inf]]), {}, "covariance[0][0]"),
    "strings": ((HALVES, [["a"], ["b"]]), {}, "means"),
    "ragged": ((HALVES, [[1.0], [1.0, 2.0]]), {}, "means"),
    "empty": (([], []), {}, "means"),
    "flat means": ((HALVES, [1.0, 2.0]), {}, "means"),
    "too few weights": (([1.0], LINE), {}, "weights"),
    "sum": (([0.5, 0.4], LINE), {}, "weights"),
    "exact sum": ((["1/2", "1/3"], LINE), {}, "weights"),
    "tiny weight": (([1 - 1e-9, 1e-9], LINE), {}, "weights[1]"),
    "negative weight": (([1.5, -0.5], LINE), {}, "weights[1]"),
    "both": ((HALVES, LINE, 1.0), {"covariances": [1.0, 1.0]}, "covariance"),
    "shape": ((HALVES, LINE, [[1.0, 0.0], [0.0, 1.0]]), {}, "covariance"),
    "shapes": ((HALVES, LINE), {"covariances": [1.0, 1.0, 1.0]}, "covariances"),
    "asymmetric": (([1.0], [[1.0, 0.0]], [[2.0, 1.0], [0.0, 2.0]]), {}, "covariance[0][1]"),
    "singular": (([1.0], [[1.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]), {}, "covariance"),
    "indefinite": (([1.0], [[1.0, 0.0]], [[1.0, 2.0], [2.0, 1.0]]), {}, "covariance"),
    "zero variance": (([1.0], [[1.0, 0.0]], [1.0, 0.0]), {}, "covariance"),
    "negative variance": ((HALVES, LINE, -1.0), {}, "covariance"),
    "zero in one": ((HALVES, LINE), {"covariances": [1.0, 0.0]}, "covariances[1][0]"),
    "no digits": ((HALVES, LINE), {"digits": 0}, "digits"),
    "many digits": ((HALVES, LINE), {"digits": 16}, "digits"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_mixture_is_refused_by_name(name):
    arguments, options, field = BAD[name]
    with pytest.raises(tv.InputError) as caught:
        tv.from_floats(*arguments, **options)
    assert caught.value.field == field
    assert "\n" not in str(caught.value)


UNREAD = {
    "no mixture": (KMeans(2), "is no mixture"),
    "not fitted": (GaussianMixture(2), "is not fitted"),
    "discriminant not fitted": (LinearDiscriminantAnalysis(), "is not fitted"),
    "no covariance": (LinearDiscriminantAnalysis().fit(POINTS, CLASSES), "keeps no covariance"),
    "no model": (3, "is no mixture"),
}


@pytest.mark.parametrize("name", UNREAD)
def test_models_that_are_not_read_are_refused_by_name(name):
    model, rule = UNREAD[name]
    with pytest.raises(tv.InputError, match=rule):
        tv.from_sklearn(model)


def test_expectation_maximisation_that_does_not_converge_is_said(monkeypatch):
    monkeypatch.setattr(
        GaussianMixture.__init__, "__kwdefaults__", {**GaussianMixture.__init__.__kwdefaults__, "max_iter": 1}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rounded = fit(Table(POINTS, ("1", "2", "3")), components=5)
    assert "did not converge" in rounded.warnings[0]
