(** The InfoNCE loss as a function of M = AA', and how it lies above its tangents.

    A mixture is a list of components of one covariance Sigma; a positive pair is of one component with probability
    delta, else independent. In M the loss is convex: a linear part, a quadratic form, the expectation of a
    log-sum-exp. All that follows rests on two inequalities, [lower] and [upper]. *)
From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums Plane LogSumExp Gaussian.
Open Scope R_scope.

Record component := Component { weight : R; mean : vec }.
Definition mixture := list component.

Definition valid (mix : mixture) : Prop :=
  mix <> nil /\ (forall k, In k mix -> 0 < weight k) /\ sum weight mix = 1.

(** The mean of the whole mixture. *)
Definition centre (mix : mixture) : vec :=
  Vec (sum (fun k => weight k * vx (mean k)) mix) (sum (fun k => weight k * vy (mean k)) mix).

Section Loss.
Variables (Sigma : sym) (mix : mixture) (delta : R) (E : vec -> (vec -> R) -> R).

(** The expectation over the mixture. *)
Definition Emix (f : vec -> R) : R := sum (fun k => weight k * E (mean k) f) mix.

(** tr (M Sigma N R), where R = Sigma + sum_k w_k mu_k mu_k' is the second moment of the mixture. *)
Definition bilinear (M N : sym) : R :=
  trace2 Sigma M N + sum (fun k => weight k * dot (act M (mean k)) (act Sigma (act N (mean k)))) mix.

(** The expectation of f(x).f(x') over positive pairs. *)
Definition attraction (M : sym) : R :=
  delta * sum (fun k => weight k * form M (mean k)) mix + (1 - delta) * form M (centre mix).

(** The logits of x: mu_k'Mx. *)
Definition logits (M : sym) (x : vec) (k : component) : R := dot (act M (mean k)) x.
Definition F (M : sym) (x : vec) : R := lse weight mix (logits M x).

Definition L (M : sym) : R := - attraction M + bilinear M M / 2 + Emix (F M).

(** The derivative of F at M along H, and that of L. *)
Definition slope (M H : sym) (x : vec) : R := tangent weight mix (logits M x) (logits H x).
Definition gradient (M H : sym) : R := - attraction H + bilinear M H + Emix (slope M H).

Hypothesis V : valid mix.
Hypothesis P : pos_def Sigma.
Hypothesis G : Gaussian Sigma E.

Let nonempty : mix <> nil := proj1 V.
Let weights : forall k, In k mix -> 0 < weight k := proj1 (proj2 V).
Let one : sum weight mix = 1 := proj2 (proj2 V).

(** * The expectation over the mixture is linear and monotone *)

Lemma Emix_lin a f b g : Dom f -> Dom g -> Emix (fun x => a * f x + b * g x) = a * Emix f + b * Emix g.
Proof.
  intros Df Dg. unfold Emix. rewrite <- sum_lin. apply sum_ext. intros k _.
  rewrite (E_lin _ _ G); [ring|assumption|assumption].
Qed.

Lemma Emix_plus f g : Dom f -> Dom g -> Emix (fun x => f x + g x) = Emix f + Emix g.
Proof.
  intros Df Dg. unfold Emix. rewrite <- sum_plus. apply sum_ext. intros k _.
  rewrite (E_plus Sigma E G); [ring|assumption|assumption].
Qed.

Lemma Emix_scal c f : Dom f -> Emix (fun x => c * f x) = c * Emix f.
Proof.
  intros Df. unfold Emix. rewrite <- sum_scal. apply sum_ext. intros k _. rewrite (E_scal Sigma E G); [ring|assumption].
Qed.

Lemma Emix_mono f g : Dom f -> Dom g -> (forall x, f x <= g x) -> Emix f <= Emix g.
Proof.
  intros Df Dg H. apply sum_le. intros k K. apply Rmult_le_compat_l; [apply Rlt_le, weights, K|].
  apply (E_mono _ _ G); assumption.
Qed.

Lemma Emix_square u : Emix (fun x => dot u x * dot u x) = form Sigma u + sum (fun k => weight k * (dot u (mean k) * dot
  u (mean k))) mix.
Proof.
  rewrite <- (Rmult_1_r (form Sigma u)), <- one, <- sum_scal, <- sum_plus. apply sum_ext. intros k _.
  rewrite (E_square Sigma E G P). ring.
Qed.

(** * The integrands belong to the class *)

Lemma continuous2_total M : continuous2 (fun x => total weight mix (logits M x)).
Proof.
  apply (continuous2_sum (fun k x => weight k * exp (logits M x k))). intros k.
  apply continuous2_mult; [apply continuous2_const|].
  apply (continuous2_comp exp); [|apply continuous2_dot]. intros. apply derivable_continuous_pt, derivable_pt_exp.
Qed.

Lemma continuous2_soft M k : continuous2 (fun x => soft weight mix (logits M x) k).
Proof.
  unfold soft, Rdiv. apply continuous2_mult.
  - apply continuous2_mult; [apply continuous2_const|].
    apply (continuous2_comp exp); [|apply continuous2_dot]. intros. apply derivable_continuous_pt, derivable_pt_exp.
  - apply (continuous2_comp Rinv); [|apply continuous2_total]. intros x. apply (continuity_pt_inv (fun t => t)).
    + apply derivable_continuous_pt, derivable_pt_id.
    + apply Rgt_not_eq, total_pos; assumption.
Qed.

Lemma logits_bound M (x : vec) : sum (fun k => Rabs (logits M x k)) mix <=
  sum (fun k => Rabs (vx (act M (mean k))) + Rabs (vy (act M (mean k)))) mix * (1 + dot x x).
Proof. rewrite <- sum_scal_r. apply sum_le. intros k _. apply dot_bound. Qed.

Lemma logits_constant_nonneg M : 0 <= sum (fun k => Rabs (vx (act M (mean k))) + Rabs (vy (act M (mean k)))) mix.
Proof. apply sum_nonneg. intros. apply Rplus_le_le_0_compat; apply Rabs_pos. Qed.

Lemma Dom_F M : Dom (F M).
Proof.
  apply Dom_quadratic.
  - apply (continuous2_comp ln); [|apply continuous2_total]. intros x. apply derivable_continuous_pt.
    exists (/ total weight mix (logits M x)). apply derivable_pt_lim_ln, total_pos; assumption.
  - eexists. split; [apply (logits_constant_nonneg M)|]. intros x. eapply Rle_trans; [|apply logits_bound].
    apply lse_abs; assumption.
Qed.

Lemma Dom_slope M H : Dom (slope M H).
Proof.
  apply Dom_quadratic.
  - apply (continuous2_sum (fun k x => soft weight mix (logits M x) k * logits H x k)). intros k.
    apply continuous2_mult; [apply continuous2_soft|apply continuous2_dot].
  - eexists. split; [apply (logits_constant_nonneg H)|]. intros x. eapply Rle_trans; [|apply logits_bound].
    apply tangent_abs; assumption.
Qed.

(** * Algebra *)

Lemma logits_lin a M b N x k : logits (mix2 a M b N) x k = a * logits M x k + b * logits N x k.
Proof. unfold logits. coordinates. ring. Qed.

Lemma form_lin a M b N u : form (mix2 a M b N) u = a * form M u + b * form N u.
Proof. coordinates. ring. Qed.

Lemma attraction_lin a M b N : attraction (mix2 a M b N) = a * attraction M + b * attraction N.
Proof.
  unfold attraction. rewrite form_lin.
  replace (sum (fun k => weight k * form (mix2 a M b N) (mean k)) mix)
    with (a * sum (fun k => weight k * form M (mean k)) mix + b * sum (fun k => weight k * form N (mean k)) mix);
      [ring|].
  rewrite <- sum_lin. apply sum_ext. intros k _. rewrite form_lin. ring.
Qed.

Lemma bilinear_sym M N : bilinear M N = bilinear N M.
Proof.
  unfold bilinear. f_equal; [unfold trace2; coordinates; ring|]. apply sum_ext. intros. coordinates. ring.
Qed.

Lemma bilinear_lin M a N b K : bilinear M (mix2 a N b K) = a * bilinear M N + b * bilinear M K.
Proof.
  unfold bilinear. rewrite !Rmult_plus_distr_l, <- !sum_scal.
  replace (sum (fun k => weight k * dot (act M (mean k)) (act Sigma (act (mix2 a N b K) (mean k)))) mix)
    with (sum (fun k => a * (weight k * dot (act M (mean k)) (act Sigma (act N (mean k))))
                      + b * (weight k * dot (act M (mean k)) (act Sigma (act K (mean k))))) mix).
  - rewrite sum_lin, !sum_scal. unfold trace2. coordinates. ring.
  - apply sum_ext. intros. coordinates. ring.
Qed.

Lemma slope_lin M a H b K x : slope M (mix2 a H b K) x = a * slope M H x + b * slope M K x.
Proof. unfold slope, tangent. rewrite <- sum_lin. apply sum_ext. intros k _. rewrite logits_lin. ring. Qed.

Lemma gradient_lin M a H b K : gradient M (mix2 a H b K) = a * gradient M H + b * gradient M K.
Proof.
  unfold gradient. rewrite attraction_lin, bilinear_lin.
  replace (Emix (slope M (mix2 a H b K))) with (a * Emix (slope M H) + b * Emix (slope M K)); [ring|].
  rewrite <- Emix_lin; try apply Dom_slope. unfold Emix. apply sum_ext. intros k _. f_equal. apply E_ext.
  intros. symmetry. apply slope_lin.
Qed.

(** The gradient by its entries. *)
Lemma gradient_entries M H : gradient M H =
  xx H * gradient M (Sym 1 0 0) + xy H * gradient M (Sym 0 1 0) + yy H * gradient M (Sym 0 0 1).
Proof.
  replace H with (mix2 1 (mix2 (xx H) (Sym 1 0 0) (xy H) (Sym 0 1 0)) (yy H) (Sym 0 0 1)) at 1.
  - rewrite !gradient_lin. ring.
  - destruct H. apply sym_eq; simpl; ring.
Qed.

Lemma bilinear_lower lambda M : above Sigma lambda -> lambda * lambda * size2 M <= bilinear M M.
Proof.
  intros A. unfold bilinear. assert (T := trace2_lower Sigma lambda M A).
  assert (0 <= sum (fun k => weight k * dot (act M (mean k)) (act Sigma (act M (mean k)))) mix); [|lra].
  apply sum_nonneg. intros k K. apply Rmult_le_pos; [apply Rlt_le, weights, K|]. apply (pos_def_psd _ P).
Qed.

(** * The two inequalities *)

(** The loss lies above its tangent by at least half the quadratic form. *)
Theorem lower M H : L M + gradient M H + bilinear H H / 2 <= L (mix2 1 M 1 H).
Proof.
  assert (A : Emix (F M) + Emix (slope M H) <= Emix (F (mix2 1 M 1 H))).
  { rewrite <- Emix_plus; [|apply Dom_F|apply Dom_slope]. apply Emix_mono; [|apply Dom_F|].
    - apply Dom_ext with (fun x => 1 * F M x + 1 * slope M H x); [intros; ring|apply Dom_lin;
        [apply Dom_F|apply Dom_slope]].
    - intros x. eapply Rle_trans; [|apply (lse_tangent weight mix nonempty weights _ (logits M x))].
      right. unfold F, slope. f_equal. unfold tangent. apply sum_ext. intros k _. rewrite logits_lin. ring. }
  unfold L, gradient. rewrite attraction_lin, bilinear_lin.
  rewrite (bilinear_sym (mix2 1 M 1 H) M), (bilinear_sym (mix2 1 M 1 H) H), !bilinear_lin, (bilinear_sym H M). lra.
Qed.

(** A step across the border of the cone: against n n' the loss exceeds its tangent by at most a constant times t^2. *)
Theorem upper M n t k : 0 <= t -> 0 <= k ->
  (forall i j, In i mix -> In j mix -> Rabs (dot n (mean i) - dot n (mean j)) <= k) ->
  L (mix2 1 M (- t) (outer n)) <= L M - t * gradient M (outer n)
    + t * t * ((form Sigma n + sum (fun k => weight k * (dot n (mean k) * dot n (mean k))) mix) * (form Sigma n / 2 + k
        * k)).
Proof.
  intros Ht Hk K.
  assert (A : Emix (F (mix2 1 M (- t) (outer n))) <=
    Emix (F M) + - t * Emix (slope M (outer n)) + t * t * (k * k) * Emix (fun x => dot n x * dot n x)).
  { rewrite <- (Rmult_1_l (Emix (F M))), <- Emix_lin; [|apply Dom_F|apply Dom_slope].
    rewrite <- (Rmult_1_l (Emix (fun x => 1 * F M x + _))).
    assert (D := Dom_lin 1 _ (- t) _ (Dom_F M) (Dom_slope M (outer n))).
    rewrite <- Emix_lin; [|exact D|apply Dom_square]. apply Emix_mono; [apply Dom_F|apply Dom_lin;
      [exact D|apply Dom_square]|].
    intros x. set (s := dot n x).
    assert (Eq : forall j, logits (mix2 1 M (- t) (outer n)) x j - logits M x j = - t * s * dot n (mean j))
      by (intros; rewrite logits_lin; unfold logits, s; coordinates; ring).
    eapply Rle_trans; [apply (lse_upper weight mix nonempty weights _ (logits M x) (t * k * Rabs s))|].
    - repeat apply Rmult_le_pos; try assumption. apply Rabs_pos.
    - intros i j I J. rewrite !Eq. replace (- t * s * dot n (mean i) - - t * s * dot n (mean j))
        with (- (t * s * (dot n (mean i) - dot n (mean j)))) by ring.
      rewrite Rabs_Ropp, !Rabs_mult, (Rabs_pos_eq t); [|exact Ht].
      replace (t * k * Rabs s) with (t * Rabs s * k) by ring.
      apply Rmult_le_compat_l; [apply Rmult_le_pos; [exact Ht|apply Rabs_pos]|auto].
    - right. unfold F, slope.
      replace (tangent weight mix (logits M x) (fun j => logits (mix2 1 M (- t) (outer n)) x j - logits M x j))
        with (- t * tangent weight mix (logits M x) (logits (outer n) x)).
      + replace (t * k * Rabs s * (t * k * Rabs s)) with (t * t * (k * k) * (Rabs s * Rabs s)) by ring.
        rewrite <- Rabs_mult, (Rabs_pos_eq (s * s)); [ring|apply square_nonneg].
      + unfold tangent. rewrite <- sum_scal. apply sum_ext. intros j _. rewrite Eq. unfold logits, s. coordinates.
        ring. }
  rewrite Emix_square in A. set (S := sum (fun k => weight k * (dot n (mean k) * dot n (mean k))) mix) in *.
  assert (Q : bilinear (outer n) (outer n) = form Sigma n * (form Sigma n + S)).
  { unfold bilinear, S. rewrite Rmult_plus_distr_l, <- sum_scal. f_equal; [unfold trace2; coordinates; ring|].
    apply sum_ext. intros. coordinates. ring. }
  unfold L, gradient. rewrite attraction_lin, bilinear_lin.
  rewrite (bilinear_sym (mix2 1 M (- t) (outer n)) M), (bilinear_sym (mix2 1 M (- t) (outer n)) (outer n)),
    !bilinear_lin,
    (bilinear_sym (outer n) M), Q. lra.
Qed.

(** * What follows from [lower] *)

Lemma chord_direction a M N : mix2 1 (mix2 (1 - a) M a N) 1 (mix2 a M (- a) N) = M.
Proof. destruct M, N. apply sym_eq; simpl; ring. Qed.

Lemma chord_direction' a M N : mix2 1 (mix2 (1 - a) M a N) 1 (mix2 (- (1 - a)) M (1 - a) N) = N.
Proof. destruct M, N. apply sym_eq; simpl; ring. Qed.

Lemma bilinear_nonneg H : 0 <= bilinear H H.
Proof.
  destruct (above_exists Sigma P) as (l & A). assert (B := bilinear_lower l H A). assert (S := size2_nonneg H).
  assert (N := Rmult_le_pos _ _ (square_nonneg l) S). lra.
Qed.

Theorem convex M N a : 0 <= a <= 1 -> L (mix2 (1 - a) M a N) <= (1 - a) * L M + a * L N.
Proof.
  intros A. assert (X := lower (mix2 (1 - a) M a N) (mix2 a M (- a) N)).
  assert (Y := lower (mix2 (1 - a) M a N) (mix2 (- (1 - a)) M (1 - a) N)).
  rewrite chord_direction in X. rewrite chord_direction' in Y. rewrite gradient_lin in X, Y.
  assert (BX := bilinear_nonneg (mix2 a M (- a) N)). assert (BY := bilinear_nonneg (mix2 (- (1 - a)) M (1 - a) N)).
  set (g := gradient _ M) in *. set (h := gradient _ N) in *.
  set (l := L (mix2 (1 - a) M a N)) in *.
  assert (X' : (1 - a) * (l + (a * g + - a * h)) <= (1 - a) * L M) by (apply Rmult_le_compat_l; lra).
  assert (Y' : a * (l + (- (1 - a) * g + (1 - a) * h)) <= a * L N) by (apply Rmult_le_compat_l; lra). lra.
Qed.

Theorem midpoint lambda M N : above Sigma lambda ->
  L (mix2 (1 / 2) M (1 / 2) N) <= (L M + L N) / 2 - lambda * lambda * size2 (mix2 1 M (-1) N) / 8.
Proof.
  intros Ab. set (a := 1 / 2). assert (X := lower (mix2 (1 - a) M a N) (mix2 a M (- a) N)).
  assert (Y := lower (mix2 (1 - a) M a N) (mix2 (- (1 - a)) M (1 - a) N)).
  rewrite chord_direction in X. rewrite chord_direction' in Y. rewrite gradient_lin in X, Y.
  assert (BX := bilinear_lower lambda (mix2 a M (- a) N) Ab).
  assert (BY := bilinear_lower lambda (mix2 (- (1 - a)) M (1 - a) N) Ab).
  replace (size2 (mix2 a M (- a) N)) with (size2 (mix2 1 M (-1) N) / 4) in BX by (unfold a; coordinates; field).
  replace (size2 (mix2 (- (1 - a)) M (1 - a) N)) with (size2 (mix2 1 M (-1) N) / 4) in BY by (unfold a; coordinates;
    field).
  replace (1 - a) with a in * by (unfold a; field).
  set (g := gradient _ M) in *. set (h := gradient _ N) in *. lra.
Qed.

(** Near M the loss falls at most at a bounded rate. *)
Theorem falls_slowly M : exists k, 0 <= k /\ forall N,
  L M - k * (Rabs (xx N - xx M) + Rabs (xy N - xy M) + Rabs (yy N - yy M)) <= L N.
Proof.
  set (g1 := gradient M (Sym 1 0 0)). set (g2 := gradient M (Sym 0 1 0)). set (g3 := gradient M (Sym 0 0 1)).
  exists (Rabs g1 + Rabs g2 + Rabs g3). split; [repeat apply Rplus_le_le_0_compat; apply Rabs_pos|]. intros N.
  assert (A := lower M (mix2 1 N (-1) M)). replace (mix2 1 M 1 (mix2 1 N (-1) M)) with N in A by (destruct M, N;
    apply sym_eq; simpl; ring).
  rewrite gradient_entries in A. fold g1 g2 g3 in A. assert (B := bilinear_nonneg (mix2 1 N (-1) M)).
  cbn [xx xy yy mix2] in A.
  replace (1 * xx N + -1 * xx M) with (xx N - xx M) in A by ring.
  replace (1 * xy N + -1 * xy M) with (xy N - xy M) in A by ring.
  replace (1 * yy N + -1 * yy M) with (yy N - yy M) in A by ring.
  assert (K : forall d g, - (Rabs g * Rabs d) <= d * g).
  { intros d g. rewrite <- Rabs_mult. assert (H := Rle_abs (- (d * g))). rewrite Rabs_Ropp, (Rmult_comm d) in H. lra. }
  set (d1 := xx N - xx M) in *. set (d2 := xy N - xy M) in *. set (d3 := yy N - yy M) in *.
  assert (K1 := K d1 g1). assert (K2 := K d2 g2). assert (K3 := K d3 g3).
  assert (p1 := Rabs_pos d1). assert (p2 := Rabs_pos d2). assert (p3 := Rabs_pos d3).
  assert (q1 := Rabs_pos g1). assert (q2 := Rabs_pos g2). assert (q3 := Rabs_pos g3). nra.
Qed.

(** A tangent bounds the loss from below. *)
Theorem bounded_below : exists lo, forall N, lo <= L N.
Proof.
  destruct (above_exists Sigma P) as (l & Ab). set (M := scalar 0).
  set (g1 := gradient M (Sym 1 0 0)). set (g2 := gradient M (Sym 0 1 0)). set (g3 := gradient M (Sym 0 0 1)).
  set (c := l * l). assert (C0 : 0 < c) by (unfold c; destruct Ab; nra).
  exists (L M - (g1 * g1 + g2 * g2 / 2 + g3 * g3) / (2 * c)). intros N.
  assert (A := lower M N). replace (mix2 1 M 1 N) with N in A by (unfold M; destruct N; apply sym_eq; simpl; ring).
  rewrite gradient_entries in A. fold g1 g2 g3 in A. assert (B := bilinear_lower l N Ab). fold c in B.
  unfold size2 in B.
  assert (S1 := square_nonneg (xx N + g1 / c)). assert (S2 := square_nonneg (xy N + g2 / (2 * c))).
  assert (S3 := square_nonneg (yy N + g3 / c)).
  assert (S : 0 <= c / 2 * ((xx N + g1 / c) * (xx N + g1 / c) + 2 * ((xy N + g2 / (2 * c)) * (xy N + g2 / (2 * c))) +
    (yy N + g3 / c) * (yy N + g3 / c)))
    by (apply Rmult_le_pos; lra).
  replace (c / 2 * _) with (c * (xx N * xx N + 2 * (xy N * xy N) + yy N * yy N) / 2 + (xx N * g1 + xy N * g2 + yy N *
    g3)
    + (g1 * g1 + g2 * g2 / 2 + g3 * g3) / (2 * c)) in S by (field; lra). lra.
Qed.
End Loss.
