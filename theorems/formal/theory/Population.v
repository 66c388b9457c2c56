(** The population loss of InfoNCE learns nothing across the Fisher subspace: Theorem 5.2, first half.

    The loss is - E f(x).f(x') + E_x log E_y exp(f(x).f(y)), as it is written down: x, x' of components k, l with
    weight pairing k l and independent given these, y independent of x. For f(x) = A'x it does not grow when A becomes
    P'A, and is less unless P'A is A. The law of an item is that of item 0 of a batch. *)
From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From InfoNCE Require Import Sums Convex LogSumExp Scores.
Open Scope R_scope.

Section Population.
Variables (K : Type) (d r : nat) (P : matrix) (components : list K) (weight : K -> R) (pairing : K -> K -> R).
Variables (Dom : (batch -> R) -> Prop) (mean : K -> (batch -> R) -> R).

(** f(x), for x the item 0. *)
Definition f (A : matrix) (x : batch) : vector := features d A (x 0%nat).

(** E_y exp(u.f(y)), for y of component k, and for any y. *)
Definition partition (A : matrix) (u : vector) (k : K) : R := mean k (fun y => exp (inner r u (f A y))).
Definition negatives (A : matrix) (u : vector) : R := sum (fun k => weight k * partition A u k) components.

Definition alignment (A : matrix) : R :=
  sum (fun k => sum (fun l => pairing k l * mean k (fun x => mean l (fun x' => inner r (f A x) (f A x')))) components)
    components.
Definition population (A : matrix) : R :=
  - alignment A + sum (fun k => weight k * mean k (fun x => ln (negatives A (f A x)))) components.

Hypothesis nonempty : components <> nil.
Hypothesis weights : forall k, In k components -> 0 < weight k.
Hypothesis laws : forall k, In k components -> law d P 1%nat Dom (mean k).

(** The functions at hand are of the class. *)
Hypothesis Dom_features : forall A j, Dom (fun x => f A x j).
Hypothesis Dom_exp : forall A u, Dom (fun y => exp (inner r u (f A y))).
Hypothesis Dom_moment : forall A u j, Dom (fun y => exp (inner r u (f A y)) * f A y j).
Hypothesis Dom_negatives : forall A B, Dom (fun x => ln (negatives A (f B x))).

Notation cut := (project d P).

Lemma f_join A x y j : f A (join d P x y) j = f (cut A) x j + features d A (across d P (y 0%nat)) j.
Proof. unfold f. rewrite features_join, features_project. reflexivity. Qed.

(** u.f(across) has mean 0. *)
Lemma tilt_centred k A u : In k components ->
  centred Dom (mean k) (fun y => inner r u (features d A (across d P (y 0%nat)))).
Proof.
  intros I. apply (centred_sum d P 1%nat Dom (mean k) (laws k I) (fun j y => features d A (across d P (y 0%nat)) j)).
  intros j _. split; [apply (Dom_across _ _ _ _ _ (laws k I)), Nat.lt_0_1|].
  apply (E_across _ _ _ _ _ (laws k I)), Nat.lt_0_1.
Qed.

(** * The positive pairs *)

Lemma feature_mean k A j : In k components -> mean k (fun x => f A x j) = mean k (fun x => f (cut A) x j).
Proof.
  intros I. rewrite (E_split _ _ _ _ _ (laws k I) _ (Dom_features A j)). apply E_ext. intros x.
  transitivity (mean k (fun y => 1 * (fun _ => f (cut A) x j) y + 1 * features d A (across d P (y 0%nat)) j)).
  - apply E_ext. intros y. rewrite f_join. ring.
  - rewrite (E_lin _ _ _ _ _ (laws k I)); [|apply (Dom_const _ _ _ _ _ (laws k I))|
      apply (Dom_across _ _ _ _ _ (laws k I)), Nat.lt_0_1].
    rewrite (E_const d P 1%nat Dom _ (laws k I)).
    assert (Z : mean k (fun y => features d A (across d P (y 0%nat)) j) = 0)
      by apply (E_across _ _ _ _ _ (laws k I)), Nat.lt_0_1.
    rewrite Z. ring.
Qed.

Lemma mean_sum k A (c : vector) l : In k components ->
  Dom (fun x => sum (fun j => c j * f A x j) l) /\
  mean k (fun x => sum (fun j => c j * f A x j) l) = sum (fun j => c j * mean k (fun x => f A x j)) l.
Proof.
  intros I. induction l as [|j l (D & IH)]; cbn [sum].
  - split; [apply (Dom_const _ _ _ _ _ (laws k I))|apply (E_const d P 1%nat Dom _ (laws k I))].
  - assert (Q : (fun x => c j * f A x j + sum (fun j => c j * f A x j) l)
      = (fun x => c j * f A x j + 1 * sum (fun j => c j * f A x j) l))
      by (apply functional_extensionality; intros; ring).
    rewrite Q. split; [apply (Dom_lin _ _ _ _ _ (laws k I)); [apply Dom_features|exact D]|].
    rewrite (E_lin _ _ _ _ _ (laws k I)); [rewrite IH; ring|apply Dom_features|exact D].
Qed.

Lemma alignment_cut A : alignment (cut A) = alignment A.
Proof.
  assert (H : forall A k l, In k components -> In l components ->
    mean k (fun x => mean l (fun x' => inner r (f A x) (f A x')))
    = sum (fun j => mean l (fun x => f A x j) * mean k (fun x => f A x j)) (seq 0 r)).
  { clear A. intros A k l I J.
    transitivity (mean k (fun x => sum (fun j => mean l (fun x => f A x j) * f A x j) (seq 0 r))).
    - apply E_ext. intros x. unfold inner. rewrite (proj2 (mean_sum l A (f A x) (seq 0 r) J)).
      apply sum_ext. intros. ring.
    - apply (proj2 (mean_sum k A (fun j => mean l (fun x => f A x j)) (seq 0 r) I)). }
  unfold alignment. apply sum_ext. intros k I. apply sum_ext. intros l J. rewrite !H by assumption. f_equal.
  apply sum_ext. intros j _. rewrite !(feature_mean _ A) by assumption. reflexivity.
Qed.

(** * The negatives: y may be cut *)

(** exp(s + t) less its tangent at t = 0. *)
Definition excess (s t : R) : R := exp (s + t) - exp s - exp s * t.

Lemma excess_nonneg s t : 0 <= excess s t.
Proof.
  unfold excess. rewrite exp_plus. assert (A := exp_pos s). assert (B := exp_tangent t).
  assert (0 <= exp s * (exp t - 1 - t)) by (apply Rmult_le_pos; lra). lra.
Qed.

Lemma excess_zero s t : excess s t = 0 -> t = 0.
Proof.
  unfold excess. rewrite exp_plus. intros H. destruct (Req_dec t 0) as [Z|Z]; [exact Z|]. exfalso.
  assert (A := exp_pos s). assert (B := exp_ineq1 t Z).
  assert (0 < exp s * (exp t - 1 - t)) by (apply Rmult_lt_0_compat; lra). lra.
Qed.

Lemma partition_slice k A u x : In k components ->
  let s := inner r u (f (cut A) x) in
  let gap := fun y => excess s (inner r u (features d A (across d P (y 0%nat)))) in
  Dom gap /\ mean k gap = mean k (fun y => exp (inner r u (f A (join d P x y)))) - exp s.
Proof.
  intros I s gap. assert (G := laws k I). destruct (tilt_centred k A u I) as (DT & ET).
  assert (D := Dom_inner _ _ _ _ _ G _ x (Dom_exp A u)). cbv beta in D.
  assert (Q : forall y, 1 * (1 * exp (inner r u (f A (join d P x y))) + -1 * exp s)
    + - exp s * inner r u (features d A (across d P (y 0%nat))) = gap y).
  { intros y. unfold gap, excess, s. rewrite <- inner_plus.
    replace (inner r u (fun j => f (cut A) x j + features d A (across d P (y 0%nat)) j))
      with (inner r u (f A (join d P x y))); [ring|].
    unfold inner. apply sum_ext. intros j _. rewrite f_join. reflexivity. }
  assert (D1 := Dom_lin _ _ _ _ _ G _ _ 1 (-1) D (Dom_const _ _ _ _ _ G (exp s))).
  split.
  - apply (Dom_ext Dom _ _ Q). apply (Dom_lin _ _ _ _ _ G); assumption.
  - rewrite <- (E_ext (mean k) _ _ Q). rewrite (E_lin _ _ _ _ _ G) by assumption.
    rewrite (E_lin _ _ _ _ _ G) by (try assumption; apply (Dom_const _ _ _ _ _ G)).
    rewrite ET, (E_const d P 1%nat Dom _ G). ring.
Qed.

Lemma slice_le k A u x : In k components ->
  exp (inner r u (f (cut A) x)) <= mean k (fun y => exp (inner r u (f A (join d P x y)))).
Proof.
  intros I. assert (G := laws k I). destruct (partition_slice k A u x I) as (D & Q). cbv zeta in *.
  assert (M := E_mono _ _ _ _ _ G _ _ (Dom_const _ _ _ _ _ G 0) D (fun y => excess_nonneg _ _)).
  rewrite (E_const d P 1%nat Dom _ G), Q in M. lra.
Qed.

Lemma partition_le k A u : In k components -> partition (cut A) u k <= partition A u k.
Proof.
  intros I. assert (G := laws k I). unfold partition. rewrite (E_split _ _ _ _ _ G _ (Dom_exp A u)).
  apply (E_mono _ _ _ _ _ G); [apply Dom_exp|apply (Dom_outer _ _ _ _ _ G _ (Dom_exp A u))|].
  intros x. apply slice_le, I.
Qed.

(** With equality u.f is 0 on the parts across. *)
Lemma partition_equal k A u : In k components -> partition A u k <= partition (cut A) u k ->
  forall y, inner r u (features d A (across d P y)) = 0.
Proof.
  intros I Le y. assert (G := laws k I). unfold partition in Le. rewrite (E_split _ _ _ _ _ G _ (Dom_exp A u)) in Le.
  assert (DO := Dom_outer _ _ _ _ _ G _ (Dom_exp A u)). cbv beta in *.
  set (g := fun x => 1 * mean k (fun y => exp (inner r u (f A (join d P x y)))) + -1 * exp (inner r u (f (cut A) x))).
  assert (Dg : Dom g) by (apply (Dom_lin _ _ _ _ _ G); [exact DO|apply Dom_exp]).
  assert (Ng : forall x, 0 <= g x) by (intros x; assert (H := slice_le k A u x I); unfold g; lra).
  assert (Eg : mean k g = 0).
  { apply Rle_antisym.
    - unfold g. rewrite (E_lin _ _ _ _ _ G); [lra|exact DO|apply Dom_exp].
    - rewrite <- (E_const d P 1%nat Dom _ G 0).
      apply (E_mono _ _ _ _ _ G); [apply (Dom_const _ _ _ _ _ G)|exact Dg|exact Ng]. }
  set (x := (fun _ => y) : batch).
  assert (Z := E_definite _ _ _ _ _ G g Dg Ng Eg x). unfold g in Z.
  destruct (partition_slice k A u x I) as (D & Q). cbv zeta in *.
  assert (W := E_definite _ _ _ _ _ G _ D (fun y => excess_nonneg _ _) ltac:(lra) x). cbv beta in W.
  apply excess_zero in W. exact W.
Qed.

Lemma partition_pos k A u : In k components -> 0 < partition A u k.
Proof.
  intros I. assert (G := laws k I). destruct (Rle_lt_dec (partition A u k) 0) as [L|L]; [|exact L]. exfalso.
  assert (N : forall y, 0 <= exp (inner r u (f A y))) by (intros; apply Rlt_le, exp_pos).
  assert (Z : partition A u k = 0).
  { apply Rle_antisym; [exact L|]. unfold partition. rewrite <- (E_const d P 1%nat Dom _ G 0).
    apply (E_mono _ _ _ _ _ G); [apply (Dom_const _ _ _ _ _ G)|apply Dom_exp|exact N]. }
  assert (W := E_definite _ _ _ _ _ G _ (Dom_exp A u) N Z (fun _ _ => 0)). cbv beta in W.
  assert (X := exp_pos (inner r u (f A (fun _ _ => 0)))). lra.
Qed.

Lemma negatives_pos A u : 0 < negatives A u.
Proof. apply sum_pos; [exact nonempty|]. intros k I. apply Rmult_lt_0_compat; [auto|apply partition_pos, I]. Qed.

Lemma negatives_le A u : negatives (cut A) u <= negatives A u.
Proof.
  apply sum_le. intros k I. apply Rmult_le_compat_l; [apply Rlt_le, weights, I|apply partition_le, I].
Qed.

Lemma ln_le x y : 0 < x -> x <= y -> ln x <= ln y.
Proof.
  intros X L. destruct (Rle_lt_or_eq_dec _ _ L) as [H|H]; [apply Rlt_le, ln_increasing; assumption|].
  right. f_equal. exact H.
Qed.

(** * The anchor: x may be cut *)

(** The mean of f_j under the weights exp(u.f). *)
Definition pull (A : matrix) (u : vector) (j : nat) : R :=
  sum (fun k => weight k * mean k (fun y => exp (inner r u (f A y)) * f A y j)) components / negatives A u.

(** log E exp(u.f) lies above its tangent. *)
Lemma negatives_tangent A u h : ln (negatives A u) + inner r (pull A u) h <= ln (negatives A (fun j => u j + h j)).
Proof.
  assert (S := negatives_pos A u). set (c := inner r (pull A u) h).
  assert (H : exp c * negatives A u <= negatives A (fun j => u j + h j)).
  { assert (Lin : forall k, In k components ->
      Dom (fun y => sum (fun j => h j * (exp (inner r u (f A y)) * f A y j)) (seq 0 r)) /\
      mean k (fun y => sum (fun j => h j * (exp (inner r u (f A y)) * f A y j)) (seq 0 r))
        = sum (fun j => h j * mean k (fun y => exp (inner r u (f A y)) * f A y j)) (seq 0 r)).
    { intros k I. assert (G := laws k I). induction (seq 0 r) as [|j l (D & IH)]; cbn [sum].
      - split; [apply (Dom_const _ _ _ _ _ G)|apply (E_const d P 1%nat Dom _ G)].
      - set (t := fun y => exp (inner r u (f A y)) * f A y j).
        assert (Q : forall y, h j * t y + 1 * sum (fun j => h j * (exp (inner r u (f A y)) * f A y j)) l
          = h j * (exp (inner r u (f A y)) * f A y j) + sum (fun j => h j * (exp (inner r u (f A y)) * f A y j)) l)
          by (intros; unfold t; ring).
        split.
        + apply (Dom_ext Dom _ _ Q), (Dom_lin _ _ _ _ _ G); [apply Dom_moment|exact D].
        + rewrite <- (E_ext (mean k) _ _ Q). rewrite (E_lin _ _ _ _ _ G); [rewrite IH; ring|apply Dom_moment|exact D]. }
    assert (Each : forall k, In k components -> exp c * ((1 - c) * partition A u k
      + sum (fun j => h j * mean k (fun y => exp (inner r u (f A y)) * f A y j)) (seq 0 r))
      <= partition A (fun j => u j + h j) k).
    { intros k I. assert (G := laws k I). destruct (Lin k I) as (D & M). rewrite <- M. unfold partition.
      match goal with |- ?left <= _ => replace left with (exp c * (1 - c) * mean k (fun y => exp (inner r u (f A y)))
        + exp c * mean k (fun y => sum (fun j => h j * (exp (inner r u (f A y)) * f A y j)) (seq 0 r))) by ring end.
      rewrite <- (E_lin _ _ _ _ _ G _ _ (exp c * (1 - c)) (exp c) (Dom_exp A u) D).
      apply (E_mono _ _ _ _ _ G); [apply (Dom_lin _ _ _ _ _ G); [apply Dom_exp|exact D]|apply Dom_exp|].
      intros y. set (a := inner r u (f A y)). set (b := inner r h (f A y)).
      replace (inner r (fun j => u j + h j) (f A y)) with (a + b).
      2: { unfold a, b, inner. rewrite <- sum_plus. apply sum_ext. intros. ring. }
      replace (sum (fun j => h j * (exp a * f A y j)) (seq 0 r)) with (exp a * b).
      2: { unfold b, inner. rewrite <- sum_scal. apply sum_ext. intros. ring. }
      replace (a + b) with (a + c + (b - c)) by ring. rewrite !exp_plus.
      assert (T := exp_tangent (b - c)). assert (X := Rmult_lt_0_compat _ _ (exp_pos a) (exp_pos c)). nra. }
    unfold negatives at 2. eapply Rle_trans; [|apply sum_le; intros k I; apply Rmult_le_compat_l;
      [apply Rlt_le, weights, I|apply Each, I]].
    right.
    assert (C : sum (fun k => weight k
      * sum (fun j => h j * mean k (fun y => exp (inner r u (f A y)) * f A y j)) (seq 0 r)) components
      = c * negatives A u).
    { unfold c, inner. rewrite <- sum_scal_r.
      transitivity (sum (fun k => sum (fun j => weight k * (h j * mean k (fun y => exp (inner r u (f A y)) * f A y j)))
        (seq 0 r)) components); [apply sum_ext; intros; symmetry; apply sum_scal|].
      rewrite sum_swap. apply sum_ext. intros j _. unfold pull.
      transitivity (h j * sum (fun k => weight k * mean k (fun y => exp (inner r u (f A y)) * f A y j)) components).
      - rewrite <- sum_scal. apply sum_ext. intros. ring.
      - field. lra. }
    transitivity (exp c * ((1 - c) * negatives A u + c * negatives A u)); [ring|]. rewrite <- C. unfold negatives.
    rewrite <- sum_scal, <- sum_plus, <- sum_scal. apply sum_ext. intros k _. ring. }
  apply ln_le in H; [|apply Rmult_lt_0_compat; [apply exp_pos|exact S]].
  rewrite ln_mult, ln_exp in H by (try apply exp_pos; exact S). lra.
Qed.

Lemma anchor_le k A : In k components ->
  mean k (fun x => ln (negatives (cut A) (f (cut A) x))) <= mean k (fun x => ln (negatives (cut A) (f A x))).
Proof.
  intros I. assert (G := laws k I). rewrite (E_split _ _ _ _ _ G _ (Dom_negatives (cut A) A)).
  apply (E_mono _ _ _ _ _ G); [apply Dom_negatives|apply (Dom_outer _ _ _ _ _ G _ (Dom_negatives (cut A) A))|].
  intros x. set (u := f (cut A) x). set (B := cut A) in *.
  destruct (tilt_centred k A (pull B u) I) as (DT & ET).
  assert (D := Dom_inner _ _ _ _ _ G _ x (Dom_negatives B A)). cbv beta in D.
  apply Rle_trans with (mean k (fun y => 1 * (fun _ => ln (negatives B u)) y
    + 1 * inner r (pull B u) (features d A (across d P (y 0%nat))))).
  - rewrite (E_lin _ _ _ _ _ G); [|apply (Dom_const _ _ _ _ _ G)|exact DT].
    rewrite ET, (E_const d P 1%nat Dom _ G). lra.
  - apply (E_mono _ _ _ _ _ G); [apply (Dom_lin _ _ _ _ _ G); [apply (Dom_const _ _ _ _ _ G)|exact DT]|exact D|].
    intros y. rewrite !Rmult_1_l. eapply Rle_trans; [apply negatives_tangent|]. right. f_equal. unfold negatives.
    apply sum_ext. intros l _. f_equal. unfold partition. apply E_ext. intros z. f_equal. unfold inner. apply sum_ext.
    intros j _. rewrite f_join. reflexivity.
Qed.

Lemma anchored_le k A : In k components ->
  mean k (fun x => ln (negatives (cut A) (f A x))) <= mean k (fun x => ln (negatives A (f A x))).
Proof.
  intros I. apply (E_mono _ _ _ _ _ (laws k I)); try apply Dom_negatives. intros x.
  apply ln_le; [apply negatives_pos|apply negatives_le].
Qed.

(** * The theorem *)

(** P'A is no worse than A. *)
Theorem population_no_worse A : population (cut A) <= population A.
Proof.
  unfold population. rewrite alignment_cut. apply Rplus_le_compat_l, sum_le. intros k I.
  apply Rmult_le_compat_l; [apply Rlt_le, weights, I|]. eapply Rle_trans; [apply anchor_le, I|apply anchored_le, I].
Qed.

(** Nor is it as good, unless it is A: the columns of a minimiser are within. *)
Theorem population_minimiser_within A : (forall B, population A <= population B) ->
  forall i j, (i < d)%nat -> (j < r)%nat -> A i j = cut A i j.
Proof.
  intros Min. apply same_columns.
  set (gap := fun k => weight k * (mean k (fun x => ln (negatives A (f A x)))
    - mean k (fun x => ln (negatives (cut A) (f A x))))).
  assert (N : forall k, In k components -> 0 <= gap k).
  { intros k I. unfold gap. apply Rmult_le_pos; [apply Rlt_le, weights, I|]. assert (H := anchored_le k A I). lra. }
  assert (T : sum gap components <= 0).
  { assert (L := Min (cut A)). unfold population in L. rewrite alignment_cut in L.
    assert (M : sum (fun k => weight k * mean k (fun x => ln (negatives (cut A) (f (cut A) x)))) components
      <= sum (fun k => weight k * mean k (fun x => ln (negatives (cut A) (f A x)))) components).
    { apply sum_le. intros k I. apply Rmult_le_compat_l; [apply Rlt_le, weights, I|apply anchor_le, I]. }
    rewrite (sum_ext gap (fun k => 1 * (weight k * mean k (fun x => ln (negatives A (f A x))))
      + -1 * (weight k * mean k (fun x => ln (negatives (cut A) (f A x)))))) by (intros; unfold gap; ring).
    rewrite sum_lin. lra. }
  destruct components as [|k rest] eqn:Q; [congruence|]. rewrite <- Q in *.
  assert (I : In k components) by (rewrite Q; left; reflexivity). assert (G := laws k I).
  assert (Z : gap k <= 0) by (assert (M := sum_member gap components k N I); lra).
  set (g := fun x => 1 * ln (negatives A (f A x)) + -1 * ln (negatives (cut A) (f A x))).
  assert (Dg : Dom g) by (apply (Dom_lin _ _ _ _ _ G); apply Dom_negatives).
  assert (Ng : forall x, 0 <= g x).
  { intros x. assert (H := ln_le _ _ (negatives_pos (cut A) (f A x)) (negatives_le A (f A x))). unfold g. lra. }
  assert (Eg : mean k g = 0).
  { apply Rle_antisym.
    - unfold g. rewrite (E_lin _ _ _ _ _ G) by apply Dom_negatives. unfold gap in Z.
      assert (W := weights k I). apply (Rmult_le_reg_l (weight k)); [exact W|]. lra.
    - rewrite <- (E_const d P 1%nat Dom _ G 0).
      apply (E_mono _ _ _ _ _ G); [apply (Dom_const _ _ _ _ _ G)|exact Dg|exact Ng]. }
  assert (E := E_definite _ _ _ _ _ G g Dg Ng Eg). unfold g in E. clear g Dg Ng Eg.
  (* the negatives are no more than those of the cut map, so each component's are not *)
  assert (Each : forall x, partition A (f A x) k <= partition (cut A) (f A x) k).
  { intros x. assert (L : negatives A (f A x) = negatives (cut A) (f A x)).
    { apply ln_inv; [apply negatives_pos|apply negatives_pos|]. assert (H := E x). lra. }
    set (e := fun l => weight l * (partition A (f A x) l - partition (cut A) (f A x) l)).
    assert (Ne : forall l, In l components -> 0 <= e l).
    { intros l J. apply Rmult_le_pos; [apply Rlt_le, weights, J|]. assert (H := partition_le l A (f A x) J). lra. }
    assert (Se : sum e components = 0).
    { rewrite (sum_ext e (fun l => 1 * (weight l * partition A (f A x) l)
        + -1 * (weight l * partition (cut A) (f A x) l))) by (intros; unfold e; ring).
      rewrite sum_lin. unfold negatives in L. lra. }
    assert (M := sum_member e components k Ne I). assert (W := weights k I). unfold e in M at 1.
    assert (weight k * (partition A (f A x) k - partition (cut A) (f A x) k) <= weight k * 0) by lra.
    apply Rminus_le, (Rmult_le_reg_l (weight k)); assumption. }
  intros x j Hj. rewrite features_project.
  assert (O := partition_equal k A _ I (Each (fun _ => across d P x)) x). unfold f in O.
  assert (S := inner_self r _ O j Hj). rewrite features_across in S. lra.
Qed.
End Population.
