(** Convex functions of finitely many numbers, given by a list of their names.

    Convexity is used as: at every point a tangent lies below. That is what convexity by chords means for functions
    that are finite everywhere: [convex_iff]. *)
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

(** * Convex by chords *)

Section Chords.
Context {T : Type}.
Variables (eq_dec : forall e e' : T, {e = e'} + {e <> e'}) (names : list T) (Phi : (T -> R) -> R).

Definition convex_by_chords : Prop := (forall z z', (forall e, In e names -> z e = z' e) -> Phi z = Phi z') /\
  forall a b z z', 0 <= a -> 0 <= b -> a + b = 1 -> Phi (fun e => a * z e + b * z' e) <= a * Phi z + b * Phi z'.

Hypothesis C : convex_by_chords.
Variable z : T -> R.

(** Direction by direction: a tangent in the directions of l, and one direction e more. *)
Lemma tangent_extends e l t : ~ In e l ->
  (forall z', (forall f, ~ In f l -> z' f = z f) -> Phi z + sum (fun f => t f * (z' f - z f)) l <= Phi z') ->
  exists c, forall z', (forall f, ~ In f (e :: l) -> z' f = z f) ->
    Phi z + c * (z' e - z e) + sum (fun f => t f * (z' f - z f)) l <= Phi z'.
Proof.
  intros N H. set (p := fun z' => Phi z' - Phi z - sum (fun f => t f * (z' f - z f)) l).
  set (near := fun z' : T -> R => forall f, ~ In f (e :: l) -> z' f = z f).
  (* a step down and a step up: their slopes are in order *)
  assert (Order : forall u v, near u -> near v -> u e < z e -> z e < v e ->
    p u / (u e - z e) <= p v / (v e - z e)).
  { intros u v Nu Nv U V. set (s1 := z e - u e). set (s2 := v e - z e).
    assert (S1 : 0 < s1) by (unfold s1; lra). assert (S2 : 0 < s2) by (unfold s2; lra).
    set (a := s2 / (s1 + s2)). set (b := s1 / (s1 + s2)).
    assert (A : 0 <= a) by (apply Rlt_le, Rdiv_lt_0_compat; lra).
    assert (B : 0 <= b) by (apply Rlt_le, Rdiv_lt_0_compat; lra).
    assert (AB : a + b = 1) by (unfold a, b; field; lra).
    set (w := fun f => a * u f + b * v f).
    assert (W : forall f, ~ In f l -> w f = z f).
    { intros f F. unfold w. destruct (eq_dec f e) as [->|D].
      - replace (u e) with (z e - s1) by (unfold s1; ring). replace (v e) with (z e + s2) by (unfold s2; ring).
        unfold a, b. field. lra.
      - assert (F' : ~ In f (e :: l)) by (intros [Q|Q]; [congruence|tauto]). rewrite (Nu f F'), (Nv f F').
        replace b with (1 - a) by lra. ring. }
    assert (Hw := H w W). assert (Cw := proj2 C a b u v A B AB). fold w in Cw.
    assert (Sum : sum (fun f => t f * (w f - z f)) l
      = a * sum (fun f => t f * (u f - z f)) l + b * sum (fun f => t f * (v f - z f)) l).
    { rewrite <- sum_lin. apply sum_ext. intros f _. unfold w. replace b with (1 - a) by lra. ring. }
    assert (Pos : 0 <= a * p u + b * p v).
    { unfold p. replace (Phi w) with (1 * Phi w) in * by ring.
      assert (a * Phi z + b * Phi z = Phi z) by (replace b with (1 - a) by lra; ring). lra. }
    assert (Pos' : 0 <= s2 * p u + s1 * p v).
    { replace (s2 * p u + s1 * p v) with ((s1 + s2) * (a * p u + b * p v)) by (unfold a, b; field; lra).
      apply Rmult_le_pos; lra. }
    replace (u e - z e) with (- s1) by (unfold s1; ring). fold s2.
    apply (Rmult_le_reg_r (s1 * s2)); [apply Rmult_lt_0_compat; assumption|].
    replace (p u / - s1 * (s1 * s2)) with (- (s2 * p u)) by (field; lra).
    replace (p v / s2 * (s1 * s2)) with (s1 * p v) by (field; lra). lra. }
  set (step := fun (c : R) (f : T) => if eq_dec f e then z e + c else z f).
  assert (Step : forall c, near (step c) /\ step c e = z e + c).
  { intros c. unfold step. split.
    - intros f F. destruct (eq_dec f e) as [->|]; [exfalso; apply F; left; reflexivity|reflexivity].
    - destruct (eq_dec e e); [reflexivity|congruence]. }
  set (below := fun y => exists u, near u /\ u e < z e /\ y = p u / (u e - z e)).
  destruct (completeness below) as (c & Up & Least).
  - destruct (Step 1) as (N1 & V1). exists (p (step 1) / (step 1 e - z e)). intros y (u & Nu & U & ->).
    apply Order; [exact Nu|exact N1|exact U|lra].
  - destruct (Step (-1)) as (N1 & V1). exists (p (step (-1)) / (step (-1) e - z e)). exists (step (-1)).
    repeat split; [exact N1|lra].
  - exists c. intros z' Nz. destruct (Rtotal_order (z' e) (z e)) as [L|[Q|G]].
    + assert (Y : p z' / (z' e - z e) <= c) by (apply Up; exists z'; repeat split; assumption).
      apply (Rmult_le_compat_r (z e - z' e)) in Y; [|lra].
      replace (p z' / (z' e - z e) * (z e - z' e)) with (- p z') in Y by (field; lra). unfold p in Y. lra.
    + assert (Hz : forall f, ~ In f l -> z' f = z f).
      { intros f F. destruct (eq_dec f e) as [->|D]; [exact Q|apply Nz; intros [X|X]; [congruence|tauto]]. }
      assert (X := H z' Hz). rewrite Q. lra.
    + assert (Y : c <= p z' / (z' e - z e)).
      { apply Least. intros y (u & Nu & U & ->). apply Order; assumption. }
      apply (Rmult_le_compat_r (z' e - z e)) in Y; [|lra].
      replace (p z' / (z' e - z e) * (z' e - z e)) with (p z') in Y by (field; lra). unfold p in Y. lra.
Qed.

Lemma tangent_in l : NoDup l -> (forall e, In e l -> In e names) -> exists t, forall z',
  (forall f, ~ In f l -> z' f = z f) -> Phi z + sum (fun f => t f * (z' f - z f)) l <= Phi z'.
Proof.
  induction l as [|e l IH]; intros D I.
  - exists (fun _ => 0). intros z' E. cbn [sum]. rewrite (proj1 C z' z); [lra|]. intros f _. apply E. intros [].
  - inversion D as [|? ? N D']. destruct (IH D') as (t & Ht); [intros f F; apply I; right; exact F|].
    destruct (tangent_extends e l t N Ht) as (c & Hc). exists (fun f => if eq_dec f e then c else t f).
    intros z' E. assert (X := Hc z' E). cbn [sum]. destruct (eq_dec e e) as [_|]; [|congruence].
    rewrite (sum_ext _ (fun f => t f * (z' f - z f))); [lra|]. intros f F.
    destruct (eq_dec f e) as [->|]; [contradiction|reflexivity].
Qed.
End Chords.

Theorem tangents_exist {T} (eq_dec : forall e e' : T, {e = e'} + {e <> e'}) (names : list T) (Phi : (T -> R) -> R) :
  NoDup names -> convex_by_chords names Phi -> convex names Phi.
Proof.
  intros D C z. destruct (tangent_in eq_dec names Phi C z names D (fun e I => I)) as (t & H). exists t. intros z'.
  set (w := fun e => if in_dec eq_dec e names then z' e else z e).
  assert (W : forall e, In e names -> w e = z' e).
  { intros e I. unfold w. destruct (in_dec eq_dec e names); [reflexivity|contradiction]. }
  rewrite <- (proj1 C w z' W). rewrite (sum_ext _ (fun e => t e * (w e - z e))).
  - apply H. intros e I. unfold w. destruct (in_dec eq_dec e names); [contradiction|reflexivity].
  - intros e I. rewrite (W e I). reflexivity.
Qed.

Theorem convex_iff {T} (eq_dec : forall e e' : T, {e = e'} + {e <> e'}) (names : list T) (Phi : (T -> R) -> R) :
  NoDup names -> (convex names Phi <-> convex_by_chords names Phi).
Proof.
  intros D. split; [|apply tangents_exist; assumption]. intros C. split; [|intros; apply (chord names); assumption].
  assert (H : forall z z', (forall e, In e names -> z e = z' e) -> Phi z <= Phi z').
  { intros z z' E. destruct (C z) as (t & S). eapply Rle_trans; [|apply (S z')].
    rewrite (sum_ext _ (fun _ => 0)); [rewrite sum_zero; lra|]. intros e I. rewrite (E e I). ring. }
  intros z z' E. apply Rle_antisym; apply H; [exact E|]. intros e I. symmetry. apply E, I.
Qed.
