(** Convex functions of finitely many numbers, given by a list of their names.

    Convexity is used as: at every point a tangent lies below. For functions that are finite everywhere this is
    convexity ([chord], and conversely by Hahn and Banach, which is not proved here). *)
From Coq Require Import Reals Lra Psatz List.
From InfoNCE Require Import Sums.
Open Scope R_scope.

Section Convex.
Context {T : Type}.
Variables (names : list T) (Phi : (T -> R) -> R).

(** The slopes t are those of a tangent at z. *)
Definition subgradient (z t : T -> R) : Prop := forall z', Phi z + sum (fun e => t e * (z' e - z e)) names <= Phi z'.
Definition convex : Prop := forall z, exists t, subgradient z t.

(** Along a line: the mean of the ends is no less. *)
Lemma chord a b z z' : convex -> 0 <= a -> 0 <= b -> a + b = 1 ->
  Phi (fun e => a * z e + b * z' e) <= a * Phi z + b * Phi z'.
Proof.
  intros C A B AB. destruct (C (fun e => a * z e + b * z' e)) as (t & H).
  assert (X := Rmult_le_compat_l a _ _ A (H z)). assert (Y := Rmult_le_compat_l b _ _ B (H z')).
  set (p := Phi (fun e => a * z e + b * z' e)) in *.
  rewrite Rmult_plus_distr_l, <- sum_scal in X. rewrite Rmult_plus_distr_l, <- sum_scal in Y.
  assert (S : sum (fun e => a * (t e * (z e - (a * z e + b * z' e)))) names
    + sum (fun e => b * (t e * (z' e - (a * z e + b * z' e)))) names = 0).
  { rewrite <- sum_plus, <- (sum_zero names). apply sum_ext. intros e _. replace b with (1 - a) by lra. ring. }
  assert (a * p + b * p = p) by (replace b with (1 - a) by lra; ring). lra.
Qed.

(** A convex function that is affine on one line is affine, with the same slope, on every parallel line. *)
Theorem parallel h c alpha beta : convex -> (forall s, Phi (fun e => c e + s * h e) = alpha + beta * s) ->
  forall z s, Phi (fun e => z e + s * h e) = Phi z + beta * s.
Proof.
  intros C Aff.
  assert (Ext : forall z z', (forall e, z e = z' e) -> Phi z <= Phi z').
  { intros z z' E. destruct (C z) as (t & H). eapply Rle_trans; [|apply H].
    rewrite (sum_ext _ (fun _ => 0)); [rewrite sum_zero; lra|]. intros e _. rewrite E. ring. }
  assert (Le : forall z s, Phi (fun e => z e + s * h e) <= Phi z + beta * s).
  { intros z s. set (w := fun e => z e + s * h e). destruct (C w) as (t & H).
    set (m := sum (fun e => t e * (c e - z e)) names). set (k := alpha - Phi z - m).
    assert (Step : forall l, 0 < l < 1 -> Phi w <= Phi z + beta * s + l * k).
    { intros l L. assert (Ch := chord (1 - l) l z (fun e => c e + s / l * h e) C ltac:(lra) ltac:(lra) ltac:(lra)).
      rewrite Aff in Ch. assert (Q := H (fun e => w e + l * (c e - z e))).
      rewrite (sum_ext _ (fun e => l * (t e * (c e - z e)))) in Q by (intros; ring). rewrite sum_scal in Q.
      fold m in Q.
      assert (X : Phi (fun e => w e + l * (c e - z e)) <= Phi (fun e => (1 - l) * z e + l * (c e + s / l * h e))).
      { apply Ext. intros e. unfold w. field. lra. }
      replace (l * (alpha + beta * (s / l))) with (l * alpha + beta * s) in Ch by (field; lra).
      unfold k. lra. }
    apply le_epsilon. intros e He. assert (K := Rabs_pos k). assert (K' := Rle_abs k).
    set (l := Rmin (1 / 2) (e / (Rabs k + 1))).
    assert (E : 0 < e / (Rabs k + 1)) by (apply Rdiv_lt_0_compat; lra).
    assert (L1 := Rmin_l (1 / 2) (e / (Rabs k + 1))). assert (L2 := Rmin_r (1 / 2) (e / (Rabs k + 1))).
    assert (L0 : 0 < l) by (apply Rmin_glb_lt; lra). fold l in L1, L2.
    assert (S := Step l ltac:(lra)). assert (M : l * (Rabs k + 1) <= e).
    { apply (Rmult_le_compat_r (Rabs k + 1)) in L2; [|lra].
      replace (e / (Rabs k + 1) * (Rabs k + 1)) with e in L2 by (field; lra). exact L2. }
    assert (l * k <= l * (Rabs k + 1)) by (apply Rmult_le_compat_l; lra). lra. }
  intros z s. apply Rle_antisym; [apply Le|].
  assert (B := Le (fun e => z e + s * h e) (- s)).
  assert (X : Phi z <= Phi (fun e => z e + s * h e + - s * h e)) by (apply Ext; intros; ring). lra.
Qed.
End Convex.
