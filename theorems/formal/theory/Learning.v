(** InfoNCE, its minimisers, and the subspaces they are compared with, as they are defined.

    A map is f(x) = A'x; A is given by its columns. Its loss is
        - E f(x).f(x') + E_x log E_y exp (f(x).f(y)),
    x, x' a positive pair, y independent of x; expectations are iterated, as they are written. *)
From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums Plane LogSumExp Gaussian Loss Existence.
Open Scope R_scope.

(** f(x).f(y) for the map with these columns. *)
Definition score (A : list vec) (x y : vec) : R := sum (fun a => dot a x * dot a y) A.

(** AA' *)
Definition gram (A : list vec) : sym :=
  Sym (sum (fun a => vx a * vx a) A) (sum (fun a => vx a * vy a) A) (sum (fun a => vy a * vy a) A).

(** S_F, the span of Sigma^-1 mu_k. *)
Definition fisher (Sigma : sym) (mix : mixture) : vec -> Prop := span (map (fun k => solve Sigma (mean k)) mix).

Definition proper_subspace (S T : vec -> Prop) : Prop := (forall x, S x -> T x) /\ exists x, T x /\ ~ S x.

Section Learning.
Variables (Sigma : sym) (mix : mixture) (delta : R) (E : vec -> (vec -> R) -> R).

(** The expectation of s(x, x') over positive pairs: both of one component with probability delta, else independent. *)
Definition positive_pairs (s : vec -> vec -> R) : R :=
  delta * sum (fun k => weight k * E (mean k) (fun x => E (mean k) (s x))) mix
  + (1 - delta) * Emix mix E (fun x => Emix mix E (s x)).

Definition infonce (A : list vec) : R :=
  - positive_pairs (score A) + Emix mix E (fun x => ln (Emix mix E (fun y => exp (score A x y)))).

(** A map with r columns whose loss is the least. *)
Definition minimiser (r : nat) (A : list vec) : Prop :=
  length A = r /\ forall B, length B = r -> infonce A <= infonce B.

Hypothesis V : valid mix.
Hypothesis P : pos_def Sigma.
Hypothesis G : Gaussian Sigma E.

Let nonempty : mix <> nil := proj1 V.
Let weights : forall k, In k mix -> 0 < weight k := proj1 (proj2 V).
Let one : sum weight mix = 1 := proj2 (proj2 V).

(** * The loss is a function of AA' *)

Lemma score_gram A x y : score A x y = dot (act (gram A) x) y.
Proof.
  induction A as [|a A IH]; unfold score, gram in *; coordinates; cbn [sum] in *; [ring|]. rewrite IH. ring.
Qed.

Lemma Emix_dot u : Emix mix E (dot u) = dot u (centre mix).
Proof.
  unfold centre, Emix, dot at 2. cbn [vx vy]. rewrite <- !sum_scal, <- sum_plus. apply sum_ext. intros k _.
  rewrite (E_dot Sigma E G). unfold dot. ring.
Qed.

Lemma pairs_closed A : positive_pairs (score A) = attraction mix delta (gram A).
Proof.
  assert (S : forall x, score A x = dot (act (gram A) x)).
  { intros x. apply functional_extensionality. intros y. apply score_gram. }
  unfold positive_pairs, attraction. f_equal; f_equal.
  - apply sum_ext. intros k _. f_equal.
    transitivity (E (mean k) (dot (act (gram A) (mean k)))).
    + apply E_ext. intros x. rewrite S, (E_dot Sigma E G). coordinates. ring.
    + rewrite (E_dot Sigma E G). coordinates. ring.
  - transitivity (Emix mix E (dot (act (gram A) (centre mix)))).
    + unfold Emix at 1 3. apply sum_ext. intros k _. f_equal. apply E_ext. intros x. rewrite S, Emix_dot. coordinates.
      ring.
    + rewrite Emix_dot. coordinates. ring.
Qed.

Lemma negatives_at A x : ln (Emix mix E (fun y => exp (score A x y))) = F mix (gram A) x + form Sigma (act (gram A) x) /
  2.
Proof.
  set (h := form Sigma (act (gram A) x) / 2).
  replace (Emix mix E (fun y => exp (score A x y))) with (total weight mix (logits (gram A) x) * exp h).
  - rewrite ln_mult, ln_exp; [reflexivity|apply total_pos; assumption|apply exp_pos].
  - unfold total, Emix. rewrite <- sum_scal_r. apply sum_ext. intros k _.
    replace (E (mean k) (fun y => exp (score A x y))) with (exp (logits (gram A) x k + h)).
    + rewrite exp_plus. ring.
    + transitivity (E (mean k) (fun y => exp (dot (act (gram A) x) y))).
      * rewrite (E_exp Sigma E G P). f_equal. unfold h, logits. coordinates. ring.
      * apply E_ext. intros y. rewrite score_gram. reflexivity.
Qed.

(** x'M Sigma M x is a sum of squares of linear forms, by a square root of Sigma. *)
Lemma energy_squares M : let s := sqrt (xx Sigma) in
  let p := act M (Vec s (xy Sigma / s)) in let q := act M (Vec 0 (sqrt (det Sigma / xx Sigma))) in
  (forall x, form Sigma (act M x) = dot p x * dot p x + dot q x * dot q x).
Proof.
  intros s p q x. subst p q. assert (P' := P). destruct P' as (A & D).
  assert (S := sqrt_sqrt (xx Sigma) ltac:(lra)). assert (S0 := sqrt_lt_R0 _ A). fold s in S, S0. clearbody s.
  assert (T := sqrt_sqrt (det Sigma / xx Sigma) ltac:(apply Rlt_le, Rdiv_lt_0_compat; assumption)).
  set (r := sqrt (det Sigma / xx Sigma)) in *.
  assert (T' : r * r * xx Sigma = det Sigma) by (rewrite T; field; lra).
  assert (Q : (xy Sigma / s) * (xy Sigma / s) + r * r = yy Sigma).
  { assert (W : xy Sigma / s * (xy Sigma / s) * (s * s) = xy Sigma * xy Sigma) by (field; lra). rewrite S in W.
    apply (Rmult_eq_reg_r (xx Sigma)); [|lra]. rewrite Rmult_plus_distr_r, T', W. unfold det. ring. }
  assert (Z : s * (xy Sigma / s) = xy Sigma) by (field; lra).
  set (w := xy Sigma / s) in *. clearbody w r.
  unfold form. set (h := act M x). unfold act at 1. unfold dot at 1. cbn [vx vy].
  rewrite <- S, <- Q, <- Z. unfold h. coordinates. ring.
Qed.

Lemma Emix_energy M : Emix mix E (fun x => form Sigma (act M x)) = bilinear Sigma mix M M
  /\ Dom (fun x => form Sigma (act M x)).
Proof.
  assert (Sq := energy_squares M). cbv zeta in Sq.
  set (p := act M (Vec (sqrt (xx Sigma)) (xy Sigma / sqrt (xx Sigma)))) in Sq.
  set (q := act M (Vec 0 (sqrt (det Sigma / xx Sigma)))) in Sq. split.
  - transitivity (Emix mix E (fun x => dot p x * dot p x + dot q x * dot q x)).
    { apply sum_ext. intros k _. f_equal. apply E_ext. exact Sq. }
    rewrite (Emix_plus Sigma mix E G); [|apply Dom_square|apply Dom_square].
    rewrite !(Emix_square Sigma mix E V P G).
    unfold bilinear.
    replace (trace2 Sigma M M) with (form Sigma p + form Sigma q).
    + rewrite (sum_ext (fun k => weight k * dot (act M (mean k)) (act Sigma (act M (mean k))))
        (fun k => weight k * (dot p (mean k) * dot p (mean k)) + weight k * (dot q (mean k) * dot q (mean k)))).
      * rewrite sum_plus. ring.
      * intros k _. change (dot (act M (mean k)) (act Sigma (act M (mean k)))) with (form Sigma (act M (mean k))).
        rewrite Sq. ring.
    + set (d := fun x => dot p x * dot p x + dot q x * dot q x). set (a := Vec 1 0). set (b := Vec 0 1).
      set (c := Vec 1 1).
      transitivity (xx Sigma * d a + xy Sigma * (d c - d a - d b) + yy Sigma * d b).
      * unfold d, a, b, c. clearbody p q. coordinates. ring.
      * unfold d. rewrite <- !Sq. unfold a, b, c, trace2. coordinates. ring.
  - apply Dom_ext with (fun x => 1 * (dot p x * dot p x) + 1 * (dot q x * dot q x)); [intros x; rewrite Sq; ring|].
    apply Dom_lin; apply Dom_square.
Qed.

Theorem infonce_closed A : infonce A = L Sigma mix delta E (gram A).
Proof.
  unfold infonce, L. rewrite pairs_closed. destruct (Emix_energy (gram A)) as (En & D). rewrite <- En.
  rewrite Rplus_assoc. f_equal.
  transitivity (Emix mix E (fun x => 1 * F mix (gram A) x + / 2 * form Sigma (act (gram A) x))).
  - apply sum_ext. intros k _. f_equal. apply E_ext. intros x. rewrite negatives_at. field.
  - rewrite (Emix_lin Sigma mix E G); [field|apply Dom_F; assumption|exact D].
Qed.

(** * AA' runs through the positive semidefinite matrices *)

Lemma gram_form A n : form (gram A) n = sum (fun a => dot n a * dot n a) A.
Proof. induction A as [|a A IH]; unfold gram in *; coordinates; cbn [sum] in *; [ring|]. rewrite <- IH. ring. Qed.

Lemma gram_psd A : psd (gram A).
Proof. intros n. rewrite gram_form. apply sum_nonneg. intros. apply square_nonneg. Qed.

Lemma gram_padding a b m : gram (a :: b :: repeat zero m) = gram (a :: b :: nil).
Proof.
  assert (H : forall f : vec -> R, f zero = 0 -> sum f (repeat zero m) = 0).
  { intros f F0. induction m as [|m IH]; simpl; [reflexivity|]. rewrite F0, IH. ring. }
  unfold gram. cbn [sum]. rewrite !H; try reflexivity; unfold zero; simpl; ring.
Qed.

Lemma gram_onto M r : (2 <= r)%nat -> psd M -> exists A, length A = r /\ gram A = M.
Proof.
  intros Hr PM. destruct r as [|[|m]]; [inversion Hr|inversion Hr; inversion H0|].
  apply psd_minors in PM. destruct M as [a b c]. unfold det in PM. cbn [xx xy yy] in PM. destruct PM as (Pa & Pc & Pd).
  assert (N : forall x y z w, exists A, length A = S (S m) /\ gram A = gram (Vec x y :: Vec z w :: nil)).
  { intros x y z w. exists (Vec x y :: Vec z w :: repeat zero m). rewrite gram_padding. split; [|reflexivity].
    simpl. rewrite repeat_length. reflexivity. }
  destruct (Rle_lt_or_eq_dec _ _ Pa) as [H|H].
  - assert (S := sqrt_sqrt a Pa). assert (S0 := sqrt_lt_R0 a H).
    assert (D : 0 <= (a * c - b * b) / a) by (apply Rmult_le_pos; [exact Pd|apply Rlt_le, Rinv_0_lt_compat, H]).
    assert (T := sqrt_sqrt _ D).
    destruct (N (sqrt a) (b / sqrt a) 0 (sqrt ((a * c - b * b) / a))) as (A & HA & GA).
    exists A. split; [exact HA|]. rewrite GA. unfold gram. cbn [sum vx vy]. f_equal; [lra|field; lra|].
    replace (b / sqrt a * (b / sqrt a)) with (b * b / (sqrt a * sqrt a)) by (field; lra). rewrite S, T. field. lra.
  - assert (B : b = 0) by (rewrite <- H in Pd; nra). assert (T := sqrt_sqrt c Pc).
    destruct (N 0 (sqrt c) 0 0) as (A & HA & GA). exists A. split; [exact HA|]. rewrite GA, <- H, B.
    unfold gram. cbn [sum vx vy]. f_equal; lra.
Qed.

(** * Minimisers *)

Theorem minimisers_exist r : (2 <= r)%nat -> exists A, minimiser r A.
Proof.
  intros Hr. destruct (above_exists Sigma P) as (l & Ab).
  destruct (minimiser_exists (L Sigma mix delta E) (l * l)) as (M & PM & Min).
  - destruct Ab. nra.
  - intros M N. apply (midpoint Sigma mix delta E V P G). exact Ab.
  - apply (bounded_below Sigma mix delta E V P G).
  - apply (falls_slowly Sigma mix delta E V P G).
  - destruct (gram_onto M r Hr PM) as (A & HA & GA). exists A. split; [exact HA|].
    intros B HB. rewrite !infonce_closed, GA. apply Min, gram_psd.
Qed.

Lemma minimiser_gram r A : (2 <= r)%nat -> minimiser r A -> forall M, psd M -> L Sigma mix delta E (gram A)
  <= L Sigma mix delta E M.
Proof.
  intros Hr (HA & Min) M PM. destruct (gram_onto M r Hr PM) as (B & HB & <-). rewrite <- !infonce_closed. apply Min, HB.
Qed.
End Learning.

(** A singular AA' means columns that lie on a line. *)
Lemma singular_gram A : det (gram A) = 0 -> exists n, n <> zero /\ forall a, In a A -> dot n a = 0.
Proof.
  intros D. assert (K : exists n, n <> zero /\ form (gram A) n = 0).
  { destruct (gram A) as [a b c]. coordinates. destruct (Req_dec a 0) as [Z|Z].
    - exists (Vec 1 0). split; [intros H; inversion H; lra|]. rewrite Z. cbn [vx vy]. ring.
    - exists (Vec (- b) a). split; [intros H; inversion H; lra|]. cbn [vx vy].
      replace (- b * (a * - b + b * a) + a * (b * - b + c * a)) with (a * (a * c - b * b)) by ring. rewrite D. ring. }
  destruct K as (n & N & F). exists n. split; [exact N|]. intros a I. rewrite gram_form in F.
  assert (H : dot n a * dot n a <= sum (fun a => dot n a * dot n a) A).
  { apply (sum_member (fun a => dot n a * dot n a)); [intros; apply square_nonneg|exact I]. }
  rewrite F in H. assert (Q := square_nonneg (dot n a)). nra.
Qed.

Lemma fisher_plane Sigma mix i j : pos_def Sigma -> In i mix -> In j mix -> cross (mean i) (mean j) <> 0 ->
  forall x, fisher Sigma mix x.
Proof.
  intros (_ & D) I J N x. apply (span_plane _ (solve Sigma (mean i)) (solve Sigma (mean j)));
    try (apply (in_map (fun k => solve Sigma (mean k))); assumption).
  replace (cross (solve Sigma (mean i)) (solve Sigma (mean j))) with (cross (mean i) (mean j) / det Sigma).
  - unfold Rdiv. apply Rmult_integral_contrapositive. split; [exact N|]. apply Rinv_neq_0_compat. lra.
  - assert (Z : det Sigma <> 0) by lra. coordinates. field. exact Z.
Qed.

Lemma singular_proper Sigma mix i j A : pos_def Sigma -> In i mix -> In j mix -> cross (mean i) (mean j) <> 0 ->
  det (gram A) = 0 -> proper_subspace (span A) (fisher Sigma mix).
Proof.
  intros P I J N D. assert (W := fisher_plane Sigma mix i j P I J N). split; [intros x _; apply W|].
  destruct (singular_gram A D) as (n & Hn & O). exists n. split; [apply W|]. intros S.
  apply (span_orthogonal A n n O) in S. apply Hn. destruct n as [a b]. coordinates.
  assert (X := square_nonneg a). assert (Y := square_nonneg b). f_equal; nra.
Qed.
