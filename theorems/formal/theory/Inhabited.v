(** The record [law] of Scores.v has an inhabitant: one item in the plane, normal with mean 0. Then the Fisher subspace
    is 0, and all of the item is across. *)
From Coq Require Import Reals Lra Psatz Lia List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums Plane Gaussian Integrals Line Double Expectation.
From InfoNCE Require Scores.
Open Scope R_scope.

(** A continuous function that is nowhere negative and has the integral 0 is 0. *)
Lemma line_zero f : (forall t, continuous f t) -> (forall t, 0 <= f t) -> integral_over_line f 0 -> forall t, f t = 0.
Proof.
  intros C N I t. destruct (Rle_lt_or_eq_dec _ _ (N t)) as [L|L]; [exfalso|symmetry; exact L].
  destruct (proj1 (filterlim_locally f (f t)) (C t) (mkposreal _ L)) as (d & H). assert (D := cond_pos d).
  set (a := t - d / 2). set (b := t + d / 2).
  assert (Ab : forall q, Rabs (f q) <= f q) by (intros q; rewrite Rabs_pos_eq; [lra|apply N]).
  assert (T := tail f f 0 0 a b ltac:(unfold a, b; lra) C C Ab I I).
  assert (P : 0 < RInt f a b).
  { apply RInt_gt_0; [unfold a, b; lra| |intros; apply C]. intros q Q.
    assert (B : Rabs (f q - f t) < f t) 
      by (apply (H q); change (Rabs (q - t) < d); apply Rabs_lt_between; unfold a, b in Q; lra).
    apply Rabs_lt_between in B. lra. }
  assert (A := Rabs_pos (0 - RInt f a b)). lra.
Qed.

Lemma plane_zero F : falls F -> (forall x y, 0 <= F x y) -> plane F = 0 -> forall x y, F x y = 0.
Proof.
  intros (k & c & B) N Z x y. assert (I := plane_integral k c F B). rewrite Z in I.
  assert (G : forall x, 0 <= line (F x)).
  { intros u. apply (integral_le (fun _ => 0) (F u)); [|apply (slice_integral k c F B)|apply N].
    assert (M := integral_scal 0 _ _ (slice_integral k c F B u)). rewrite Rmult_0_l in M.
    apply (integral_ext _ (fun _ => 0)) in M; [exact M|intros; ring]. }
  assert (L := line_zero _ (line_continuous k c F B) G I x). cbv beta in L.
  assert (S := slice_integral k c F B x). rewrite L in S.
  apply (line_zero (F x)); [apply slice_continuous, B|apply N|exact S].
Qed.

Definition lift (v : vec) : Scores.batch := fun _ i => match i with O => vx v | S O => vy v | _ => 0 end.
Definition first (x : Scores.batch) : vec := Vec (x 0%nat 0%nat) (x 0%nat 1%nat).

(** The functions of [Dom], of the first item's two entries. *)
Definition class (f : Scores.batch -> R) : Prop := exists g, Dom g /\ forall x, f x = g (first x).
Definition identity : sym := scalar 1.
Definition mean (f : Scores.batch -> R) : R := expectation identity zero (fun v => f (lift v)).
Definition none : Scores.matrix := fun _ _ => 0.

Lemma identity_pos : pos_def identity.
Proof. unfold identity. coordinates. split; lra. Qed.

Lemma class_lift f : class f -> Dom (fun v => f (lift v)).
Proof.
  intros (g & D & E). apply Dom_ext with g; [|exact D]. intros [a b]. rewrite E. reflexivity.
Qed.

Lemma class_first f x : class f -> f x = f (lift (first x)).
Proof. intros (g & _ & E). rewrite !E. reflexivity. Qed.

Lemma join_none x y : Scores.join 2 none x y = y.
Proof.
  apply functional_extensionality. intros k. apply functional_extensionality. intros i.
  unfold Scores.join, Scores.across, Scores.within, Scores.inner, none. simpl. ring.
Qed.

Lemma across_none u y : Scores.inner 2 u (Scores.across 2 none (y 0%nat)) = dot (Vec (u 0%nat) (u 1%nat)) (first y).
Proof.
  unfold Scores.inner, Scores.across, Scores.within, Scores.inner, none, dot, first. simpl. ring.
Qed.

Theorem law_inhabited : Scores.law 2 none 1 class mean.
Proof.
  assert (P := identity_pos). assert (G := gaussian identity P). split.
  - intros c. exists (fun _ => c). split; [apply Dom_const|reflexivity].
  - intros f g a b (f' & Df & Ef) (g' & Dg & Eg). exists (fun v => a * f' v + b * g' v).
    split; [apply Dom_lin; assumption|]. intros x. rewrite Ef, Eg. reflexivity.
  - exact (E_one _ _ G zero).
  - intros f g a b F H.
    exact (E_lin _ _ G zero (fun v => f (lift v)) (fun v => g (lift v)) a b (class_lift f F) (class_lift g H)).
  - intros f g F H L. exact (E_mono _ _ G zero (fun v => f (lift v)) (fun v => g (lift v)) (class_lift f F)
      (class_lift g H) (fun v => L (lift v))).
  - intros f F N Z x. rewrite (class_first f x F). set (h := fun v => f (lift v)).
    assert (D := class_lift f F). fold h in D.
    assert (Np : forall v, 0 < normal identity zero v)
      by (intros; apply Rdiv_lt_0_compat; [apply exp_pos|apply determinant_root, P]).
    assert (W := plane_zero _ (weighted_falls identity zero h P D)
      (fun a b => Rmult_le_pos _ _ (N _) (Rlt_le _ _ (Np _))) Z (vx (first x)) (vy (first x))).
    unfold weighted in W. apply Rmult_integral in W. destruct W as [W|W]; [exact W|].
    assert (Q := Np (Vec (vx (first x)) (vy (first x)))). lra.
  - intros f x F. replace (fun y => f (Scores.join 2 none x y)) with f; [exact F|].
    apply functional_extensionality. intros y. rewrite join_none. reflexivity.
  - intros f F. exists (fun _ => mean f). split; [apply Dom_const|]. intros x. f_equal. apply functional_extensionality.
    intros y. rewrite join_none. reflexivity.
  - intros f F. transitivity (mean (fun _ => mean f)).
    + symmetry. exact (expectation_const identity P zero (mean f)).
    + f_equal. apply functional_extensionality. intros x. f_equal. apply functional_extensionality. intros y.
      rewrite join_none. reflexivity.
  - intros i u I. replace i with 0%nat by lia. exists (dot (Vec (u 0%nat) (u 1%nat))). split; [apply Dom_dot|].
    intros y. apply across_none.
  - intros i u I. replace i with 0%nat by lia.
    transitivity (expectation identity zero (dot (Vec (u 0%nat) (u 1%nat)))).
    + unfold mean. apply expectation_ext. intros [a b]. rewrite across_none. reflexivity.
    + rewrite (E_dot _ _ G). coordinates. ring.
  - intros i j u v I J N. lia.
  - intros i j u v I J N. lia.
Qed.
