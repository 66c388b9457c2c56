"""A certificate of `infonce-equality` as files that Coq checks, beside the theory of `theorems/formal/theory/`.

What is written here are the mixture, the numbers, and for each hypothesis of the theory's theorem the line that
computes it. Nothing of it is trusted: a wrong number does not compile.
"""

from __future__ import annotations

from thmverify.export.planar import Numbers, Piece, PlanarMixture, Row, Symmetric, Vector, numbers, power_below, read
from thmverify.export.text import rational

INSTANCE = "instance"  # the folder of what is generated
_THEORY = "Sums Plane LogSumExp Gaussian Integrals Loss RankOne Learning Refutation Tactics"


def instance_files(data: bytes) -> dict[str, str]:
    """Return what states and refutes the claim for the certificate's mixture: text by path below the folder.

    Raises InputError when the certificate is not one of `infonce-equality` by rule `kkt` whose minimiser has rank 1
    in a Fisher subspace of dimension 2.
    """
    mixture = read(data)
    found = numbers(mixture)
    files = {"Mixture.v": _mixture(mixture), "Numbers.v": _numbers(found)}
    files |= {f"Component{k}.v": _component(k, piece) for k, piece in enumerate(found.pieces, 1)}
    files |= {"Refuted.v": _refuted(found), "Assumptions.v": _ASSUMPTIONS}
    return {f"{INSTANCE}/{name}": text for name, text in files.items()}


def _vec(v: Vector) -> str:
    return f"Vec {rational(v[0])} {rational(v[1])}"


def _sym(m: Symmetric) -> str:
    return f"Sym {rational(m.xx)} {rational(m.xy)} {rational(m.yy)}"


def _list(items: list[str], separator: str = " :: ") -> str:
    return separator.join([*items, "nil"])


def _define(sort: str, **values: str) -> str:
    return "\n".join(f"Definition {name} : {sort} := {value}." for name, value in values.items())


def _header(about: str, *instance: str, computed: tuple[str, ...] = (), theory: str = _THEORY) -> str:
    lines = [
        f"(** {about} Written by `thmverify export`. *)",
        "From Coq Require Import Reals Lra List.",
        "From Coquelicot Require Import Coquelicot.",
        f"From InfoNCE Require Import {theory}.",
        *([f"From Instance Require Import {' '.join(instance)}."] if instance else []),
        *([f"From Instance Require {' '.join(computed)}."] if computed else []),
        "Open Scope R_scope.",
        "",
    ]
    return "\n".join(lines)


def _mixture(mixture: PlanarMixture) -> str:
    about = f"The mixture of the certificate\n    {mixture.content}."
    if mixture.frame is not None:
        rows = "; ".join(", ".join(map(str, row)) for row in mixture.frame)
        about += (
            f"\n    It is the law of B'x, where the columns of B are a basis of S_F. The rows of B are\n    {rows}."
        )
    parts = {
        f"component{k}": f"Component {rational(w)} ({_vec(mean)})"
        for k, (w, mean) in enumerate(zip(mixture.weights, mixture.means, strict=True), 1)
    }
    return f"""{_header(about)}
(** The covariance of every component, and the components: weight and mean. *)
{_define("sym", Sigma=_sym(mixture.covariance))}
{_define("component", **parts)}
{_define("mixture", components=_list(list(parts)))}

(** The probability that both points of a positive pair are of one component, and the columns of the maps. *)
{_define("R", delta=rational(mixture.bias))}
{_define("nat", columns=str(mixture.columns))}
"""


def _numbers(found: Numbers) -> str:
    pieces = {
        f"piece{k}": f"Piece component{k} {rational(piece.left)} {rational(piece.right)}\n"
        f"  ({_sym(piece.value)}) {rational(piece.error)}"
        for k, piece in enumerate(found.pieces, 1)
    }
    components = " ".join(f"component{k}" for k in range(1, len(pieces) + 1))
    return f"""{_header("Where the minimiser is, and what the integrals of the slopes are there.", "Mixture")}
(** The minimiser is near vv'; the variance is that of v'x in a component. *)
{_define("vec", direction=_vec(found.direction))}
{_define("R", variance=rational(found.variance))}

{_define("piece", **pieces)}
{_define("list piece", pieces=_list(list(pieces)))}

Ltac numbers := cbv [Sigma {components} components delta columns
  direction variance {" ".join(pieces)} pieces]; unfold_theory.
"""


def _component(k: int, piece: Piece) -> str:
    rows = {f"rows_{entry}": _rows(part) for entry, part in piece.rows.items()}
    bounds = {"width": rational(piece.width), "heft": rational(piece.bulk), "outside": rational(piece.beyond)}
    return f"""{_header(f"Component {k}: the integrals of its slopes.", "Mixture", "Numbers")}
(** The mean of q = v'x; what the profiles are, a row for each component; how well each integral is known; what the
    profiles are at most, of 1 + q^2; and the mass of 1 + q^2 beyond the ends. *)
{_define("R", location=rational(piece.location))}
{_define("list row", **rows)}
{_define("R", **bounds)}

Ltac constants := cbv [piece{k} part left_end right_end value error xx xy yy
  location variance {" ".join(rows)} {" ".join(bounds)}].

Lemma location_is : dot direction (mean (part piece{k})) = location.
Proof. numbers; constants; lra. Qed.

Lemma variance_is : form Sigma direction = variance.
Proof. numbers; lra. Qed.

Lemma outside_is : 1 + variance + location * location
  - RInt (fun q => (1 + q * q) * density location variance q) (left_end piece{k}) (right_end piece{k}) <= outside.
Proof. constants; integrate_moment ({power_below(piece.beyond)})%Z. Qed.

Ltac entry rows :=
  apply (near_by _ _ _ _ _ _ rows location variance width heft outside);
  [numbers; constants; same_rows | exact location_is | exact variance_is
  | constants; integrate ({power_below(piece.width)})%Z | constants; unfold_theory; enclose
  | exact outside_is | constants; lra | numbers; constants; lra].

Lemma accurate : accurate Sigma components direction piece{k}.
Proof.
  split; [numbers; lra|split; [|split]].
  - entry rows_xx.
  - entry rows_xy.
  - entry rows_yy.
Qed.
"""


def _rows(rows: tuple[Row, ...]) -> str:
    return "\n  " + _list([f"Row {' '.join(map(rational, row))}" for row in rows], " ::\n  ")


def _refuted(found: Numbers) -> str:
    parts = [f"Component{k}" for k in range(1, len(found.pieces) + 1)]
    each = "[<-|" * len(parts) + "[]" + "]" * len(parts)  # the members of a list, one by one
    named = {
        "lambda": rational(found.floor),
        "z": rational(found.curvature),
        "eps": rational(found.eps),
        "tolerance": rational(found.tolerance),
        "spread": rational(found.spread),
        "step": rational(found.step),
    }
    i, j = found.spanning
    about = "InfoNCE does not learn the whole Fisher subspace of this mixture."
    return f"""{_header(about, "Mixture", "Numbers", computed=tuple(parts), theory=f"{_THEORY} Expectation")}
(** Refutation.v says what each number is. *)
{_define("R", **named)}

Ltac bounds := numbers; cbv [{" ".join(named)}].

Lemma computed : checks Sigma components delta direction pieces lambda z eps tolerance spread step.
Proof.
  constructor.
  - split; [discriminate|split; [intros k {each}|]]; bounds; lra.
  - split; bounds; lra.
  - split; [bounds; lra|apply psd_minors; bounds; repeat split; lra].
  - bounds; lra.
  - reflexivity.
  - intros p {each}; [{"|".join(f"exact {part}.accurate" for part in parts)}].
  - bounds; lra.
  - bounds; lra.
  - intros i j {each} {each}; bounds; apply Rabs_le; lra.
  - bounds; enclose.
  - bounds; enclose.
  - bounds; enclose.
  - cbv zeta; bounds; enclose.
Qed.

(** Maps f(x) = A'x of least InfoNCE loss exist, and the column space of each of them is a proper subspace of S_F, the
    span of the Sigma^-1 mu_k. *)
Theorem infonce_equality_fails :
  let E := expectation Sigma in
  (exists A, minimiser components delta E columns A) /\\
  (forall A, minimiser components delta E columns A -> proper_subspace (span A) (fisher Sigma components)).
Proof.
  assert (G : Gaussian Sigma (expectation Sigma))
    by (apply gaussian; exact (check_covariance _ _ _ _ _ _ _ _ _ _ _ computed)).
  apply (refutation Sigma components delta direction _ G pieces lambda z eps tolerance spread step computed columns
    component{i + 1} component{j + 1}).
  - repeat constructor.
  - {"right; " * i}left; reflexivity.
  - {"right; " * j}left; reflexivity.
  - numbers; lra.
Qed.
"""


_ASSUMPTIONS = """(** The headline theorems, and what each rests on, printed. Written by `thmverify export`. *)
From InfoNCE Require Import Sums Plane Gaussian Double Expectation Loss Learning Refutation.
From InfoNCE Require Import Convex Scores Population.
From Instance Require Import Mixture Refuted.

(** What the theorem speaks of, and what is used of the expectation. *)
Print expectation.
Print weighted.
Print normal.
Print plane.
Print line.
Print Gaussian.
Print infonce.
Print minimiser.
Print proper_subspace.
Print fisher.
Print law.
Print convex.
Print subgradient.
Print bends.
Print population.

(** The expectation has these properties. The loss is a function of AA'; minimisers exist; numbers suffice for the
    theorem; the theorem for this mixture. *)
Check gaussian.
Print Assumptions gaussian.
Check infonce_closed.
Print Assumptions infonce_closed.
Check minimisers_exist.
Print Assumptions minimisers_exist.
Check refutation.
Print Assumptions refutation.
Check infonce_equality_fails.
Print Assumptions infonce_equality_fails.

(** Theorem 5.2, first half, for convex functions of scores and for the population loss, in any dimension. *)
Check no_worse.
Print Assumptions no_worse.
Check minimiser_within.
Print Assumptions minimiser_within.
Check negatives_minimiser_within.
Print Assumptions negatives_minimiser_within.
Check population_no_worse.
Print Assumptions population_no_worse.
Check population_minimiser_within.
Print Assumptions population_minimiser_within.
"""
