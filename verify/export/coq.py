"""A certificate of `infonce-equality` as a folder that Coq checks: the theory, the instance, a Makefile.

The theory is copied; what is written here are the mixture, the numbers, and for each hypothesis of the theory's theorem
the line that computes it. Nothing here is trusted: a wrong number does not compile.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from thmverify.errors import InputError
from thmverify.export.planar import Numbers, Piece, PlanarMixture, Row, Symmetric, Vector, bits, numbers, read
from thmverify.jsonfiles import write_text

INSTANCE = "instance"  # the folder of what is generated
_IMPORTS = """From Coq Require Import Reals Lra List.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import {theory}.
{instance}Open Scope R_scope.
"""
_THEORY = "Sums Plane LogSumExp Gaussian Integrals Loss RankOne Learning Refutation Tactics"
_ENTRIES = {"xx": "(Sym 1 0 0)", "xy": "(Sym 0 1 0)", "yy": "(Sym 0 0 1)"}


def theory_files(theory: Path) -> dict[str, str]:
    """Return the files of the theory that stand in the folder `theory`, by name."""
    paths = [theory / "README.md", theory / "Makefile", *sorted((theory / "theory").glob("*.v"))]
    return {path.relative_to(theory).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def instance_files(data: bytes) -> dict[str, str]:
    """Return the files that state and refute the claim for the certificate's mixture, by path below the folder.

    Raises InputError when the certificate is not one of `infonce-equality` by rule `kkt` whose minimiser has rank 1
    in a Fisher subspace of dimension 2.
    """
    mixture = read(data)
    found = numbers(mixture)
    files = {"Mixture.v": _mixture(mixture), "Numbers.v": _numbers(found)}
    files |= {f"Component{k}.v": _component(k, piece) for k, piece in enumerate(found.pieces, 1)}
    files |= {"Refuted.v": _theorem(found), "Assumptions.v": _ASSUMPTIONS}
    return {f"{INSTANCE}/{name}": text for name, text in files.items()}


def write_folder(data: bytes, theory: Path, out: Path) -> list[Path]:
    """Write the theory and the instance of a certificate into the folder `out`, made anew or empty; return the paths.

    Raises InputError when the certificate cannot be exported, or the folder is not empty or cannot be written.
    """
    files = instance_files(data) | theory_files(theory)
    try:
        out.mkdir(parents=True, exist_ok=True)
        extra = next(out.iterdir(), None)
        for name in {Path(name).parent for name in files}:
            (out / name).mkdir(exist_ok=True)
    except OSError as error:
        raise InputError("--out", str(out), f"cannot be written: {error.strerror}", "give a folder that can") from None
    if extra is not None:
        raise InputError("--out", str(out), "the folder is not empty", "give a new folder")
    for name, text in files.items():
        write_text(out / name, text)
    return [out / name for name in files]


def rational(x: Fraction) -> str:
    """Return a rational as Coq reads it, in parentheses where it needs them."""
    if x.denominator == 1:
        return str(x.numerator) if x >= 0 else f"({x.numerator})"
    return f"({x.numerator} / {x.denominator})"


def _vec(v: Vector) -> str:
    return f"(Vec {rational(v[0])} {rational(v[1])})"


def _sym(m: Symmetric) -> str:
    return "Sym " + " ".join(map(rational, m))


def _list(names: list[str]) -> str:
    return " :: ".join([*names, "nil"])


def _header(about: str, *instance: str) -> str:
    required = f"From Instance Require Import {' '.join(instance)}.\n" if instance else ""
    return f"(** {about} Written by `thmverify export`. *)\n" + _IMPORTS.format(theory=_THEORY, instance=required)


def _mixture(mixture: PlanarMixture) -> str:
    source = f"The mixture of the certificate\n    {mixture.content}"
    if mixture.reduced:
        source += ",\n    in the coordinates B'x, the columns of B a basis of S_F among the Sigma^-1 mu_k"
    parts = list(zip(mixture.weights, mixture.means, strict=True))
    names = [f"component{k}" for k in range(1, len(parts) + 1)]
    defined = [f"Definition {name} : component := Component {rational(w)} {_vec(mean)}." for name, (w, mean) in zip(names, parts, strict=True)]  # fmt: skip
    return "\n".join(
        [
            _header(f"{source}."),
            f"Definition Sigma : sym := {_sym(mixture.covariance)}.",
            *defined,
            f"Definition components : mixture := {_list(names)}.",
            f"Definition delta : R := {rational(mixture.bias)}.                     (* both points of one component *)",
            f"Definition columns : nat := {mixture.columns}.                  (* of the maps *)",
            "",
        ]
    )


def _numbers(found: Numbers) -> str:
    K = len(found.pieces)
    pieces = [
        f"Definition piece{k} : piece := Piece component{k} {rational(piece.left)} {rational(piece.right)}\n"
        f"  ({_sym(piece.value)}) {rational(piece.error)}."
        for k, piece in enumerate(found.pieces, 1)
    ]
    named = {"lambda": found.floor, "z": found.curvature, "eps": found.eps, "tolerance": found.tolerance, "spread": found.spread, "step": found.step}  # fmt: skip
    unfolded = [f"component{k} piece{k}" for k in range(1, K + 1)]
    return "\n".join(
        [
            _header("What is computed for the mixture; the names are explained in Refutation.v.", "Mixture"),
            f"Definition direction : vec := {_vec(found.direction)}.                (* v: the minimiser is near vv' *)",
            f"Definition variance : R := {rational(found.variance)}.                (* of v'x in a component *)",
            *pieces,
            f"Definition pieces : list piece := {_list([f'piece{k}' for k in range(1, K + 1)])}.",
            *(f"Definition {name} : R := {rational(x)}." for name, x in named.items()),
            "",
            "Ltac numbers := cbv [Sigma components delta columns direction variance pieces",
            f"  {' '.join(unfolded)} {' '.join(named)}]; unfold_theory.",
            "",
        ]
    )


def _component(k: int, piece: Piece) -> str:
    def bound(entry: str) -> str:
        return f"apply (near_by _ _ _ _ _ _ rows_{entry} location variance {rational(piece.width)} {rational(piece.bulk)} {rational(piece.beyond)});\n    [numbers; cbv [rows_{entry}]; rows|exact At|exact Var|cbv [rows_{entry}]; integrand; integrate ({bits(piece.width)})%Z|cbv [rows_{entry}]; unfold_theory; enclose|exact Beyond|lra|numbers; lra]."  # fmt: skip

    rows = "\n".join(f"Definition rows_{entry} : list row :=\n  {_rows(part)}." for entry, part in piece.rows.items())
    return f"""{_header(f"Component {k}: its slope integrals.", "Mixture", "Numbers")}
Definition location : R := {rational(piece.location)}.                (* the mean of v'x *)
{rows}

Ltac integrand := cbv [piece{k} left_end right_end value xx xy yy location variance].

Lemma accurate{k} : accurate Sigma components direction piece{k}.
Proof.
  assert (At : dot direction (mean (part piece{k})) = location) by (numbers; cbv [location]; lra).
  assert (Var : form Sigma direction = variance) by (numbers; lra).
  assert (Beyond : 1 + variance + location * location - RInt (fun q => (1 + q * q) * density location variance q)
    (left_end piece{k}) (right_end piece{k}) <= {rational(piece.beyond)}) by (integrand; integrate_moment ({bits(piece.beyond)})%Z).
  split; [numbers; lra|split; [|split]].
  - {bound("xx")}
  - {bound("xy")}
  - {bound("yy")}
Qed.
"""


def _rows(rows: tuple[Row, ...]) -> str:
    return " ::\n  ".join([*(f"Row {' '.join(map(rational, row))}" for row in rows), "nil"])


def _theorem(found: Numbers) -> str:
    K = len(found.pieces)
    each = "[<-|" * K + "[]" + "]" * K
    components = [f"Component{k}" for k in range(1, K + 1)]
    i, j = (k + 1 for k in found.spanning)
    member = {k: "".join(["right; "] * (k - 1)) + "left; reflexivity" for k in (i, j)}
    return f"""{_header("InfoNCE on this mixture does not learn its Fisher subspace.", "Mixture", "Numbers", *components)}
Lemma computed : checks Sigma components delta direction pieces lambda z eps tolerance spread step.
Proof.
  constructor.
  - split; [discriminate|split; [intros k {each}; numbers; lra|numbers; lra]].
  - split; numbers; lra.
  - split; [numbers; lra|apply psd_minors; numbers; repeat split; lra].
  - numbers; lra.
  - reflexivity.
  - intros p {each}; [{"|".join(f"exact accurate{k}" for k in range(1, K + 1))}].
  - numbers; lra.
  - numbers; lra.
  - intros i j {each} {each}; numbers; apply Rabs_le; lra.
  - numbers; enclose.
  - numbers; enclose.
  - numbers; enclose.
  - cbv zeta; numbers; enclose.
Qed.

(** For E the expectation of N(mu, Sigma): maps f(x) = A'x of least InfoNCE loss exist, and the column space of each of
    them is a proper subspace of S_F = span of the Sigma^-1 mu_k. *)
Theorem infonce_equality_fails (E : vec -> (vec -> R) -> R) : Gaussian Sigma E ->
  (exists A, minimiser components delta E columns A) /\\
  (forall A, minimiser components delta E columns A -> proper_subspace (span A) (fisher Sigma components)).
Proof.
  intros G. apply (refutation Sigma components delta direction E G pieces lambda z eps tolerance spread step computed
    columns component{i} component{j}).
  - repeat constructor.
  - {member[i]}.
  - {member[j]}.
  - numbers; lra.
Qed.
"""


_ASSUMPTIONS = """(** What the headline theorems rest on, printed. Written by `thmverify export`. *)
From InfoNCE Require Import Learning Refutation Consistency.
From Instance Require Import Refuted.

Print minimiser.
Check infonce_closed.
Print Assumptions infonce_closed.
Check minimisers_exist.
Print Assumptions minimisers_exist.
Check refutation.
Print Assumptions refutation.
Print Assumptions growth_is_needed.
Check infonce_equality_fails.
Print Assumptions infonce_equality_fails.
"""
