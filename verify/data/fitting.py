"""Mixtures fitted by scikit-learn: with labels by discriminant analysis, without them by expectation maximisation."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from thmverify.data.reading import Table
from thmverify.data.rounding import Rounded, from_floats
from thmverify.errors import InputError
from thmverify.instances import MAX_DENSE, MAX_SIZE

_SHOWN = 12  # names that a message lists
SHAPES = ("tied", "full", "diag", "spherical")  # of the covariances, as scikit-learn names them


def from_sklearn(model: Any, *, digits: int = 6, centre: bool = False) -> Rounded:
    """Return the exact mixture of a fitted model of scikit-learn, and what rounding changed.

    GaussianMixture and BayesianGaussianMixture (tied, full, diag or spherical), LinearDiscriminantAnalysis and
    QuadraticDiscriminantAnalysis with store_covariance=True, and GaussianNB.

    Raises InputError for another model, or one that is not fitted, and as `from_floats` does.

    >>> import numpy as np
    >>> from sklearn.mixture import GaussianMixture
    >>> points = np.array([[0.0, 0.1], [0.2, 0.0], [3.0, 3.1], [3.2, 2.9]])
    >>> fitted = GaussianMixture(2, covariance_type="tied", random_state=0).fit(points)
    >>> from_sklearn(fitted, digits=3).mixture.weights
    (Fraction(1, 2), Fraction(1, 2))
    """
    weights, means, covariance, covariances = _parameters(model)
    return from_floats(weights, means, covariance, covariances=covariances, digits=digits, centre=centre)


def _parameters(model: Any) -> tuple[Any, Any, Any, Any]:
    """Return weights, means, and either one covariance or those of the components."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
    from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
    from sklearn.naive_bayes import GaussianNB

    match model:
        case GaussianMixture() | BayesianGaussianMixture():
            found = _fitted(model, "weights_", "means_", "covariances_")
            return (*found[:2], found[2], None) if model.covariance_type == "tied" else (*found[:2], None, found[2])
        case LinearDiscriminantAnalysis():
            return (*_fitted(model, "priors_", "means_", "covariance_"), None)
        case QuadraticDiscriminantAnalysis():
            priors, means, covariances = _fitted(model, "priors_", "means_", "covariance_")
            return priors, means, None, covariances
        case GaussianNB():
            priors, means, variances = _fitted(model, "class_prior_", "theta_", "var_")
            return priors, means, None, variances
    known = "GaussianMixture, LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis or GaussianNB"
    raise InputError(
        "model", type(model).__name__, "is no mixture of scikit-learn that is read here", f"give a {known}"
    )


def _fitted(model: Any, *names: str) -> tuple[Any, ...]:
    for name in names:
        if not hasattr(model, name):
            stored = name == "covariance_" and hasattr(model, "means_")
            rule = "keeps no covariance" if stored else "is not fitted"
            remedy = "make it with store_covariance=True and fit it" if stored else "call its fit(X) or fit(X, y) first"
            raise InputError("model", type(model).__name__, rule, remedy)
    return tuple(getattr(model, name) for name in names)


def fit(
    table: Table,
    *,
    components: int | None = None,
    covariance: str = "tied",
    digits: int = 6,
    centre: bool = False,
    seed: int = 0,
) -> Rounded:
    """Return the exact mixture fitted to a table, and what was changed.

    With labels: a component for each, its weight the exact share of the points, by discriminant analysis (covariance
    "tied", "full" or "diag"). Without: `components` of them by expectation maximisation, from `seed`.

    Raises InputError when there are too few points, too many components or coordinates, or as `from_floats` does.
    """
    table, notes = _varying(table)
    d = table.points.shape[1]
    if d > MAX_DENSE and covariance in ("tied", "full"):
        remedy = "fit with --covariance diag, or reduce the coordinates first (e.g. PCA of scikit-learn)"
        raise InputError(
            "file", f"{d} columns", f"has more than {MAX_DENSE}, up to which covariances are whole", remedy
        )
    if table.labels is None:
        rounded = _by_expectation_maximisation(table, components, covariance, digits, centre, seed)
    else:
        rounded = _by_label(table, components, covariance, digits, centre)
    return replace(rounded, changes=(*notes, *rounded.changes))


def _varying(table: Table) -> tuple[Table, list[str]]:
    """Return the table without its constant columns, and what was dropped."""
    varies = table.points.min(axis=0) < table.points.max(axis=0)
    if not varies.any():
        rule = "has no column that varies" if len(table.points) > 1 else "has one row"
        raise InputError("file", f"{len(table.points)} rows", rule, "give several different points")
    if varies.all():
        return table, []
    dropped = [name for name, kept in zip(table.names, varies, strict=True) if not kept]
    kept_names = tuple(name for name, kept in zip(table.names, varies, strict=True) if kept)
    listed = ", ".join(dropped[:_SHOWN]) + (", …" if len(dropped) > _SHOWN else "")
    columns = "column is" if len(dropped) == 1 else "columns are"
    notes = [f"{len(dropped)} constant {columns} dropped: {listed}"]
    return Table(table.points[:, varies], kept_names, table.labels), notes


def _by_label(table: Table, components: int | None, covariance: str, digits: int, centre: bool) -> Rounded:
    labels = np.array(table.labels)
    counts = Counter(table.labels or ())
    classes = sorted(counts)
    if components is not None and components != len(classes):
        raise InputError("--components", components, f"differs from the {len(classes)} labels", "leave it out")
    if len(classes) < 2 or len(classes) > MAX_SIZE:
        rule = f"must be from 2 to {MAX_SIZE} different ones"
        raise InputError("--labels", f"{len(classes)} labels", rule, "name the column that holds the classes")
    _check_spread(table, labels, classes)
    shares = [Fraction(counts[c], len(labels)) for c in classes]
    _, means, shared, separate = _parameters(_estimated(_discriminant(covariance), table.points, labels))
    rounded = from_floats(shares, means, shared, covariances=separate, digits=digits, centre=centre)
    order = ", ".join(classes[:_SHOWN]) + (", …" if len(classes) > _SHOWN else "")
    return replace(rounded, changes=(f"the components are the labels, in this order: {order}", *rounded.changes))


def _estimated(model: Any, *data: Any) -> Any:
    """Return the fitted model. Raises InputError where the points do not determine it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # collinear coordinates, no convergence: said in words of our own
        try:
            return model.fit(*data)
        except ValueError:  # LinAlgError is one
            remedy = "give fewer components, more points, or another --covariance"
            raise InputError("file", f"{len(data[0])} rows", "do not determine the mixture", remedy) from None


def _check_spread(table: Table, labels: Any, classes: list[str]) -> None:
    """Raise InputError for a column that is constant within every class: no Gaussian is."""
    within = np.max([np.ptp(table.points[labels == c], axis=0) for c in classes], axis=0)
    for name, spread in zip(table.names, within, strict=True):
        if not spread > 0:
            rule = "is constant within every label, which no Gaussian is"
            raise InputError(f"column {name}", "variance 0", rule, "drop it; is it the label itself?")


def _discriminant(covariance: str) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
    from sklearn.naive_bayes import GaussianNB

    match covariance:
        case "tied":
            return LinearDiscriminantAnalysis(store_covariance=True)
        case "full":
            return QuadraticDiscriminantAnalysis(store_covariance=True)
        case "diag":
            return GaussianNB()
    rule = "is not fitted to labels" if covariance == "spherical" else "is no shape of a covariance"
    raise InputError("--covariance", covariance, rule, "choose tied, full or diag")


def _by_expectation_maximisation(
    table: Table, components: int | None, covariance: str, digits: int, centre: bool, seed: int
) -> Rounded:
    from sklearn.mixture import GaussianMixture

    if components is None:
        remedy = "name the column of the labels with --labels, or give the number of components with --components"
        raise InputError("--components", components, "is needed where there are no labels", remedy)
    if not 1 <= components <= min(MAX_SIZE, len(table.points)):
        most = min(MAX_SIZE, len(table.points))
        raise InputError("--components", components, f"must be from 1 to {most}", "give fewer components")
    if covariance not in SHAPES:
        raise InputError("--covariance", covariance, "is no shape of a covariance", f"choose {', '.join(SHAPES)}")
    model = GaussianMixture(components, covariance_type=covariance, random_state=seed)
    rounded = from_sklearn(_estimated(model, table.points), digits=digits, centre=centre)
    if model.converged_:
        return rounded
    text = f"expectation maximisation did not converge in {model.n_iter_} steps: the mixture is what it had then"
    return replace(rounded, warnings=(text, *rounded.warnings))
