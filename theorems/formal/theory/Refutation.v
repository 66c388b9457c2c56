(** From numbers to the theorem: what has to be computed for a mixture so that InfoNCE's minimisers miss directions.

    At M = vv' and for n, v turned by a right angle, the gradient is nearly z nn' with z > 0. So M is nearly the best of
    the positive semidefinite matrices, and a step against nn' out of their cone lowers the loss by more than "nearly"
    is worth. Then no minimiser is inside the cone. *)
From Coq Require Import Reals Lra Psatz List.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums Plane LogSumExp Gaussian Integrals Loss RankOne Border Learning.
Open Scope R_scope.

(** A component, an interval of q = v'x, and what the three slope integrals over it are, up to an error. *)
Record piece := Piece { part : component; left_end : R; right_end : R; value : sym; error : R }.

Section Refutation.
Variables (Sigma : sym) (mix : mixture) (delta : R) (v : vec).

(** The mass of 1 + q^2 beyond the ends. *)
Definition beyond (p : piece) : R :=
  let m := dot v (mean (part p)) in let s2 := form Sigma v in 1 + s2 + m * m - moment m s2 (left_end p) (right_end p).

(** The slope along H over the component of the piece is the given number, up to the error. *)
Definition near (p : piece) (H : sym) (number : R) : Prop :=
  Rabs (slope_integral Sigma mix v H (mean (part p)) (left_end p) (right_end p) - number)
    + height Sigma mix v H (mean (part p)) * beyond p <= error p.

Definition accurate (p : piece) : Prop := left_end p <= right_end p /\
  near p (Sym 1 0 0) (xx (value p)) /\ near p (Sym 0 1 0) (xy (value p)) /\ near p (Sym 0 0 1) (yy (value p)).

(** The gradient along H at vv', with the given numbers for the integrals. *)
Definition estimate (pieces : list piece) (H : sym) (number : piece -> R) : R :=
  - attraction mix delta H + bilinear Sigma mix (outer v) H + sum (fun p => weight (part p) * number p) pieces.

(** How [near] is shown by numbers alone. *)
Lemma near_by p H number rows m s2 e h b : map (row_of Sigma v H (mean (part p))) mix = rows ->
  dot v (mean (part p)) = m -> form Sigma v = s2 ->
  Rabs (RInt (fun q => blend rows q * density m s2 q) (left_end p) (right_end p) - number) <= e ->
  bulk rows <= h -> 1 + s2 + m * m - RInt (fun q => (1 + q * q) * density m s2 q) (left_end p) (right_end p) <= b ->
  0 <= b -> e + h * b <= error p -> near p H number.
Proof.
  intros <- <- <- I Hh Hb B0 Le. unfold near, beyond, moment. cbv zeta. rewrite height_rows.
  unfold slope_integral. rewrite (RInt_ext _ (fun q => blend (map (row_of Sigma v H (mean (part p))) mix) q
    * density (dot v (mean (part p))) (form Sigma v) q)); [|intros; rewrite profile_rows; reflexivity].
  assert (N : 0 <= bulk (map (row_of Sigma v H (mean (part p))) mix)).
  { unfold bulk. apply sum_nonneg. intros. apply Rplus_le_le_0_compat; apply Rabs_pos. }
  set (c := bulk _) in *. set (r := 1 + _ + _ - _) in *. assert (c * r <= h * b); [|lra].
  apply Rle_trans with (c * b); [apply Rmult_le_compat_l|apply Rmult_le_compat_r]; assumption.
Qed.

(** What is computed: lambda is below Sigma; z nn' is the gradient up to eps in each entry (twice off the diagonal);
    spread bounds the differences of n'mu_k; t is the length of the step across the border. *)
Record checks (pieces : list piece) (lambda z eps tol spread t : R) : Prop := {
  check_mixture : valid mix;
  check_covariance : pos_def Sigma;
  check_lambda : above Sigma lambda;
  check_direction : 0 < form Sigma v;
  check_pieces : map part pieces = mix;
  check_integrals : forall p, In p pieces -> accurate p;
  check_errors : sum (fun p => weight (part p) * error p) pieces <= tol;
  check_signs : 0 <= z /\ 0 <= t /\ 0 <= spread;
  check_spread : forall i j, In i mix -> In j mix -> Rabs (dot (turn v) (mean i) - dot (turn v) (mean j)) <= spread;
  check_xx : Rabs (estimate pieces (Sym 1 0 0) (fun p => xx (value p)) - z * (vy v * vy v)) + tol <= eps;
  check_xy : Rabs (estimate pieces (Sym 0 1 0) (fun p => xy (value p)) + 2 * z * (vx v * vy v)) + tol <= 2 * eps;
  check_yy : Rabs (estimate pieces (Sym 0 0 1) (fun p => yy (value p)) - z * (vx v * vx v)) + tol <= eps;
  check_step : let n := turn v in
    t * t * ((form Sigma n + sum (fun k => weight k * (dot n (mean k) * dot n (mean k))) mix) * (form Sigma n / 2 +
      spread * spread))
      + 2 * (eps * eps) / (lambda * lambda) < t * (z * (dot v v * dot v v) - 2 * eps * dot v v) }.

Variable E : vec -> (vec -> R) -> R.
Hypothesis G : Gaussian Sigma E.
Variables (pieces : list piece) (lambda z eps tol spread t : R).
Hypothesis Ck : checks pieces lambda z eps tol spread t.

Let V : valid mix := check_mixture _ _ _ _ _ _ _ Ck.
Let P : pos_def Sigma := check_covariance _ _ _ _ _ _ _ Ck.
Let loss := L Sigma mix delta E.
Let grad := gradient Sigma mix delta E (outer v).

Lemma estimate_near H number : (forall p, In p pieces -> near p H (number p)) ->
  Rabs (grad H - estimate pieces H number) <= tol.
Proof.
  intros N. assert (Pieces := check_pieces _ _ _ _ _ _ _ Ck).
  assert (Map : forall f : component -> R, sum f mix = sum (fun p => f (part p)) pieces).
  { intros f. rewrite <- Pieces. apply sum_map. }
  unfold grad, gradient, estimate. replace (_ - _) with
    (Emix mix E (slope mix (outer v) H) - sum (fun p => weight (part p) * number p) pieces) by ring.
  unfold Emix. rewrite Map.
  eapply Rle_trans; [|apply (check_errors _ _ _ _ _ _ _ Ck)].
  apply sum_near. intros p I.
  assert (K : In (part p) mix) by (rewrite <- Pieces; apply in_map, I).
  assert (Wp : 0 < weight (part p)) by (apply V, K).
  rewrite <- Rmult_minus_distr_l, Rabs_mult, (Rabs_pos_eq (weight (part p))); [|lra]. apply Rmult_le_compat_l; [lra|].
  eapply Rle_trans; [|apply (N p I)].
  assert (A := slope_near Sigma mix v E V P (check_direction _ _ _ _ _ _ _ Ck) G H (mean (part p)) (left_end p)
    (right_end p) _
    (proj1 (check_integrals _ _ _ _ _ _ _ Ck p I)) (Rle_refl _)).
  fold (beyond p) in A. set (e := E _ _) in *. set (i := slope_integral _ _ _ _ _ _ _) in *.
  replace (e - number p) with ((e - i) + (i - number p)) by ring.
  eapply Rle_trans; [apply Rabs_triang|]. unfold beyond in *. lra.
Qed.

Lemma gradient_near :
  Rabs (grad (Sym 1 0 0) - z * (vy v * vy v)) <= eps /\
  Rabs (grad (Sym 0 1 0) + 2 * z * (vx v * vy v)) <= 2 * eps /\
  Rabs (grad (Sym 0 0 1) - z * (vx v * vx v)) <= eps.
Proof.
  assert (A := check_integrals _ _ _ _ _ _ _ Ck).
  assert (X := estimate_near (Sym 1 0 0) (fun p => xx (value p)) (fun p I => proj1 (proj2 (A p I)))).
  assert (Y := estimate_near (Sym 0 1 0) (fun p => xy (value p)) (fun p I => proj1 (proj2 (proj2 (A p I))))).
  assert (Z := estimate_near (Sym 0 0 1) (fun p => yy (value p)) (fun p I => proj2 (proj2 (proj2 (A p I))))).
  assert (CX := check_xx _ _ _ _ _ _ _ Ck). assert (CY := check_xy _ _ _ _ _ _ _ Ck).
  assert (CZ := check_yy _ _ _ _ _ _ _ Ck).
  assert (T : forall a b c : R, Rabs (a - c) <= Rabs (b - c) + Rabs (a - b)).
  { intros a b c. replace (a - c) with ((b - c) + (a - b)) by ring. apply Rabs_triang. }
  set (g1 := grad (Sym 1 0 0)) in *. set (g2 := grad (Sym 0 1 0)) in *. set (g3 := grad (Sym 0 0 1)) in *.
  set (e1 := estimate _ (Sym 1 0 0) _) in *. set (e2 := estimate _ (Sym 0 1 0) _) in *.
  set (e3 := estimate _ (Sym 0 0 1) _) in *.
  assert (T1 := T g1 e1 (z * (vy v * vy v))). assert (T3 := T g3 e3 (z * (vx v * vx v))).
  assert (T2 := T g2 e2 (- (2 * z * (vx v * vy v)))).
  replace (g2 - - (2 * z * (vx v * vy v))) with (g2 + 2 * z * (vx v * vy v)) in T2 by ring.
  replace (e2 - - (2 * z * (vx v * vy v))) with (e2 + 2 * z * (vx v * vy v)) in T2 by ring. lra.
Qed.

(** Among the positive semidefinite matrices vv' is nearly the best. *)
Theorem nearly_best N : psd N -> loss (outer v) - 2 * (eps * eps) / (lambda * lambda) <= loss N.
Proof.
  intros PN. set (H := mix2 1 N (-1) (outer v)).
  assert (A := lower Sigma mix delta E V G (outer v) H). replace (mix2 1 (outer v) 1 H) with N in A
    by (unfold H; destruct N; apply sym_eq; simpl; ring).
  assert (B := bilinear_lower Sigma mix V P lambda H (check_lambda _ _ _ _ _ _ _ Ck)).
  rewrite gradient_entries in A; [|exact V|exact G]. fold grad loss in A. destruct gradient_near as (X & Y & Z).
  destruct (check_signs _ _ _ _ _ _ _ Ck) as (Z0 & _ & _). destruct (check_lambda _ _ _ _ _ _ _ Ck) as (L0 & _).
  set (g1 := grad (Sym 1 0 0)) in *. set (g2 := grad (Sym 0 1 0)) in *. set (g3 := grad (Sym 0 0 1)) in *.
  set (c := lambda * lambda) in *.
  assert (C0 : 0 < c) by (apply Rmult_lt_0_compat; exact L0).
  set (r1 := g1 - z * (vy v * vy v)) in *. set (r2 := g2 + 2 * z * (vx v * vy v)) in *.
  set (r3 := g3 - z * (vx v * vx v)) in *.
  assert (Cone : 0 <= z * form N (turn v)) by (apply Rmult_le_pos; [exact Z0|apply PN]).
  assert (Split : xx H * g1 + xy H * g2 + yy H * g3 = z * form N (turn v) + (xx H * r1 + xy H * r2 + yy H * r3)).
  { unfold r1, r2, r3, H. coordinates. ring. }
  rewrite Split in A. unfold size2 in B.
  assert (S1 := square_nonneg (xx H + r1 / c)). assert (S2 := square_nonneg (xy H + r2 / (2 * c))).
  assert (S3 := square_nonneg (yy H + r3 / c)).
  assert (S : 0 <= c / 2 * ((xx H + r1 / c) * (xx H + r1 / c) + 2 * ((xy H + r2 / (2 * c)) * (xy H + r2 / (2 * c))) +
    (yy H + r3 / c) * (yy H + r3 / c)))
    by (apply Rmult_le_pos; lra).
  replace (c / 2 * _) with (c * (xx H * xx H + 2 * (xy H * xy H) + yy H * yy H) / 2 + (xx H * r1 + xy H * r2 + yy H *
    r3)
    + (r1 * r1 + r2 * r2 / 2 + r3 * r3) / (2 * c)) in S by (field; lra).
  assert (R : (r1 * r1 + r2 * r2 / 2 + r3 * r3) / (2 * c) <= 2 * (eps * eps) / c).
  { replace (2 * (eps * eps) / c) with (4 * (eps * eps) / (2 * c)) by (field; lra).
    apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat; lra|].
    assert (Sq : forall r e, Rabs r <= e -> r * r <= e * e).
    { intros r e Hr. apply Rabs_le_between in Hr. nra. }
    apply Sq in X, Y, Z. lra. }
  lra.
Qed.

(** A step out of the cone is better than all of it. *)
Theorem better_outside : loss (mix2 1 (outer v) (- t) (outer (turn v))) < loss (outer v) - 2 * (eps * eps) / (lambda *
  lambda).
Proof.
  destruct (check_signs _ _ _ _ _ _ _ Ck) as (Z0 & T0 & K0).
  assert (A := upper Sigma mix delta E V P G (outer v) (turn v) t spread T0 K0 (check_spread _ _ _ _ _ _ _ Ck)).
  assert (B := check_step _ _ _ _ _ _ _ Ck). cbv zeta in B. fold loss grad in A.
  unfold grad in A. rewrite gradient_entries in A; [|exact V|exact G]. fold grad in A.
  destruct gradient_near as (X & Y & Z).
  set (g1 := grad (Sym 1 0 0)) in *. set (g2 := grad (Sym 0 1 0)) in *. set (g3 := grad (Sym 0 0 1)) in *.
  eapply Rle_lt_trans; [exact A|]. clear A.
  set (C := t * t * _) in *. set (l := loss (outer v)). clearbody C l.
  assert (K : t * (z * (dot v v * dot v v) - 2 * eps * dot v v)
    <= t * (xx (outer (turn v)) * g1 + xy (outer (turn v)) * g2 + yy (outer (turn v)) * g3)).
  { apply Rmult_le_compat_l; [exact T0|]. coordinates. apply Rabs_le_between in X, Y, Z.
    set (a := vx v) in *. set (b := vy v) in *.
    set (r1 := g1 - z * (b * b)) in *. set (r2 := g2 + 2 * z * (a * b)) in *. set (r3 := g3 - z * (a * a)) in *.
    replace (- b * - b * g1 + - b * a * g2 + a * a * g3) with
      (z * ((a * a + b * b) * (a * a + b * b)) + (b * b * r1 - a * b * r2 + a * a * r3)) by (unfold r1, r2, r3; ring).
    assert (S1 : - eps * (b * b) <= b * b * r1) by (assert (Q := square_nonneg b); nra).
    assert (S3 : - eps * (a * a) <= a * a * r3) by (assert (Q := square_nonneg a); nra).
    assert (S2 : a * b * r2 <= eps * (a * a + b * b)); [|lra].
    assert (E0 : 0 <= eps) by lra. assert (Q := square_nonneg (a + b)). assert (Q' := square_nonneg (a - b)).
    destruct (Rle_dec 0 (a * b)) as [H|H].
    - apply Rle_trans with (a * b * (2 * eps)); [apply Rmult_le_compat_l; lra|]. nra.
    - replace (a * b * r2) with (- (a * b) * - r2) by ring.
      apply Rle_trans with (- (a * b) * (2 * eps)); [apply Rmult_le_compat_l; lra|]. nra. }
  lra.
Qed.

(** Minimisers exist, and each of them learns a proper subspace of the Fisher subspace only. *)
Theorem refutation r i j : (2 <= r)%nat -> In i mix -> In j mix -> cross (mean i) (mean j) <> 0 ->
  (exists A, minimiser mix delta E r A) /\
  (forall A, minimiser mix delta E r A -> proper_subspace (span A) (fisher Sigma mix)).
Proof.
  intros Hr I J N. split; [apply (minimisers_exist Sigma mix delta E V P G r Hr)|]. intros A Min.
  apply (singular_proper Sigma mix i j A P I J N).
  apply (no_minimiser_inside loss (loss (outer v) - 2 * (eps * eps) / (lambda * lambda)) (mix2 1 (outer v) (- t) (outer
    (turn v)))).
  - intros. apply (convex Sigma mix delta E V P G). assumption.
  - exact nearly_best.
  - exact better_outside.
  - apply gram_psd.
  - apply (minimiser_gram Sigma mix delta E V P G r A Hr Min).
Qed.
End Refutation.
