(** If a convex function falls below its minimum over the cone just outside, no minimiser lies inside the cone. *)
From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Plane.
Open Scope R_scope.

Lemma positive_near_zero (f : R -> R) : continuity_pt f 0 -> 0 < f 0 -> exists d, 0 < d /\ forall t, 0 < t < d
  -> 0 < f t.
Proof.
  intros C P. destruct (C (f 0) P) as (d & D & H). exists d. split; [exact D|].
  intros t T. specialize (H t). simpl in H. unfold R_dist in H.
  assert (A : D_x no_cond 0 t /\ Rabs (t - 0) < d).
  { split; [split; [exact I|lra]|]. rewrite Rabs_pos_eq; lra. }
  apply H in A. apply Rabs_lt_between in A. lra.
Qed.

Theorem no_minimiser_inside (L : sym -> R) (lo : R) (N : sym) :
  (forall M a, 0 <= a <= 1 -> L (mix2 (1 - a) M a N) <= (1 - a) * L M + a * L N) ->
  (forall M, psd M -> lo <= L M) -> L N < lo ->
  forall M, psd M -> (forall K, psd K -> L M <= L K) -> det M = 0.
Proof.
  intros Convex Low Up M PM Min. apply psd_minors in PM. destruct PM as (Pa & Pc & Pd).
  destruct (Rle_lt_or_eq_dec _ _ Pd) as [D|D]; [exfalso|symmetry; exact D].
  assert (L0 := Low M ltac:(apply psd_minors; auto)).
  assert (Ha : 0 < xx M) by (unfold det in D; nra). assert (Hc : 0 < yy M) by (unfold det in D; nra).
  set (inside := fun t => mix2 (1 - t) M t N).
  destruct (positive_near_zero (fun t => xx (inside t))) as (d1 & D1 & K1);
    [unfold inside, mix2; cbn [xx]; reg|unfold inside, mix2; cbn [xx]; lra|].
  destruct (positive_near_zero (fun t => yy (inside t))) as (d2 & D2 & K2);
    [unfold inside, mix2; cbn [yy]; reg|unfold inside, mix2; cbn [yy]; lra|].
  destruct (positive_near_zero (fun t => det (inside t))) as (d3 & D3 & K3);
    [unfold inside, det, mix2; cbn [xx xy yy]; reg|unfold inside, det, mix2 in *; cbn [xx xy yy]; lra|].
  set (t := Rmin 1 (Rmin d1 (Rmin d2 d3)) / 2).
  assert (B : 0 < Rmin 1 (Rmin d1 (Rmin d2 d3))) by (repeat apply Rmin_glb_lt; lra).
  assert (m1 := Rmin_l 1 (Rmin d1 (Rmin d2 d3))). assert (m2 := Rmin_r 1 (Rmin d1 (Rmin d2 d3))).
  assert (m3 := Rmin_l d1 (Rmin d2 d3)). assert (m4 := Rmin_r d1 (Rmin d2 d3)).
  assert (m5 := Rmin_l d2 d3). assert (m6 := Rmin_r d2 d3).
  assert (T : 0 < t < 1 /\ t < d1 /\ t < d2 /\ t < d3) by (unfold t; lra).
  assert (C := Convex M t ltac:(lra)). fold (inside t) in C.
  assert (Q : L M <= L (inside t)).
  { apply Min, psd_minors. repeat split; apply Rlt_le; [apply K1|apply K2|apply K3]; lra. }
  assert (S : t * (L N - L M) < 0); [|lra].
  assert (0 < t * (L M - L N)) by (apply Rmult_lt_0_compat; lra). lra.
Qed.
