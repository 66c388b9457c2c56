(** Losses that are convex functions of scores learn nothing across the Fisher subspace.

    A batch is a sequence of items x_0, x_1, ... in R^d; a map is f(x) = A'x in R^r; a score is f(x_i).f(x_j) for two
    different items. In each state (which item is of which component) the loss is the expectation of a convex function
    of the scores. P' is the projector on the Fisher subspace: Px is the part of an item within, x - Px that across.
    The parts across are independent of those within, have mean 0, and those of different items are uncorrelated; for
    Gaussian components this is what the Fisher subspace is. Then P'A does no worse than A; and strictly better, unless
    it is A, where the convex function bends in the scores of one item. *)
From Coq Require Import Reals Lra Psatz Lia List FunctionalExtensionality.
From InfoNCE Require Import Sums Convex LogSumExp.
Open Scope R_scope.

(** R^n: the first n entries count. A matrix is given by its entries A i j. *)
Definition vector := nat -> R.
Definition matrix := nat -> nat -> R.
Definition inner (n : nat) (u v : vector) : R := sum (fun i => u i * v i) (seq 0 n).
Definition batch := nat -> vector.

Section Maps.
Variables (d r : nat) (P : matrix) (n : nat).

(** A'x, Px, P'A *)
Definition features (A : matrix) (x : vector) : vector := fun j => inner d (fun i => A i j) x.
Definition within (x : vector) : vector := fun i => inner d (P i) x.
Definition across (x : vector) : vector := fun i => x i - within x i.
Definition project (A : matrix) : matrix := fun k j => sum (fun i => P i k * A i j) (seq 0 d).

(** f(x_i).f(x_j) for the pair (i, j) *)
Definition score (A : matrix) (x : batch) (e : nat * nat) : R :=
  inner r (features A (x (fst e))) (features A (x (snd e))).

(** The parts within of x and the parts across of y. *)
Definition join (x y : batch) : batch := fun k i => within (x k) i + across (y k) i.

Lemma sum_swap {S T} (f : S -> T -> R) l m :
  sum (fun i => sum (fun j => f i j) m) l = sum (fun j => sum (fun i => f i j) l) m.
Proof.
  induction l as [|i l IH]; simpl; [symmetry; apply sum_zero|]. rewrite IH, sum_plus. reflexivity.
Qed.

Lemma inner_plus m u v w : inner m u (fun i => v i + w i) = inner m u v + inner m u w.
Proof. unfold inner. rewrite <- sum_plus. apply sum_ext. intros. ring. Qed.

Lemma features_project A x j : features (project A) x j = features A (within x) j.
Proof.
  unfold features, project, inner, within. transitivity
    (sum (fun k => sum (fun i => P i k * A i j * x k) (seq 0 d)) (seq 0 d)).
  - apply sum_ext. intros k _. rewrite <- sum_scal_r. reflexivity.
  - rewrite sum_swap. apply sum_ext. intros i _. unfold inner. rewrite <- sum_scal. apply sum_ext. intros. ring.
Qed.

Lemma features_across A x j : features A (across x) j = features A x j - features A (within x) j.
Proof.
  unfold features, across, inner. rewrite <- (Rmult_1_l (sum _ _ - _)).
  transitivity (sum (fun i => 1 * (A i j * x i) + -1 * (A i j * within x i)) (seq 0 d)).
  - apply sum_ext. intros. ring.
  - rewrite sum_lin. ring.
Qed.

Lemma features_join A x y k j : features A (join x y k) j = features A (within (x k)) j + features A (across (y k)) j.
Proof. unfold features, join. apply inner_plus. Qed.

(** * Expectations *)

(** What is used of the expectation E of functions of a batch, of which the first n items count, on a class of
    functions: that of the continuous ones of exponential growth, say, in the items and entries that count. *)
Record law (Dom : (batch -> R) -> Prop) (E : (batch -> R) -> R) : Prop := {
  Dom_const : forall c, Dom (fun _ => c);
  Dom_lin : forall f g a b, Dom f -> Dom g -> Dom (fun x => a * f x + b * g x);
  (* It is a mean: *)
  E_one : E (fun _ => 1) = 1;
  E_lin : forall f g a b, Dom f -> Dom g -> E (fun x => a * f x + b * g x) = a * E f + b * E g;
  E_mono : forall f g, Dom f -> Dom g -> (forall x, f x <= g x) -> E f <= E g;
  (* no point is without mass. *)
  E_definite : forall f, Dom f -> (forall x, 0 <= f x) -> E f = 0 -> forall x, f x = 0;
  (* The parts across are independent of the parts within: they may be those of an independent copy y of x. *)
  Dom_inner : forall f x, Dom f -> Dom (fun y => f (join x y));
  Dom_outer : forall f, Dom f -> Dom (fun x => E (fun y => f (join x y)));
  E_split : forall f, Dom f -> E f = E (fun x => E (fun y => f (join x y)));
  (* Their means are 0, and those of different items are uncorrelated. *)
  Dom_across : forall i u, (i < n)%nat -> Dom (fun y => inner d u (across (y i)));
  E_across : forall i u, (i < n)%nat -> E (fun y => inner d u (across (y i))) = 0;
  Dom_product : forall i j u v, (i < n)%nat -> (j < n)%nat -> i <> j ->
    Dom (fun y => inner d u (across (y i)) * inner d v (across (y j)));
  E_product : forall i j u v, (i < n)%nat -> (j < n)%nat -> i <> j ->
    E (fun y => inner d u (across (y i)) * inner d v (across (y j))) = 0 }.

Section Facts.
Variables (Dom : (batch -> R) -> Prop) (E : (batch -> R) -> R).
Hypothesis G : law Dom E.

Lemma E_ext f g : (forall x, f x = g x) -> E f = E g.
Proof. intros H. f_equal. apply functional_extensionality, H. Qed.

Lemma Dom_ext f g : (forall x, f x = g x) -> Dom f -> Dom g.
Proof. intros H D. replace g with f; [exact D|apply functional_extensionality, H]. Qed.

(** What has mean 0, in the class. *)
Definition centred (f : batch -> R) : Prop := Dom f /\ E f = 0.

Lemma E_const c : E (fun _ => c) = c.
Proof.
  transitivity (E (fun _ => c * 1 + 0 * 1)); [apply E_ext; intros; ring|].
  rewrite (E_lin _ _ G (fun _ => 1) (fun _ => 1)) by apply (Dom_const _ _ G). rewrite (E_one _ _ G). ring.
Qed.

Lemma centred_lin f g a b : centred f -> centred g -> centred (fun x => a * f x + b * g x).
Proof.
  intros (F & F0) (H & H0). split; [apply (Dom_lin _ _ G); assumption|].
  rewrite (E_lin _ _ G) by assumption. rewrite F0, H0. ring.
Qed.

Lemma centred_ext f g : (forall x, f x = g x) -> centred f -> centred g.
Proof. intros H D. replace g with f; [exact D|apply functional_extensionality, H]. Qed.

Lemma centred_zero : centred (fun _ => 0).
Proof. split; [apply (Dom_const _ _ G)|apply E_const]. Qed.

Lemma centred_sum {T} (f : T -> batch -> R) c l : (forall k, In k l -> centred (f k)) ->
  centred (fun x => sum (fun k => c k * f k x) l).
Proof.
  induction l as [|k l IH]; simpl; intros H; [apply centred_zero|].
  apply (centred_ext (fun x => c k * f k x + 1 * sum (fun k => c k * f k x) l)); [intros; ring|].
  apply centred_lin; auto.
Qed.

(** The pair of two different items. *)
Definition proper (e : nat * nat) : Prop := (fst e < n)%nat /\ (snd e < n)%nat /\ fst e <> snd e.

(** The score of a pair is that of the parts within, plus something of mean 0. *)
Lemma score_centred A x e : proper e -> centred (fun y => score A (join x y) e - score (project A) x e).
Proof.
  intros (I & J & N). set (i := fst e) in *. set (j := snd e) in *.
  apply (centred_ext (fun y =>
    1 * sum (fun k => features A (within (x i)) k * features A (across (y j)) k) (seq 0 r)
    + 1 * (1 * sum (fun k => features A (within (x j)) k * features A (across (y i)) k) (seq 0 r)
      + 1 * sum (fun k => 1 * (features A (across (y i)) k * features A (across (y j)) k)) (seq 0 r)))).
  - intros y. unfold score, inner. fold i j. rewrite !Rmult_1_l, <- !sum_plus.
    transitivity (sum (fun k => features A (join x y i) k * features A (join x y j) k
      - features (project A) (x i) k * features (project A) (x j) k) (seq 0 r)).
    + apply sum_ext. intros k _. rewrite !features_join, !features_project. ring.
    + set (f := fun k => features A (join x y i) k * features A (join x y j) k).
      set (g := fun k => features (project A) (x i) k * features (project A) (x j) k).
      transitivity (sum (fun k => 1 * f k + -1 * g k) (seq 0 r)); [apply sum_ext; intros; unfold f, g; ring|].
      rewrite sum_lin. ring.
  - apply centred_lin; [|apply centred_lin].
    + apply (centred_sum (fun k y => features A (across (y j)) k)). intros k _.
      split; [apply (Dom_across _ _ G _ _ J)|apply (E_across _ _ G _ _ J)].
    + apply (centred_sum (fun k y => features A (across (y i)) k)). intros k _.
      split; [apply (Dom_across _ _ G _ _ I)|apply (E_across _ _ G _ _ I)].
    + apply (centred_sum (fun k y => features A (across (y i)) k * features A (across (y j)) k) (fun _ => 1)).
      intros k _. split; [apply (Dom_product _ _ G _ _ _ _ I J N)|apply (E_product _ _ G _ _ _ _ I J N)].
Qed.

(** * Jensen's inequality, given the parts within *)

Variables (pairs : list (nat * nat)) (Phi : (nat * nat -> R) -> R).
Hypothesis different : forall e, In e pairs -> proper e.
Hypothesis C : convex pairs Phi.

Definition integrable (A : matrix) : Prop := Dom (fun x => Phi (score A x)).

Lemma tangent_below A x t : integrable A -> subgradient pairs Phi (score (project A) x) t ->
  let gap := fun y => Phi (score A (join x y)) - Phi (score (project A) x)
    - sum (fun e => t e * (score A (join x y) e - score (project A) x e)) pairs in
  Dom gap /\ (forall y, 0 <= gap y) /\ E gap = E (fun y => Phi (score A (join x y))) - Phi (score (project A) x).
Proof.
  intros I S gap. set (c := Phi (score (project A) x)) in *.
  assert (Z : centred (fun y => sum (fun e => t e * (score A (join x y) e - score (project A) x e)) pairs)).
  { apply centred_sum. intros e K. apply score_centred, different, K. }
  destruct Z as (DZ & EZ). assert (D := Dom_inner _ _ G _ x I). cbv beta in D.
  assert (D1 := Dom_lin _ _ G _ _ 1 (-1) D (Dom_const _ _ G c)).
  assert (Eq : forall y, 1 * (1 * Phi (score A (join x y)) + -1 * c)
    + -1 * sum (fun e => t e * (score A (join x y) e - score (project A) x e)) pairs = gap y)
    by (intros; unfold gap; fold c; ring).
  repeat split.
  - apply (Dom_ext _ _ Eq). apply (Dom_lin _ _ G); assumption.
  - intros y. assert (B := S (score A (join x y))). fold c in B. unfold gap. fold c. lra.
  - rewrite <- (E_ext _ _ Eq). rewrite (E_lin _ _ G) by assumption.
    rewrite (E_lin _ _ G) by (try assumption; apply (Dom_const _ _ G)). rewrite EZ, E_const. ring.
Qed.

Lemma conditional A x : integrable A -> Phi (score (project A) x) <= E (fun y => Phi (score A (join x y))).
Proof.
  intros I. destruct (C (score (project A) x)) as (t & S).
  destruct (tangent_below A x t I S) as (D & N & Eg). cbv zeta in *.
  assert (M := E_mono _ _ G _ _ (Dom_const _ _ G 0) D N). rewrite E_const, Eg in M. lra.
Qed.

Theorem jensen A : integrable A -> integrable (project A) ->
  E (fun x => Phi (score (project A) x)) <= E (fun x => Phi (score A x)).
Proof.
  intros I J. rewrite (E_split _ _ G _ I). apply (E_mono _ _ G); [exact J|apply (Dom_outer _ _ G _ I)|].
  intros x. apply conditional, I.
Qed.

(** * Equality *)

(** Phi is not affine in the scores of item i: along some line on which they move at rates [rate], and no other score
    moves, it lies below its chord. *)
Definition moves (i : nat) (rate : nat -> R) (e : nat * nat) : R :=
  if Nat.eq_dec (fst e) i then rate (snd e) else if Nat.eq_dec (snd e) i then rate (fst e) else 0.
Definition bends : Prop := exists i rate z,
  2 * Phi z < Phi (fun e => z e + moves i rate e) + Phi (fun e => z e - moves i rate e).

(** A and P'A are the same map. *)
Definition same (A : matrix) : Prop := forall x j, (j < r)%nat -> features A x j = features (project A) x j.

Lemma phi_ext z z' : (forall e, In e pairs -> z e = z' e) -> Phi z = Phi z'.
Proof.
  assert (H : forall z z', (forall e, In e pairs -> z e = z' e) -> Phi z <= Phi z').
  { clear z z'. intros z z' Q. destruct (C z) as (t & S). eapply Rle_trans; [|apply S].
    rewrite (sum_ext _ (fun _ => 0)); [rewrite sum_zero; lra|]. intros e K. rewrite (Q e K). ring. }
  intros Q. apply Rle_antisym; apply H; [exact Q|]. intros. symmetry. auto.
Qed.

Lemma inner_zero m u v : (forall j, (j < m)%nat -> u j = 0) -> inner m u v = 0.
Proof.
  intros H. unfold inner. rewrite <- (sum_zero (seq 0 m)). apply sum_ext. intros j J. apply in_seq in J.
  rewrite H; [ring|]. destruct J as (_ & J). exact J.
Qed.

Lemma inner_self m u : inner m u u = 0 -> forall j, (j < m)%nat -> u j = 0.
Proof.
  intros H j J. assert (S : u j * u j <= inner m u u).
  { apply (sum_member (fun j => u j * u j)); [intros; apply Rle_0_sqr|].
    apply in_seq. split; [apply Nat.le_0_l|exact J]. }
  rewrite H in S. assert (Q := Rle_0_sqr (u j)). unfold Rsqr in Q. nra.
Qed.

(** With equality Phi is affine on what the scores of the parts across can be. *)
Lemma flat A : integrable A -> integrable (project A) ->
  E (fun x => Phi (score A x)) <= E (fun x => Phi (score (project A) x)) ->
  exists a t, forall y, Phi (score A (fun k => across (y k))) =
    a + sum (fun e => t e * score A (fun k => across (y k)) e) pairs.
Proof.
  intros I J Le. set (o := fun (_ _ : nat) => 0 : R). change batch in (type of o).
  assert (Wo : forall k j, features A (within (o k)) j = 0).
  { intros k j. unfold features, inner, within. rewrite <- (sum_zero (seq 0 d)). apply sum_ext. intros i _.
    unfold inner, o. rewrite (sum_ext _ (fun _ => 0)); [rewrite sum_zero; ring|intros; ring]. }
  assert (So : forall e, score (project A) o e = 0).
  { intros e. unfold score. apply inner_zero. intros j _. rewrite features_project. apply Wo. }
  assert (Sj : forall y e, score A (join o y) e = score A (fun k => across (y k)) e).
  { intros y e. unfold score. unfold inner. apply sum_ext. intros j _. rewrite !features_join, !Wo. ring. }
  (* given the parts within, the gap is 0 *)
  assert (D := Dom_outer _ _ G _ I). cbv beta in D.
  set (f := fun x => 1 * E (fun y => Phi (score A (join x y))) + -1 * Phi (score (project A) x)).
  assert (Df : Dom f) by (apply (Dom_lin _ _ G); [exact D|exact J]).
  assert (Nf : forall x, 0 <= f x) by (intros x; assert (H := conditional A x I); unfold f; lra).
  assert (Ef : E f = 0).
  { apply Rle_antisym.
    - unfold f. rewrite (E_lin _ _ G) by assumption. assert (S := E_split _ _ G _ I). cbv beta in S. lra.
    - rewrite <- (E_const 0). apply (E_mono _ _ G); [apply (Dom_const _ _ G)|exact Df|exact Nf]. }
  assert (Fo := E_definite _ _ G f Df Nf Ef o). unfold f in Fo.
  destruct (C (score (project A) o)) as (t & S). destruct (tangent_below A o t I S) as (Dg & Ng & Eg). cbv zeta in *.
  assert (Z := E_definite _ _ G _ Dg Ng ltac:(lra)). cbv beta in Z.
  exists (Phi (score (project A) o)), t. intros y. specialize (Z y).
  rewrite <- (phi_ext (score A (join o y))) by (intros; apply Sj).
  rewrite (sum_ext _ (fun e => t e * (score A (join o y) e - score (project A) o e)));
    [lra|]. intros e _. rewrite So, Sj. ring.
Qed.

Theorem equality A : bends -> integrable A -> integrable (project A) ->
  E (fun x => Phi (score A x)) <= E (fun x => Phi (score (project A) x)) -> same A.
Proof.
  intros (i & rate & z & Bend) I J Le. destruct (flat A I J Le) as (a & t & Aff).
  assert (K : forall y, inner r (features A (across y)) (features A (across y)) = 0).
  { intros y. set (b := features A (across y)). destruct (Req_dec (inner r b b) 0) as [Z|Z]; [exact Z|exfalso].
    set (q := inner r b b) in *.
    (* the items are multiples of y: item i any, the others so that the scores of item i move at the rates *)
    set (w := fun s k => if Nat.eq_dec k i then s else rate k / q).
    set (c := fun e => if Nat.eq_dec (fst e) i then 0 else if Nat.eq_dec (snd e) i then 0
      else rate (fst e) * rate (snd e) / q).
    assert (Scale : forall s x j, features A (across (fun m => s * x m)) j = s * features A (across x) j).
    { intros s x j. unfold features, inner. rewrite <- sum_scal. apply sum_ext. intros m _. unfold across, within.
      replace (inner d (P m) (fun m => s * x m)) with (s * inner d (P m) x); [ring|].
      unfold inner. rewrite <- sum_scal. apply sum_ext. intros. ring. }
    assert (Sc : forall s e, In e pairs ->
      score A (fun k => across (fun m => w s k * y m)) e = c e + s * moves i rate e).
    { intros s e Ie. unfold score. transitivity (w s (fst e) * w s (snd e) * q).
      - unfold inner, q, inner. rewrite <- sum_scal. apply sum_ext. intros j _. rewrite !Scale. unfold b. ring.
      - destruct (different e Ie) as (_ & _ & N). unfold w, c, moves.
        destruct (Nat.eq_dec (fst e) i) as [F|F]; destruct (Nat.eq_dec (snd e) i) as [S|S];
          [congruence|field; exact Z|field; exact Z|field; exact Z]. }
    assert (Line : forall s, Phi (fun e => c e + s * moves i rate e)
      = a + sum (fun e => t e * c e) pairs + sum (fun e => t e * moves i rate e) pairs * s).
    { intros s. rewrite <- (phi_ext _ _ (Sc s)). rewrite (Aff (fun k m => w s k * y m)).
      rewrite (sum_ext _ (fun e => t e * c e + s * (t e * moves i rate e))).
      - rewrite sum_plus, sum_scal. ring.
      - intros e Ie. rewrite (Sc s e Ie). ring. }
    assert (Par := parallel pairs Phi _ _ _ _ C Line z). assert (P1 := Par 1). assert (P2 := Par (-1)).
    rewrite (phi_ext _ (fun e => z e + moves i rate e)) in P1 by (intros; ring).
    rewrite (phi_ext _ (fun e => z e - moves i rate e)) in P2 by (intros; ring). lra. }
  intros x j Hj. rewrite features_project. assert (Q := inner_self r _ (K x) j Hj). rewrite features_across in Q. lra.
Qed.
End Facts.

(** A and P'A are the same map: the columns of A are those of P'A. *)
Lemma same_columns A : same A -> forall i j, (i < d)%nat -> (j < r)%nat -> A i j = project A i j.
Proof.
  intros S i j I J. set (unit := fun k => if Nat.eq_dec k i then 1 else 0).
  assert (B : forall u : vector, inner d u unit = u i).
  { intros u. unfold inner, unit. assert (H : forall l, NoDup l ->
      sum (fun k => u k * (if Nat.eq_dec k i then 1 else 0)) l = if in_dec Nat.eq_dec i l then u i else 0).
    { induction l as [|k l IH]; intros N; [reflexivity|]. inversion N as [|? ? K N']. cbn [sum]. rewrite IH by exact N'.
      destruct (Nat.eq_dec k i) as [->|Q]; destruct (in_dec Nat.eq_dec i l) as [L|L];
        destruct (in_dec Nat.eq_dec i (_ :: l)) as [M|M]; simpl in M; try ring; exfalso; tauto. }
    rewrite H by apply seq_NoDup. destruct (in_dec Nat.eq_dec i (seq 0 d)) as [L|L]; [reflexivity|]. exfalso. apply L.
    apply in_seq. split; [apply Nat.le_0_l|exact I]. }
  assert (T := S unit j J). unfold features in T. rewrite !B in T. exact T.
Qed.

(** * The loss *)

(** A state has a probability, an expectation of functions of the batch, and a function of the scores. *)
Record state := State { probability : R; mean : (batch -> R) -> R; Phi : (nat * nat -> R) -> R }.

Section Loss.
Variables (Dom : (batch -> R) -> Prop) (pairs : list (nat * nat)) (states : list state).
Hypothesis different : forall e, In e pairs -> proper e.

Definition loss (A : matrix) : R := sum (fun s => probability s * mean s (fun x => Phi s (score A x))) states.

Hypothesis probable : forall s, In s states -> 0 < probability s.
Hypothesis laws : forall s, In s states -> law Dom (mean s).
Hypothesis are_convex : forall s, In s states -> convex pairs (Phi s).
Hypothesis expected : forall s A, In s states -> integrable Dom (Phi s) A.

(** P'A is no worse than A. *)
Theorem no_worse A : loss (project A) <= loss A.
Proof.
  apply sum_le. intros s I. apply Rmult_le_compat_l; [apply Rlt_le, probable, I|].
  apply (jensen Dom (mean s) (laws s I) pairs (Phi s) different (are_convex s I)); apply expected, I.
Qed.

(** Nor is it as good, unless it is A: the columns of a minimiser are within. *)
Theorem minimiser_within A : (exists s, In s states /\ bends (Phi s)) -> (forall B, loss A <= loss B) ->
  forall i j, (i < d)%nat -> (j < r)%nat -> A i j = project A i j.
Proof.
  intros (s & I & Bend) Min. apply same_columns.
  apply (equality Dom (mean s) (laws s I) pairs (Phi s) different (are_convex s I) A Bend); try apply expected, I.
  set (gap := fun s => probability s * mean s (fun x => Phi s (score A x))
    - probability s * mean s (fun x => Phi s (score (project A) x))).
  assert (N : forall s, In s states -> 0 <= gap s).
  { intros t J. unfold gap. rewrite <- Rmult_minus_distr_l. apply Rmult_le_pos; [apply Rlt_le, probable, J|].
    assert (H := jensen Dom (mean t) (laws t J) pairs (Phi t) different (are_convex t J) A (expected t A J)
      (expected t (project A) J)). lra. }
  assert (T : sum gap states <= 0).
  { assert (L := Min (project A)). unfold loss in L.
    rewrite (sum_ext gap (fun s => 1 * (probability s * mean s (fun x => Phi s (score A x)))
      + -1 * (probability s * mean s (fun x => Phi s (score (project A) x))))) by (intros; unfold gap; ring).
    rewrite sum_lin. lra. }
  assert (M := sum_member gap states s N I). assert (Z : gap s <= 0) by lra. unfold gap in Z.
  apply (Rmult_le_reg_l (probability s)); [apply probable, I|]. lra.
Qed.
End Loss.
End Maps.

(** * InfoNCE with N negatives *)

(** Item 0 is the anchor, 1 the positive, 2, ..., N + 1 the negatives: minus the logarithm of the positive's softmax. *)
Definition anchored (N : nat) : list (nat * nat) := map (fun j => (0, S j)%nat) (seq 0 (S N)).
Definition contrast (N : nat) (z : nat * nat -> R) : R :=
  - z (0, 1)%nat + ln (sum (fun e => exp (z e)) (anchored N)).

Lemma anchored_proper N e : In e (anchored N) -> proper (N + 2) e.
Proof.
  intros I. apply in_map_iff in I. destruct I as (j & <- & J). apply in_seq in J. unfold proper. cbn [fst snd].
  repeat split; lia.
Qed.

Lemma contrast_lse N z : contrast N z = - z (0, 1)%nat + lse (fun _ => 1) (anchored N) z.
Proof. unfold contrast, lse, total. f_equal. f_equal. apply sum_ext. intros. ring. Qed.

(** The pairs with the negatives. *)
Lemma anchored_rest N : exists rest, anchored N = (0, 1)%nat :: rest /\ length rest = N /\
  forall e, In e rest -> fst e = 0%nat /\ (1 < snd e)%nat.
Proof.
  exists (map (fun j => (0, S j)%nat) (seq 1 N)). split; [reflexivity|]. split.
  - rewrite map_length, seq_length. reflexivity.
  - intros e I. apply in_map_iff in I. destruct I as (j & <- & J). apply in_seq in J. cbn [fst snd]. lia.
Qed.

Theorem contrast_convex N : convex (anchored N) (contrast N).
Proof.
  intros z. destruct (anchored_rest N) as (rest & E & _ & Far).
  set (softmax := soft (fun _ => 1) (anchored N) z).
  set (hit := fun e : nat * nat => if Nat.eq_dec (snd e) 1 then 1 else 0).
  exists (fun e => softmax e - hit e). intros z'.
  assert (T := lse_tangent (fun _ => 1) (anchored N) ltac:(rewrite E; discriminate) ltac:(intros; lra) z' z).
  unfold LogSumExp.tangent in T. fold softmax in T. rewrite !contrast_lse.
  assert (H : sum (fun e => hit e * (z' e - z e)) (anchored N) = z' (0, 1)%nat - z (0, 1)%nat).
  { rewrite E. cbn [sum]. rewrite (sum_ext _ (fun _ => 0)).
    - rewrite sum_zero. unfold hit. simpl. ring.
    - intros e I. destruct (Far e I) as (_ & F). unfold hit. destruct (Nat.eq_dec (snd e) 1); [lia|ring]. }
  rewrite (sum_ext _ (fun e => 1 * (softmax e * (z' e - z e)) + -1 * (hit e * (z' e - z e)))) by (intros; ring).
  rewrite sum_lin, H. lra.
Qed.

(** With a negative or more, it bends in the score of the positive. *)
Theorem contrast_bends N : (1 <= N)%nat -> bends (contrast N).
Proof.
  intros HN. destruct (anchored_rest N) as (rest & E & Len & Far). exists 1%nat, (fun _ => 1), (fun _ => 0).
  set (h := moves 1 (fun _ => 1)).
  assert (H1 : h (0, 1)%nat = 1) by reflexivity.
  assert (H0 : forall e, In e rest -> h e = 0).
  { intros e I. destruct (Far e I) as (F & G). unfold h, moves. rewrite F. destruct (Nat.eq_dec 0 1); [discriminate|].
    destruct (Nat.eq_dec (snd e) 1); [lia|reflexivity]. }
  assert (Count : sum (fun _ : nat * nat => 1) rest = INR N).
  { rewrite <- Len. clear. induction rest as [|e l IH]; [reflexivity|]. cbn [sum length]. rewrite S_INR, IH. ring. }
  assert (Val : forall z c, z (0, 1)%nat = c -> (forall e, In e rest -> z e = 0) ->
    contrast N z = - c + ln (exp c + INR N)).
  { intros z c Z Zr. unfold contrast. rewrite E. cbn [sum]. rewrite Z. do 3 f_equal. rewrite <- Count.
    apply sum_ext. intros e I. rewrite (Zr e I). apply exp_0. }
  rewrite (Val _ 0) by reflexivity.
  rewrite (Val (fun e => 0 + h e) 1); [|rewrite H1; ring|intros e I; rewrite (H0 e I); ring].
  rewrite (Val (fun e => 0 - h e) (-1)); [|rewrite H1; ring|intros e I; rewrite (H0 e I); ring].
  assert (N1 : 1 <= INR N) by (apply (le_INR 1), HN). rewrite exp_0. set (n := INR N) in *.
  assert (X : 2 < exp 1) by (assert (Q := exp_ineq1 1 ltac:(lra)); lra).
  assert (Y : 0 < exp (-1)) by apply exp_pos.
  assert (XY : exp 1 * exp (-1) = 1) by (rewrite <- exp_plus; replace (1 + -1) with 0 by ring; apply exp_0).
  assert (L : ln ((1 + n) * (1 + n)) < ln ((exp 1 + n) * (exp (-1) + n))).
  { apply ln_increasing; [apply Rmult_lt_0_compat; lra|].
    assert (S : 2 < exp 1 + exp (-1)) by lra. nra. }
  rewrite !ln_mult in L by lra. lra.
Qed.

(** InfoNCE with N negatives, for n = N + 2 items: in every state the same function of the scores. *)
Theorem negatives_minimiser_within d r P N Dom (states : list (R * ((batch -> R) -> R))) :
  (1 <= N)%nat -> states <> nil -> (forall s, In s states -> 0 < fst s) ->
  (forall s, In s states -> law d P (N + 2) Dom (snd s)) -> (forall A, integrable d r Dom (contrast N) A) ->
  let loss := fun A => sum (fun s => fst s * snd s (fun x => contrast N (score d r A x))) states in
  (forall A, loss (project d P A) <= loss A) /\
  (forall A, (forall B, loss A <= loss B) -> forall i j, (i < d)%nat -> (j < r)%nat -> A i j = project d P A i j).
Proof.
  intros HN Ne Pr La In_Dom infonce. set (full := map (fun s => State (fst s) (snd s) (contrast N)) states).
  assert (L : forall A, infonce A = loss d r full A).
  { intros A. unfold infonce, loss, full. rewrite sum_map. reflexivity. }
  assert (F : forall s, In s full -> exists t, In t states /\ s = State (fst t) (snd t) (contrast N)).
  { intros s I. apply in_map_iff in I. destruct I as (t & <- & J). exists t. split; [exact J|reflexivity]. }
  assert (Pr' : forall s, In s full -> 0 < probability s)
    by (intros s I; destruct (F s I) as (t & J & ->); apply Pr, J).
  assert (La' : forall s, In s full -> law d P (N + 2) Dom (mean s))
    by (intros s I; destruct (F s I) as (t & J & ->); apply La, J).
  assert (Co : forall s, In s full -> convex (anchored N) (Phi s))
    by (intros s I; destruct (F s I) as (t & J & ->); apply contrast_convex).
  assert (Ex : forall s A, In s full -> integrable d r Dom (Phi s) A)
    by (intros s A I; destruct (F s I) as (t & J & ->); apply In_Dom).
  split.
  - intros A. rewrite !L. apply (no_worse d r P (N + 2) Dom (anchored N) full (anchored_proper N)); assumption.
  - intros A Min. apply (minimiser_within d r P (N + 2) Dom (anchored N) full (anchored_proper N)); try assumption.
    + destruct states as [|s rest]; [congruence|]. exists (State (fst s) (snd s) (contrast N)).
      split; [left; reflexivity|apply contrast_bends, HN].
    + intros B. rewrite <- !L. apply Min.
Qed.
