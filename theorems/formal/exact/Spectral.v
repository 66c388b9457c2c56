(** The linear spectral contrastive loss: with enough columns every minimiser learns exactly S_F. *)
From Coq Require Import Reals Lra Lia List.
From InfoNCE Require Import Sums.
From Exact Require Import Vectors.
Open Scope R_scope.

(** Sums of products of two families, counted with weights q, one way and the other. *)
Lemma cross n r s (q alpha beta : nat -> R) (f g : mat) :
  total n (fun k => total n (fun l => q k * q l *
    (total r (fun c => alpha c * (f k c * f l c)) * total s (fun e => beta e * (g k e * g l e)))))
  = total r (fun c => total s (fun e => alpha c * beta e * total n (fun k => q k * f k c * g k e) ^ 2)).
Proof.
  transitivity (total n (fun k => total n (fun l => total r (fun c => total s (fun e =>
    alpha c * beta e * (q k * f k c * g k e * (q l * f l c * g l e))))))).
  - apply total_ext. intros k _. apply total_ext. intros l _.
    rewrite <- total_scal_r, <- total_scal. apply total_ext. intros c _.
    rewrite <- total_scal, <- total_scal. apply total_ext. intros e _. ring.
  - rewrite (total_swap_inner n n r (fun k l c => total s (fun e =>
      alpha c * beta e * (q k * f k c * g k e * (q l * f l c * g l e))))).
    apply total_ext. intros c _. rewrite total_swap_inner. apply total_ext. intros e _.
    simpl. rewrite Rmult_1_r, <- total_scal_r, <- total_scal. apply total_ext. intros k _.
    rewrite <- !total_scal. apply total_ext. intros l _. ring.
Qed.

Section Spectral.
(** R and C are the second moments of a point and of a pair; maps have r columns. *)
Context (d r : nat) (Second Pairs : mat).

(** -2 E f(x).f(x^) + E (f(x).f(y))^2, the expectations taken. *)
Definition spectral (A : mat) : R :=
  -2 * total r (fun c => form d Pairs (column A c) (column A c))
  + total r (fun c => total r (fun e => form d Second (column A c) (column A e) ^ 2)).

Definition minimiser (A : mat) : Prop := forall A', spectral A <= spectral A'.

(** R is the sum of the q_k c_k c_k' with q_k > 0, and the c_k span: each unit vector is a combination of them. *)
Context (n : nat) (q : nat -> R) (atoms dual : mat).
Context (Weights : forall k, (k < n)%nat -> 0 < q k).
Context (Atoms : forall i j, (i < d)%nat -> (j < d)%nat -> Second i j = total n (fun k => q k * atoms i k * atoms j k)).
Context (Spanning : forall i j, (i < d)%nat -> (j < d)%nat ->
  total n (fun k => dual i k * atoms j k) = kronecker j i).

(** X = R^-1 Y has m <= r independent columns (Z is a left inverse), and C is the sum of the D_s Y_s Y_s' with D_s > 0. *)
Context (m : nat) (X Z : mat) (D : nat -> R).
Context (Few : (m <= r)%nat) (Scales : forall s, (s < m)%nat -> 0 < D s).
Context (Factor : forall i j, (i < d)%nat -> (j < d)%nat ->
  Pairs i j = total m (fun s => D s * times d Second (column X s) i * times d Second (column X s) j)).
Context (Left : forall s t, (s < m)%nat -> (t < m)%nat -> dot d (column Z s) (column X t) = kronecker t s).

Let at_ (v : vec) (k : nat) : R := dot d (column atoms k) v.

Lemma form_atoms u v : form d Second u v = total n (fun k => q k * at_ u k * at_ v k).
Proof.
  unfold form, dot, times.
  transitivity (total d (fun i => total d (fun j => total n (fun k => q k * (atoms i k * u i) * (atoms j k * v j))))).
  - apply total_ext. intros i I. rewrite <- total_scal. apply total_ext. intros j J.
    rewrite (Atoms i j I J), <- total_scal_r, <- total_scal. apply total_ext. intros; ring.
  - rewrite total_swap_inner. apply total_ext. intros k _. unfold at_, dot, column.
    transitivity (total d (fun i => q k * (atoms i k * u i) * total d (fun j => atoms j k * v j))).
    + apply total_ext. intros. apply total_scal.
    + rewrite total_scal_r, total_scal. reflexivity.
Qed.

Lemma form_pairs v : form d Pairs v v = total m (fun s => D s * form d Second (column X s) v ^ 2).
Proof.
  unfold form at 1, dot, times at 1.
  transitivity (total d (fun i => total d (fun j => total m (fun s =>
    D s * (times d Second (column X s) i * v i) * (times d Second (column X s) j * v j))))).
  - apply total_ext. intros i I. rewrite <- total_scal. apply total_ext. intros j J.
    rewrite (Factor i j I J), <- total_scal_r, <- total_scal. apply total_ext. intros; ring.
  - rewrite total_swap_inner. apply total_ext. intros s _.
    assert (E : form d Second (column X s) v = total d (fun j => times d Second (column X s) j * v j)).
    { rewrite form_swap; [|intros i j I J; rewrite (Atoms i j I J), (Atoms j i J I); apply total_ext; intros; ring].
      apply total_ext. intros; ring. }
    rewrite E. simpl. rewrite Rmult_1_r.
    transitivity (total d (fun i => D s * (times d Second (column X s) i * v i)
      * total d (fun j => times d Second (column X s) j * v j))).
    + apply total_ext. intros. apply total_scal.
    + rewrite total_scal_r, total_scal. ring.
Qed.

(** How far AA' is from XDX' between two atoms. *)
Let off (A : mat) (k l : nat) : R :=
  total r (fun c => 1 * (at_ (column A c) k * at_ (column A c) l))
  - total m (fun s => D s * (at_ (column X s) k * at_ (column X s) l)).

Definition constant : R := total m (fun s => total m (fun t => D s * D t * form d Second (column X s) (column X t) ^ 2)).

Lemma completed A : spectral A + constant = total n (fun k => total n (fun l => q k * q l * off A k l ^ 2)).
Proof.
  set (f := fun k c => at_ (column A c) k). set (g := fun k s => at_ (column X s) k).
  assert (F : forall h h' c e, total n (fun k => q k * at_ (column h c) k * at_ (column h' e) k)
    = form d Second (column h c) (column h' e)) by (intros; symmetry; apply form_atoms).
  transitivity (total n (fun k => total n (fun l => q k * q l *
      (total r (fun c => 1 * (f k c * f l c)) * total r (fun c => 1 * (f k c * f l c)))))
    + -2 * total n (fun k => total n (fun l => q k * q l *
      (total m (fun s => D s * (g k s * g l s)) * total r (fun c => 1 * (f k c * f l c)))))
    + total n (fun k => total n (fun l => q k * q l *
      (total m (fun s => D s * (g k s * g l s)) * total m (fun s => D s * (g k s * g l s)))))).
  - rewrite !cross. unfold spectral, constant.
    replace (total r (fun c => form d Pairs (column A c) (column A c)))
      with (total m (fun c => total r (fun e => D c * 1 * total n (fun k => q k * g k c * f k e) ^ 2))).
    + enough (total r (fun c => total r (fun e => 1 * 1 * total n (fun k => q k * f k c * f k e) ^ 2))
        = total r (fun c => total r (fun e => form d Second (column A c) (column A e) ^ 2))
        /\ total m (fun c => total m (fun e => D c * D e * total n (fun k => q k * g k c * g k e) ^ 2))
        = total m (fun s => total m (fun t => D s * D t * form d Second (column X s) (column X t) ^ 2))) as [-> ->] by ring.
      split; apply total_ext; intros c _; apply total_ext; intros e _; unfold f, g; rewrite F; ring.
    + rewrite total_swap. apply total_ext. intros e _. rewrite form_pairs. apply total_ext. intros c _.
      unfold f, g. rewrite F. ring.
  - rewrite <- total_scal, <- !total_plus. apply total_ext. intros k _.
    rewrite <- total_scal, <- !total_plus. apply total_ext. intros l _. unfold off, f, g. ring.
Qed.

(** A map of AA' = XDX'. *)
Definition best : mat := fun i c => if Nat.ltb c m then sqrt (D c) * X i c else 0.

Lemma off_best k l : off best k l = 0.
Proof.
  unfold off. rewrite (total_split m r).
  - rewrite <- total_minus. transitivity (total m (fun _ => 0)); [|apply sum_zero]. apply total_ext. intros s S.
    assert (E : forall j, at_ (column best s) j = sqrt (D s) * at_ (column X s) j).
    { intros j. unfold at_, dot. rewrite <- total_scal. apply total_ext. intros i _. unfold column, best.
      destruct (Nat.ltb_spec s m); [ring|lia]. }
    rewrite !E. rewrite <- (sqrt_sqrt (D s)) at 3 by (apply Rlt_le, Scales, S). ring.
  - exact Few.
  - intros c C. assert (E : at_ (column best c) k = 0).
    { unfold at_, dot. transitivity (total d (fun _ => 0)); [|apply sum_zero]. apply total_ext. intros i _.
      unfold column, best. destruct (Nat.ltb_spec c m); [lia|ring]. }
    rewrite E. ring.
Qed.

Theorem best_is_best : minimiser best.
Proof.
  intros A. enough (0 <= spectral A + constant /\ spectral best + constant = 0) by lra. rewrite !completed. split.
  - apply total_nonneg. intros k K. apply total_nonneg. intros l L.
    assert (P := Weights k K). assert (Q := Weights l L). apply Rmult_le_pos; [nra|apply pow2_ge_0].
  - transitivity (total n (fun _ => 0)); [|apply sum_zero]. apply total_ext. intros k _.
    transitivity (total n (fun _ => 0)); [|apply sum_zero]. apply total_ext. intros l _. rewrite off_best. ring.
Qed.

Lemma minimiser_off A : minimiser A -> forall k l, (k < n)%nat -> (l < n)%nat -> off A k l = 0.
Proof.
  intros M k l K L.
  assert (P : forall k l, (k < n)%nat -> (l < n)%nat -> 0 <= q k * q l * off A k l ^ 2).
  { intros i j I J. assert (P := Weights i I). assert (Q := Weights j J). apply Rmult_le_pos; [nra|apply pow2_ge_0]. }
  assert (E : total n (fun k => total n (fun l => q k * q l * off A k l ^ 2)) = 0).
  { apply Rle_antisym; [|apply total_nonneg; intros; apply total_nonneg; auto].
    rewrite <- completed. assert (B := M best). assert (O := completed best).
    replace (total n (fun k => total n (fun l => q k * q l * off best k l ^ 2))) with 0 in O; [lra|].
    symmetry. transitivity (total n (fun _ => 0)); [|apply sum_zero]. apply total_ext. intros i _.
    transitivity (total n (fun _ => 0)); [|apply sum_zero]. apply total_ext. intros j _. rewrite off_best. ring. }
  assert (F := total_null n _ (fun k K => total_nonneg n _ (fun l L => P k l K L)) E k K).
  assert (G := total_null n _ (fun l L => P k l K L) F l L). simpl in G.
  assert (Pk := Weights k K). assert (Pl := Weights l L).
  apply Rmult_integral in G. destruct G as [G|G]; [nra|]. rewrite Rmult_1_r in G. apply Rmult_integral in G. tauto.
Qed.

(** So AA' = XDX', entry by entry. *)
Lemma minimiser_square A : minimiser A -> forall i j, (i < d)%nat -> (j < d)%nat ->
  total r (fun c => A i c * A j c) = total m (fun s => D s * (X i s * X j s)).
Proof.
  intros M i j I J.
  assert (E : forall h c i, (i < d)%nat -> total n (fun k => dual i k * at_ (column h c) k) = h i c).
  { intros h c i' I'. unfold at_, dot, column.
    transitivity (total n (fun k => total d (fun j => dual i' k * atoms j k * h j c))).
    - apply total_ext. intros. rewrite <- total_scal. apply total_ext. intros; ring.
    - rewrite total_swap. transitivity (total d (fun j => kronecker j i' * h j c)).
      + apply total_ext. intros j' J'. rewrite total_scal_r, (Spanning i' j' I' J'). reflexivity.
      + apply (total_kronecker d i' (fun j => h j c) I'). }
  assert (S : forall p (w : nat -> R) h, total n (fun k => total n (fun l => dual i k * dual j l *
      total p (fun c => w c * (at_ (column h c) k * at_ (column h c) l)))) = total p (fun c => w c * (h i c * h j c))).
  { intros p w h.
    transitivity (total n (fun k => total n (fun l => total p (fun c =>
      w c * (dual i k * at_ (column h c) k) * (dual j l * at_ (column h c) l))))).
    - apply total_ext. intros k _. apply total_ext. intros l _. rewrite <- total_scal. apply total_ext. intros; ring.
    - rewrite total_swap_inner. apply total_ext. intros c _.
      transitivity (total n (fun k => w c * (dual i k * at_ (column h c) k) * h j c)).
      + apply total_ext. intros k _. rewrite total_scal, (E h c j J). reflexivity.
      + rewrite total_scal_r, total_scal, (E h c i I). ring. }
  transitivity (total r (fun c => 1 * (A i c * A j c))); [apply total_ext; intros; ring|].
  rewrite <- (S r (fun _ => 1) A), <- (S m D X). apply total_ext. intros k K. apply total_ext. intros l L.
  assert (O := minimiser_off A M k l K L). unfold off in O. f_equal. lra.
Qed.

(** The columns of X are in the column space of a minimiser, and conversely. *)
Theorem learns_exactly A : minimiser A ->
  (forall c, (c < r)%nat -> spanned d m X (column A c)) /\ (forall s, (s < m)%nat -> spanned d r A (column X s)).
Proof.
  intros M. assert (Q := minimiser_square A M). split.
  - intros c C. exists (fun s => dot d (column Z s) (column A c)). intros i I.
    set (T := fun j => kronecker j i - total m (fun s => X i s * Z j s)).
    assert (TX : forall s, (s < m)%nat -> total d (fun j => T j * X j s) = 0).
    { intros s S. unfold T. transitivity (total d (fun j => kronecker j i * X j s)
        - total d (fun j => total m (fun t => X i t * (Z j t * X j s)))).
      - rewrite <- total_minus. apply total_ext. intros j _. rewrite Rmult_minus_distr_r, <- total_scal_r.
        f_equal. apply total_ext. intros; ring.
      - rewrite (total_kronecker d i (fun j => X j s) I), total_swap.
        transitivity (X i s - total m (fun t => kronecker t s * X i t)).
        + f_equal. apply total_ext. intros t U. rewrite total_scal.
          change (total d (fun j => Z j t * X j s)) with (dot d (column Z t) (column X s)).
          rewrite (Left t s U S). unfold kronecker. rewrite Nat.eqb_sym. ring.
        + rewrite (total_kronecker m s (fun t => X i t) S). ring. }
    assert (N : total r (fun c => total d (fun j => T j * A j c) ^ 2) = 0).
    { transitivity (total d (fun j => total d (fun l => T j * T l * total r (fun c => A j c * A l c)))).
      - transitivity (total d (fun j => total d (fun l => total r (fun c => T j * A j c * (T l * A l c))))).
        + rewrite total_swap_inner. apply total_ext. intros c' _. simpl. rewrite Rmult_1_r, <- total_scal_r.
          apply total_ext. intros j _. rewrite <- total_scal. reflexivity.
        + apply total_ext. intros j _. apply total_ext. intros l _. rewrite <- total_scal. apply total_ext. intros; ring.
      - transitivity (total d (fun j => total d (fun l => total m (fun s => D s * (T j * X j s) * (T l * X l s))))).
        + apply total_ext. intros j J. apply total_ext. intros l L. rewrite (Q j l J L), <- total_scal.
          apply total_ext. intros; ring.
        + rewrite total_swap_inner. transitivity (total m (fun _ => 0)); [|apply sum_zero].
          apply total_ext. intros s S.
          transitivity (total d (fun j => D s * (T j * X j s) * total d (fun l => T l * X l s))).
          * apply total_ext. intros. apply total_scal.
          * rewrite (TX s S). transitivity (total d (fun _ => 0)); [apply total_ext; intros; ring|apply sum_zero]. }
    assert (O := total_null r _ (fun c _ => pow2_ge_0 _) N c C). simpl in O. rewrite Rmult_1_r in O.
    apply Rmult_integral in O. assert (O' : total d (fun j => T j * A j c) = 0) by tauto. clear O N TX.
    unfold T in O'. unfold column, times, dot.
    transitivity (total d (fun j => kronecker j i * A j c)); [symmetry; apply (total_kronecker d i (fun j => A j c) I)|].
    transitivity (total d (fun j => total m (fun s => X i s * (Z j s * A j c)))).
    + apply Rminus_diag_uniq. rewrite <- O', <- total_minus. apply total_ext. intros j _.
      rewrite Rmult_minus_distr_r, <- total_scal_r. f_equal. apply total_ext. intros; ring.
    + rewrite total_swap. apply total_ext. intros. apply total_scal.
  - intros t U. exists (fun c => / D t * dot d (column A c) (column Z t)). intros i I. assert (P := Scales t U).
    unfold times. transitivity (/ D t * total d (fun j => total r (fun c => A i c * A j c) * Z j t)).
    + transitivity (/ D t * total d (fun j => total m (fun s => D s * X i s * (Z j t * X j s)))).
      * rewrite total_swap. transitivity (/ D t * total m (fun s => kronecker s t * (D s * X i s))).
        -- rewrite (total_kronecker m t (fun s => D s * X i s) U). unfold column. field. lra.
        -- f_equal. apply total_ext. intros s S. rewrite total_scal.
           change (total d (fun j => Z j t * X j s)) with (dot d (column Z t) (column X s)).
           rewrite (Left t s U S). ring.
      * f_equal. apply total_ext. intros j J. rewrite (Q i j I J), <- total_scal_r. apply total_ext. intros; ring.
    + transitivity (/ D t * total d (fun j => total r (fun c => A i c * (A j c * Z j t)))).
      * f_equal. apply total_ext. intros j _. rewrite <- total_scal_r. apply total_ext. intros; ring.
      * rewrite total_swap, <- total_scal. apply total_ext. intros c _. rewrite total_scal. unfold dot, column. ring.
Qed.
End Spectral.
