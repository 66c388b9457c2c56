(** The gradient at a matrix of rank one.

    At M = vv' the softmax of x depends on q = v'x alone. Split Hmu into its parts along v and along u, u'Sigma v = 0:
    u'x is independent of q, so each entry of the gradient is a number plus an integral over the line. *)
From Coq Require Import Reals Lra Psatz List.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums Plane LogSumExp Gaussian Integrals Loss.
Open Scope R_scope.

(** The average of linear * q + constant with weights amount * exp (rate * q). *)
Record row := Row { amount : R; rate : R; linear : R; constant : R }.
Definition blend (rows : list row) (q : R) : R :=
  sum (fun r => amount r * exp (rate r * q) * (linear r * q + constant r)) rows / sum (fun r => amount r * exp (rate r *
    q)) rows.
Definition bulk (rows : list row) : R := sum (fun r => Rabs (linear r) + Rabs (constant r)) rows.

Section RankOne.
Variables (Sigma : sym) (mix : mixture) (v : vec).

(** The shares of the components at q = v'x. *)
Definition share (q : R) (k : component) : R := soft weight mix (fun j => dot v (mean j) * q) k.

(** x = along * v + across * u, for u = turn (Sigma v) *)
Definition along (x : vec) : R := dot x (act Sigma v) / form Sigma v.
Definition across (x : vec) : R := cross v x / form Sigma v.
Definition u : vec := turn (act Sigma v).

(** The mean of the slope along H for the points of a component of mean mu, at q. *)
Definition profile (H : sym) (mu : vec) (q : R) : R :=
  sum (fun j => share q j * (along (act H (mean j)) * q + across (act H (mean j)) * dot u mu)) mix.

(** |profile| is at most this times 1 + q^2. *)
Definition height (H : sym) (mu : vec) : R :=
  sum (fun j => Rabs (along (act H (mean j))) + Rabs (across (act H (mean j)) * dot u mu)) mix.

Variable E : vec -> (vec -> R) -> R.
Hypothesis V : valid mix.
Hypothesis P : pos_def Sigma.
Hypothesis S : 0 < form Sigma v.
Hypothesis G : Gaussian Sigma E.

Let nonempty : mix <> nil := proj1 V.
Let weights : forall k, In k mix -> 0 < weight k := proj1 (proj2 V).

Lemma split h x : dot h x = along h * dot v x + across h * dot u x.
Proof.
  assert (N : form Sigma v <> 0) by apply Rgt_not_eq, S. unfold along, across, u. coordinates. field. exact N.
Qed.

Lemma soft_ext z z' k : (forall j, In j mix -> z j = z' j) -> In k mix -> soft weight mix z k = soft weight mix z' k.
Proof.
  intros H K. unfold soft. rewrite H; [|exact K]. f_equal. apply sum_ext. intros j J. rewrite H; auto.
Qed.

Lemma slope_split H x : slope mix (outer v) H x =
  sum (fun j => share (dot v x) j * along (act H (mean j))) mix * dot v x
  + sum (fun j => share (dot v x) j * across (act H (mean j))) mix * dot u x.
Proof.
  unfold slope, tangent. rewrite <- !sum_scal_r, <- sum_plus. apply sum_ext. intros k K. unfold share, logits at 2.
  rewrite split, (soft_ext (logits (outer v) x) (fun j => dot v (mean j) * dot v x)); [ring| |exact K].
  intros j _. unfold logits. coordinates. ring.
Qed.

Lemma share_continuous k q : continuity_pt (fun q => share q k) q.
Proof.
  assert (T : continuity_pt (fun q => total weight mix (fun j => dot v (mean j) * q)) q).
  { unfold total. clear. induction mix as [|j l IH]; simpl; [reg|]. apply continuity_pt_plus; [|exact IH]. reg. }
  unfold share, soft, Rdiv. apply continuity_pt_mult; [reg|].
  apply continuity_pt_inv; [exact T|apply Rgt_not_eq, total_pos; assumption].
Qed.

Lemma average_continuous c q : continuity_pt (fun q => sum (fun j => share q j * c j) mix) q.
Proof.
  assert (H : forall l, continuity_pt (fun q => sum (fun j => share q j * c j) l) q); [|apply H].
  induction l as [|j l IH]; simpl; [reg|]. apply continuity_pt_plus; [|exact IH].
  apply continuity_pt_mult; [apply share_continuous|reg].
Qed.

Lemma average_bound c q : Rabs (sum (fun j => share q j * c j) mix) <= sum (fun j => Rabs (c j)) mix.
Proof. apply (tangent_abs weight mix nonempty weights). Qed.

Lemma abs_le_square q : Rabs q <= 1 + q * q.
Proof. apply Rabs_le. nra. Qed.

Lemma abs_sum_nonneg (c : component -> R) : 0 <= sum (fun j => Rabs (c j)) mix.
Proof. apply sum_nonneg. intros. apply Rabs_pos. Qed.

Lemma Dom_average_dot c n : Dom (fun x => dot n x * sum (fun j => share (dot v x) j * c j) mix).
Proof.
  apply Dom_quadratic.
  - apply continuous2_mult; [apply continuous2_dot|].
    apply (continuous2_comp (fun q => sum (fun j => share q j * c j) mix)); [intros;
      apply average_continuous|apply continuous2_dot].
  - assert (C := abs_sum_nonneg c). set (s := sum (fun j => Rabs (c j)) mix) in *.
    assert (N : 0 <= Rabs (vx n) + Rabs (vy n)) by (apply Rplus_le_le_0_compat; apply Rabs_pos).
    exists ((Rabs (vx n) + Rabs (vy n)) * s). split; [apply Rmult_le_pos; assumption|]. intros x.
    rewrite Rabs_mult. assert (A := average_bound c (dot v x)). fold s in A. assert (B := dot_bound n x).
    replace (_ * s * _) with ((Rabs (vx n) + Rabs (vy n)) * (1 + dot x x) * s) by ring.
    apply Rmult_le_compat; try apply Rabs_pos; assumption.
Qed.

Lemma Dom_average c : Dom (fun x => sum (fun j => share (dot v x) j * c j) mix).
Proof.
  apply Dom_quadratic.
  - apply (continuous2_comp (fun q => sum (fun j => share q j * c j) mix)); [intros;
      apply average_continuous|apply continuous2_dot].
  - assert (C := abs_sum_nonneg c). exists (sum (fun j => Rabs (c j)) mix). split; [exact C|]. intros x.
    assert (A := average_bound c (dot v x)). assert (B := dot_square_nonneg x). nra.
Qed.

Lemma profile_split H mu q : profile H mu q =
  q * sum (fun j => share q j * along (act H (mean j))) mix + dot u mu * sum (fun j => share q j * across (act H (mean
    j))) mix.
Proof.
  unfold profile. rewrite <- !sum_scal, <- sum_plus. apply sum_ext. intros. ring.
Qed.

(** The points of one component: the slope may be replaced by its profile. *)
Lemma E_slope H mu : E mu (slope mix (outer v) H) = E mu (fun x => profile H mu (dot v x)).
Proof.
  set (A := fun q => sum (fun j => share q j * along (act H (mean j))) mix).
  set (B := fun q => sum (fun j => share q j * across (act H (mean j))) mix).
  assert (DA := Dom_average_dot (fun j => along (act H (mean j))) v). fold (A 0) in DA.
  assert (DB := Dom_average (fun j => across (act H (mean j)))).
  assert (DU := Dom_average_dot (fun j => across (act H (mean j))) u).
  transitivity (E mu (fun x => dot v x * A (dot v x) + dot u x * B (dot v x))).
  { apply E_ext. intros x. rewrite slope_split. unfold A, B. ring. }
  rewrite (E_plus Sigma E G mu (fun x => dot v x * A (dot v x)) (fun x => dot u x * B (dot v x)) DA DU).
  rewrite (E_across _ _ G mu u v B); [|unfold u; coordinates; ring|exact DB|exact DU].
  rewrite <- (Rmult_1_l (E mu (fun x => dot v x * A (dot v x)))).
  rewrite <- (E_lin _ _ G mu (fun x => dot v x * A (dot v x)) (fun x => B (dot v x)) 1 (dot u mu) DA DB).
  apply E_ext. intros x. rewrite profile_split. unfold A, B. ring.
Qed.

Lemma profile_continuous H mu q : continuity_pt (profile H mu) q.
Proof. unfold profile. assert (Z := nonempty).
  assert (K : forall l, continuity_pt (fun q => sum (fun j => share q j * (along (act H (mean j)) * q + across (act H
    (mean j)) * dot u mu)) l) q).
  { induction l as [|j l IH]; simpl; [reg|]. apply continuity_pt_plus; [|exact IH].
    apply continuity_pt_mult; [apply share_continuous|reg]. }
  apply K.
Qed.

Lemma height_nonneg H mu : 0 <= height H mu.
Proof. apply sum_nonneg. intros. apply Rplus_le_le_0_compat; apply Rabs_pos. Qed.

Lemma profile_bound H mu q : Rabs (profile H mu q) <= height H mu * (1 + q * q).
Proof.
  eapply Rle_trans; [apply (average_bound (fun j => along (act H (mean j)) * q + across (act H (mean j)) * dot u mu))|].
  unfold height. rewrite <- sum_scal_r. apply sum_le. intros j _.
  eapply Rle_trans; [apply Rabs_triang|]. rewrite Rabs_mult.
  assert (A := Rabs_pos (along (act H (mean j)))). assert (B := Rabs_pos (across (act H (mean j)) * dot u mu)).
  assert (C := abs_le_square q). assert (D := square_nonneg q). nra.
Qed.

Lemma Dom_profile H mu : Dom (fun x => profile H mu (dot v x)).
Proof.
  apply Dom_ext with (fun x => 1 * (dot v x * sum (fun j => share (dot v x) j * along (act H (mean j))) mix)
    + dot u mu * sum (fun j => share (dot v x) j * across (act H (mean j))) mix).
  - intros x. rewrite profile_split. ring.
  - apply (Dom_lin 1 (fun x => dot v x * sum (fun j => share (dot v x) j * along (act H (mean j))) mix) (dot u mu)
      (fun x => sum (fun j => share (dot v x) j * across (act H (mean j))) mix));
        [apply Dom_average_dot|apply Dom_average].
Qed.

(** The proper integral that stands for the slope along H over the component of mean mu. *)
Definition slope_integral (H : sym) (mu : vec) (a b : R) : R :=
  RInt (fun q => profile H mu q * density (dot v mu) (form Sigma v) q) a b.

(** The profile is a softmax average of linear functions of q: by numbers alone, a row for each component. *)
Definition row_of (H : sym) (mu : vec) (j : component) : row :=
  Row (weight j) (dot v (mean j)) (along (act H (mean j))) (across (act H (mean j)) * dot u mu).

Lemma profile_rows H mu q : profile H mu q = blend (map (row_of H mu) mix) q.
Proof.
  unfold blend, profile. rewrite !sum_map. unfold Rdiv. rewrite <- sum_scal_r. apply sum_ext. intros j _.
  unfold share, soft, total, Rdiv. cbn [row_of amount rate linear constant]. ring.
Qed.

Lemma height_rows H mu : height H mu = bulk (map (row_of H mu) mix).
Proof. unfold height, bulk. rewrite sum_map. reflexivity. Qed.

Theorem slope_near H mu a b c : a <= b -> height H mu <= c ->
  Rabs (E mu (slope mix (outer v) H) - slope_integral H mu a b)
    <= c * (1 + form Sigma v + dot v mu * dot v mu - moment (dot v mu) (form Sigma v) a b).
Proof.
  intros Hab Hc. rewrite E_slope. assert (N := height_nonneg H mu).
  apply (expectation_near Sigma E mu v (profile H mu) c a b G P S);
    [lra|exact Hab|apply Dom_profile|apply profile_continuous|].
  intros q. eapply Rle_trans; [apply profile_bound|]. apply Rmult_le_compat_r; [assert (Q := square_nonneg q);
    lra|exact Hc].
Qed.
End RankOne.
