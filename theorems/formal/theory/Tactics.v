(** How the files of an instance compute: definitions are unfolded down to arithmetic, which is done exactly (lra,
  field)
    or in intervals (coq-interval, with integers of a set precision: hardware floats take no part). *)
From Coq Require Import Reals Lra List.
From Coquelicot Require Import Coquelicot.
From Interval Require Export Tactic.
From InfoNCE Require Import Sums Plane LogSumExp Gaussian Integrals Loss RankOne Refutation.
Open Scope R_scope.

Lemma rows_cons a b c d a' b' c' d' l l' : a = a' -> b = b' -> c = c' -> d = d' -> l = l' ->
  Row a b c d :: l = Row a' b' c' d' :: l'.
Proof. intros -> -> -> -> ->. reflexivity. Qed.

Ltac unfold_theory := cbv [
  valid centre trace2 bilinear attraction above beyond near accurate estimate
  share along across u profile row_of blend bulk
  sum map In solve pos_def form dot cross turn act det outer mix2 size2 scalar zero
  part left_end right_end value error weight mean amount rate linear constant vx vy xx xy yy ].

(** An integral of a blend of rows against a Gaussian density, in an interval of width 2^w. *)
Ltac integrate w :=
  cbv [blend density sum amount rate linear constant];
  integral with (i_width w, i_prec 40, i_degree 10, i_fuel 2000).

(** The second moment beyond the ends, as what the integral leaves of the whole. *)
Ltac integrate_moment w :=
  match goal with |- ?whole - ?part <= ?b =>
    let H := fresh in
    assert (H : Rabs (part - whole) <= b) by integrate w; apply Rabs_le_between in H; lra
  end.

(** Rows of rational numbers, one by one. *)
Ltac same_rows := repeat (apply rows_cons; [lra|lra|lra|lra|]); reflexivity.

Ltac enclose := interval with (i_prec 90).
