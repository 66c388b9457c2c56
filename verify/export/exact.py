"""Certificates that rationals decide, for Coq: PCA, the literal claim about CLIP, spectral contrastive.

The instance is the certificate's, by value. What the theorems of `theorems/formal/exact/` ask for besides, a better
direction, a vector outside, a factorisation, is proposed here, exactly; nothing of it is trusted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from flint import fmpq, fmpq_mat
from scipy.linalg import eigh

from thmverify.errors import InputError
from thmverify.exact import identity, inner, ldl, to_floats, to_fraction
from thmverify.export.text import rational
from thmverify.kernel import Rejected, Verified, check
from thmverify.kernel.linear import coefficients, dense, is_zero, null_space, select
from thmverify.kernel.models import Mixture, Pairs, instance

FOLDER = "cases"
MOST = 8  # coordinates, components and columns: each entry of each matrix is a line of arithmetic
DIGITS = 4  # of a direction that floats propose


def case_files(data: bytes) -> dict[str, str]:
    """Return what states and proves the claim for the certificate's instance: text by path below the folder.

    Raises InputError when the kernel rejects the certificate, or it is none of the kind that can be exported.
    """
    try:
        verified = check(data)
    except Rejected as error:
        remedy = "give a certificate that `thmverify check` verifies"
        raise InputError("certificate", "the file", f"the kernel rejects it: {error}", remedy) from None
    fields = json.loads(data)
    pairs = instance(fields["instance"])
    if not isinstance(verified, Verified) or not isinstance(pairs, Pairs):
        raise TypeError("the claim is about one instance of pairs")
    write, wanted = CASES[verified.claim]
    _require("verdict", verified.finding.verdict, wanted)
    for mixture in pairs.modalities:
        _at_most("instance.means", mixture.dimension, "coordinates")
        _at_most("instance.weights", len(mixture.weights), "components")
    _at_most("instance.rank", pairs.columns, "columns")
    name, theorem, text = write(pairs)
    head = f"(** The instance of the certificate\n    {fields['content']}.\n    Written by `thmverify export`. *)\n"
    printed = f"(** What the theorem rests on, printed. *)\nFrom Cases Require {name}.\n\nImport {name}.\n"
    printed += f"Check {theorem}.\nPrint Assumptions {theorem}.\n"
    return {f"{FOLDER}/{name}.v": head + text, f"{FOLDER}/Assumptions.v": printed}


def _require(field: str, value: object, wanted: object) -> None:
    if value != wanted:
        remedy = f'give a certificate whose {field} is "{wanted}"'
        raise InputError(field, value, f'only "{wanted}" can be exported for this claim', remedy)


def _at_most(field: str, value: int, what: str) -> None:
    if value > MOST:
        raise InputError(field, value, f"Coq takes at most {MOST} {what}", f"give an instance with at most {MOST}")


# Numbers and matrices as Coq reads them.


def _number(x: fmpq) -> str:
    return rational(to_fraction(x))


def _values(numbers: Iterable[fmpq]) -> str:
    return f"values [{'; '.join(map(_number, numbers))}]"


def _entries(m: fmpq_mat) -> str:
    rows = (f"[{'; '.join(map(_number, row))}]" for row in m.tolist())
    return f"entries [{'; '.join(rows)}]"


def _define(sort: str, **values: object) -> str:
    return "".join(f"Definition {name} : {sort} := {value}.\n" for name, value in values.items())


def _law(mixture: Mixture, before: str, coordinates: str) -> str:
    """Return the definitions of a modality, each name after `before`; `coordinates` is the name of d."""
    sigma = dense(mixture.average)
    matrices = {"means": mixture.means, "Sigma": sigma, "inverse": sigma.inv()}
    return (
        _define("nat", **{coordinates: mixture.dimension})
        + _define("mat", **{before + name: _entries(m) for name, m in matrices.items()})
        + f"""
Lemma {before}inverse_is : forall i j, (i < {coordinates})%nat -> (j < {coordinates})%nat ->
  total {coordinates} (fun k => {before}inverse i k * {before}Sigma k j) = kronecker i j.
Proof. by_indices. Qed.

Definition {before}fisher : mat := directions {coordinates} {before}means {before}inverse.
"""
    )


def _weights(mixture: Mixture) -> str:
    return f"""{_define("vec", weights=_values(mixture.weights))}
Lemma weights_are : (forall k, (k < K)%nat -> 0 < weights k) /\\ total K weights = 1.
Proof. split; [by_index|arithmetic]. Qed.
"""


def _opening(about: str, module: str) -> str:
    return f"""From Coq Require Import Reals Lra Lia List.
From Exact Require Import Mixtures {module}.
Import ListNotations.
Open Scope R_scope.

(** {about} *)
"""


_LAW = (
    "The coordinates; the means, one in each column; the covariance and its inverse; the columns of `fisher` are the\n"
    "    Sigma^-1 mu_k, which span S_F."
)


# PCA.


def _pca(pairs: Pairs) -> tuple[str, str, str]:
    mixture, r = pairs.mixture, pairs.columns
    if r != mixture.m:
        rule = f"the theorem is about maps with as many columns as S_F has dimensions, {mixture.m}"
        raise InputError("instance.rank", r, rule, f"give a certificate for rank {mixture.m}")
    along, across, z = _turn(mixture)
    weights = fmpq_mat(len(mixture.weights), 1, [z.get(k, fmpq(0)) for k in range(len(mixture.weights))])
    text = f"""{_opening("Columns of the maps, and components with their weights.", "Principal")}\
{_define("nat", columns=r, K=len(mixture.weights))}{_weights(mixture)}
(** {_LAW} *)
{_law(mixture, "", "d")}
(** A direction in S_F, its coefficients, and what it is better turned by: a vector orthogonal to S_F. *)
{_define("vec", along=_values(along.entries()), coefficients=_values(weights.entries()))}\
{_define("vec", across=_values(across.entries()))}
(** No maximiser A of tr A'RA with A'A = I has the column space S_F. *)
Theorem pca_equality_fails A :
  maximiser d columns (second K weights means Sigma) A -> ~ learns d columns K fisher A.
Proof.
  apply (better_across d columns _ K fisher along across).
  - unfold symmetric. by_indices.
  - exists coefficients. by_index.
  - by_index.
  - arithmetic.
  - arithmetic.
Qed.
"""
    return "Pca", "pca_equality_fails", text


def _turn(mixture: Mixture) -> tuple[fmpq_mat, fmpq_mat, dict[int, fmpq]]:
    """Return x in S_F, p across it with a larger Rayleigh quotient of R at x + p, and x's coefficients by component."""
    B, R, pivots = mixture.fisher, mixture.R, mixture.pivots[1]
    P = null_space(B.transpose())
    cross = B.transpose() * R * P
    if not is_zero(cross):
        i, j = next((i, j) for i in range(cross.nrows()) for j in range(cross.ncols()) if cross[i, j] != 0)
        x, p = (select(m, range(m.nrows()), [at]) for m, at in ((B, i), (P, j)))
        slope, bend = cross[i, j] * inner(x, x), inner(p, R * p) * inner(x, x) - inner(x, R * x) * inner(p, p)
        return x, p * (slope / abs(bend) if bend != 0 else slope), {pivots[i]: fmpq(1)}
    u, v = _extreme(B, R, 0), _extreme(P, R, -1)
    x, p = B * u, P * v
    if not inner(p, R * p) * inner(x, x) > inner(x, R * x) * inner(p, p):
        rule = "as much variance along S_F as across it, or nearly: the theorem asks for more across"
        raise InputError("instance.covariance", "the file", rule, "give an instance where PCA prefers another subspace")
    return x, p, dict(zip(pivots, u.entries(), strict=True))


def _extreme(basis: fmpq_mat, form: fmpq_mat, which: int) -> fmpq_mat:
    """Return short coordinates near those of the first (0) or last (−1) eigenvector of a form on a subspace."""
    _, vectors = eigh(to_floats(basis.transpose() * form * basis), to_floats(basis.transpose() * basis))
    found = vectors[:, which] / max(abs(vectors[:, which]))
    return fmpq_mat(len(found), 1, [fmpq(round(float(x) * 10**DIGITS), 10**DIGITS) for x in found])


# CLIP.


def _clip(pairs: Pairs) -> tuple[str, str, str]:
    images, texts = pairs.modalities
    if pairs.columns <= min(pairs.sizes):
        rule = f"the theorem is about maps with more columns than an S_F has dimensions, {min(pairs.sizes)}"
        raise InputError("instance.rank", pairs.columns, rule, "give a certificate for a larger rank")
    leaves, at, spaces = ("images", "p", images) if images.m < images.dimension else ("texts", "q", texts)
    m, n = pairs.sizes
    normal = select(null_space(spaces.fisher.transpose()), range(spaces.dimension), [0])
    few = "left" if m < pairs.columns else "right"
    text = f"""{_opening("Columns of the maps, components, and the dimensions of both S_F.", "Clip")}\
{_define("nat", columns=pairs.columns, K=len(images.weights), m=m, n=n)}
(** Images. {_LAW} *)
{_law(images, "image_", "p")}{_basis(images, "image_")}
(** Texts. *)
{_law(texts, "text_", "q")}{_basis(texts, "text_")}
(** A vector that is orthogonal to S_F of the {leaves}. *)
{_define("vec", normal=_values(normal.entries()))}
(** Whatever the expectations are: if a minimiser exists, there is one that does not have both column spaces inside. *)
Theorem clip_literal_fails (pair : (vec -> vec -> R) -> R) (image text : (vec -> R) -> R) :
  (exists a b, minimiser p q columns pair image text a b) ->
  exists a b, minimiser p q columns pair image text a b /\\
    ~ (within columns p K image_fisher a /\\ within columns q K text_fisher b).
Proof.
  intros M.
  destruct ({leaves}_leave p q columns pair image text m n image_basis text_basis normal) as (a & b & B & N).
  - {few}. unfold m, n, columns. lia.
  - apply (outside {at} _ _ normal); [by_index|arithmetic].
  - exact M.
  - exists a, b. split; [exact B|]. intros [A T]. apply N. split; intros c C.
    + apply (spanned_trans p K m image_fisher); [|apply A, C].
      apply (spanned_each p K m image_basis image_change). by_indices.
    + apply (spanned_trans q K n text_fisher); [|apply T, C].
      apply (spanned_each q K n text_basis text_change). by_indices.
Qed.
"""
    return "Clip", "clip_literal_fails", text


def _basis(mixture: Mixture, before: str) -> str:
    """Return the definitions of a basis of S_F, and of the directions in it."""
    change = coefficients(mixture.means, mixture.pivots, mixture.means)
    if change is None:
        raise TypeError("the means are combinations of a basis of their span")
    return _define("mat", **{f"{before}basis": _entries(mixture.fisher), f"{before}change": _entries(change)})


# Spectral contrastive.


def _spectral(pairs: Pairs) -> tuple[str, str, str]:
    mixture = pairs.mixture
    second, pair = ldl(mixture.R), ldl(pairs.C)
    if second is None or pair is None:
        raise TypeError("R is definite and C semidefinite")
    X = mixture.R.inv() * pair.factor
    Z = X * (X.transpose() * X).inv()
    directions = dense(mixture.average).inv() * mixture.means
    B = mixture.fisher
    inside = (B.transpose() * B).inv() * B.transpose() * X
    given = fmpq_mat(len(mixture.weights), X.ncols())
    for row, k in enumerate(mixture.pivots[1]):
        for s in range(X.ncols()):
            given[k, s] = inside[row, s]
    dual = second.factor.transpose().inv() * identity(mixture.dimension)
    parts = {"X": X, "left": Z, "within": given, "back": Z.transpose() * directions}
    text = f"""{_opening("Columns of the maps, dim S_F, components with their weights, and the bias.", "Spectral")}\
{_define("nat", columns=pairs.columns, m=X.ncols(), K=len(mixture.weights))}\
{_define("R", delta=_number(pairs.bias))}{_weights(mixture)}
(** {_LAW} *)
{_law(mixture, "", "d")}
Notation moments := (second K weights means Sigma) (only parsing).
Notation pairs := (paired K weights means delta) (only parsing).

(** R, here `moments`, is the sum of the scales_k atoms_k atoms_k', and the atoms span; C, here `pairs`, is that of the
    pair_scales_s (R X_s)(R X_s)'. *)
{_define("vec", scales=_values(second.pivots), pair_scales=_values(pair.pivots))}\
{_define("mat", atoms=_entries(second.factor), dual=_entries(dual))}
(** X, a left inverse, and what it is in terms of the Sigma^-1 mu_k and they of it. *)
{_define("mat", **{name: _entries(x) for name, x in parts.items()})}
Lemma weighted : forall k, (k < d)%nat -> 0 < scales k.
Proof. by_index. Qed.

Lemma atoms_are : forall i j, (i < d)%nat -> (j < d)%nat ->
  moments i j = total d (fun k => scales k * atoms i k * atoms j k).
Proof. by_indices. Qed.

Lemma spanning : forall i j, (i < d)%nat -> (j < d)%nat ->
  total d (fun k => dual i k * atoms j k) = kronecker j i.
Proof. by_indices. Qed.

Lemma scaled : forall s, (s < m)%nat -> 0 < pair_scales s.
Proof. by_index. Qed.

Lemma factor : forall i j, (i < d)%nat -> (j < d)%nat ->
  pairs i j = total m (fun s => pair_scales s * times d moments (column X s) i * times d moments (column X s) j).
Proof. by_indices. Qed.

Lemma inverted : forall s t, (s < m)%nat -> (t < m)%nat -> dot d (column left s) (column X t) = kronecker t s.
Proof. by_indices. Qed.

Lemma few : (m <= columns)%nat.
Proof. unfold m, columns. lia. Qed.

(** Minimisers exist, and the column space of each is S_F. *)
Theorem spectral_equality_holds :
  (exists A, minimiser d columns moments pairs A) /\\
  (forall A, minimiser d columns moments pairs A -> learns d columns K fisher A).
Proof.
  split.
  - exists (best m X pair_scales).
    exact (best_is_best d columns moments pairs d scales atoms weighted atoms_are
      m X pair_scales few scaled factor).
  - intros A M.
    destruct (learns_exactly d columns moments pairs d scales atoms dual weighted atoms_are spanning
      m X left pair_scales few scaled factor inverted A M) as [In Out]. split.
    + intros c L. apply (spanned_trans d m K X); [|exact (In c L)].
      apply (spanned_each d m K fisher within). by_indices.
    + intros k L. apply (spanned_trans d m columns X); [exact Out|].
      apply (spanned_each d K m X back); [by_indices|exact L].
Qed.
"""
    return "Spectral", "spectral_equality_holds", text


CASES: dict[str, tuple[Callable[[Pairs], tuple[str, str, str]], str]] = {  # what writes each claim, and its verdict
    "pca-equality": (_pca, "refuted"),
    "clip-inclusion-literal": (_clip, "refuted"),
    "spectral-equality": (_spectral, "proved"),
}
