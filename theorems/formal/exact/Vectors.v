(** Vectors and matrices over the reals as functions of indices; sums over the first n indices, and bilinear forms. *)
From Coq Require Import Reals Lra Lia List.
From InfoNCE Require Import Sums.
Open Scope R_scope.

Definition vec := nat -> R.
Definition mat := nat -> nat -> R.

Definition total (n : nat) (f : nat -> R) : R := sum f (seq 0 n).
Definition dot (d : nat) (u v : vec) : R := total d (fun i => u i * v i).

(** The product of a matrix of r columns with a vector; a column; the form u'mv. *)
Definition times (r : nat) (a : mat) (z : vec) : vec := fun i => total r (fun c => a i c * z c).
Definition column (a : mat) (c : nat) : vec := fun i => a i c.
Definition form (d : nat) (m : mat) (u v : vec) : R := dot d u (times d m v).

Definition symmetric (d : nat) (m : mat) : Prop := forall i j, (i < d)%nat -> (j < d)%nat -> m i j = m j i.
Definition positive (d : nat) (m : mat) : Prop :=
  forall v, 0 <= form d m v v /\ (form d m v v = 0 -> forall i, (i < d)%nat -> v i = 0).

(** v is a combination of the columns of a. *)
Definition spanned (d r : nat) (a : mat) (v : vec) : Prop := exists z, forall i, (i < d)%nat -> v i = times r a z i.

(** Col(A) is the span of the columns of b. *)
Definition learns (d r K : nat) (b A : mat) : Prop :=
  (forall c, (c < r)%nat -> spanned d K b (column A c)) /\ (forall k, (k < K)%nat -> spanned d r A (column b k)).

Lemma total_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> total n f = total n g.
Proof. intros H. apply sum_ext. intros i I. apply in_seq in I. apply H. lia. Qed.

Lemma total_plus n f g : total n (fun i => f i + g i) = total n f + total n g.
Proof. apply sum_plus. Qed.

Lemma total_scal n c f : total n (fun i => c * f i) = c * total n f.
Proof. apply sum_scal. Qed.

Lemma total_scal_r n c f : total n (fun i => f i * c) = total n f * c.
Proof. apply sum_scal_r. Qed.

Lemma total_minus n f g : total n (fun i => f i - g i) = total n f - total n g.
Proof.
  transitivity (total n (fun i => f i + (-1) * g i)); [apply total_ext; intros; ring|].
  rewrite total_plus, total_scal. ring.
Qed.

Lemma total_swap n m (f : nat -> nat -> R) :
  total n (fun i => total m (fun j => f i j)) = total m (fun j => total n (fun i => f i j)).
Proof.
  unfold total. induction (seq 0 n) as [|k l IH]; simpl.
  - symmetry. apply sum_zero.
  - rewrite IH. symmetry. apply (sum_plus (fun j => f k j) (fun j => sum (fun i => f i j) l)).
Qed.

Lemma total_swap_inner n m p (f : nat -> nat -> nat -> R) :
  total n (fun i => total m (fun j => total p (fun k => f i j k)))
  = total p (fun k => total n (fun i => total m (fun j => f i j k))).
Proof.
  rewrite (total_swap p n). apply total_ext. intros i _. apply total_swap.
Qed.

Lemma total_nonneg n f : (forall i, (i < n)%nat -> 0 <= f i) -> 0 <= total n f.
Proof. intros H. apply sum_nonneg. intros i I. apply in_seq in I. apply H. lia. Qed.

Lemma total_null n f : (forall i, (i < n)%nat -> 0 <= f i) -> total n f = 0 -> forall i, (i < n)%nat -> f i = 0.
Proof.
  intros H Z i I. apply Rle_antisym; [|apply H, I]. rewrite <- Z. apply (sum_member f).
  - intros j J. apply in_seq in J. apply H. lia.
  - apply in_seq. lia.
Qed.

Lemma sum_app (f : nat -> R) l l' : sum f (l ++ l') = sum f l + sum f l'.
Proof. induction l as [|k l IH]; simpl; [|rewrite IH]; ring. Qed.

(** A sum of which one term counts. *)
Lemma total_one n k f : (k < n)%nat -> (forall i, (i < n)%nat -> i <> k -> f i = 0) -> total n f = f k.
Proof.
  unfold total. revert k f. induction n as [|n IH]; intros k f K H; [lia|].
  rewrite seq_S, sum_app. simpl. destruct (Nat.eq_dec k n) as [->|N].
  - rewrite (sum_ext f (fun _ => 0)), sum_zero; [ring|].
    intros i I. apply in_seq in I. apply H; lia.
  - rewrite (H n) by lia. rewrite (IH k) by (intros; try apply H; lia). ring.
Qed.

Lemma total_split n m f : (n <= m)%nat -> (forall i, (n <= i < m)%nat -> f i = 0) -> total m f = total n f.
Proof.
  unfold total. intros L H. replace m with (n + (m - n))%nat by lia. rewrite seq_app, sum_app.
  rewrite (sum_ext f (fun _ => 0) (seq (0 + n) (m - n))), sum_zero; [ring|].
  intros i I. apply in_seq in I. apply H. lia.
Qed.

(** Forms are bilinear and see the first d entries alone. *)
Lemma form_ext d m u u' v v' : (forall i, (i < d)%nat -> u i = u' i) -> (forall i, (i < d)%nat -> v i = v' i) ->
  form d m u v = form d m u' v'.
Proof.
  intros H J. apply total_ext. intros i I. rewrite (H i I). f_equal. apply total_ext. intros j K. rewrite (J j K). ring.
Qed.

Lemma form_plus_l d m u u' v : form d m (fun i => u i + u' i) v = form d m u v + form d m u' v.
Proof. unfold form, dot. rewrite <- total_plus. apply total_ext. intros; ring. Qed.

Lemma form_scal_l d m c u v : form d m (fun i => c * u i) v = c * form d m u v.
Proof. unfold form, dot. rewrite <- total_scal. apply total_ext. intros; ring. Qed.

Lemma times_plus r a v v' i : times r a (fun c => v c + v' c) i = times r a v i + times r a v' i.
Proof. unfold times. rewrite <- total_plus. apply total_ext. intros; ring. Qed.

Lemma times_scal r a c v i : times r a (fun j => c * v j) i = c * times r a v i.
Proof. unfold times. rewrite <- total_scal. apply total_ext. intros; ring. Qed.

Lemma form_plus_r d m u v v' : form d m u (fun i => v i + v' i) = form d m u v + form d m u v'.
Proof. unfold form, dot. rewrite <- total_plus. apply total_ext. intros i _. rewrite times_plus. ring. Qed.

Lemma form_scal_r d m c u v : form d m u (fun i => c * v i) = c * form d m u v.
Proof. unfold form, dot. rewrite <- total_scal. apply total_ext. intros i _. rewrite times_scal. ring. Qed.

Lemma form_swap d m u v : symmetric d m -> form d m u v = form d m v u.
Proof.
  intros S. unfold form, dot, times.
  transitivity (total d (fun i => total d (fun j => u i * (m i j * v j)))).
  - apply total_ext. intros. symmetry. apply total_scal.
  - rewrite total_swap. apply total_ext. intros i I. rewrite <- total_scal. apply total_ext. intros j J.
    rewrite (S i j I J). ring.
Qed.

Lemma form_times_l d r m a z v : form d m (times r a z) v = total r (fun c => z c * form d m (column a c) v).
Proof.
  unfold form, dot. transitivity (total d (fun i => total r (fun c => a i c * z c * times d m v i))).
  - apply total_ext. intros. unfold times at 1. rewrite <- total_scal_r. reflexivity.
  - rewrite total_swap. apply total_ext. intros c _. unfold column. rewrite <- total_scal. apply total_ext. intros; ring.
Qed.

Lemma dot_comm d u v : dot d u v = dot d v u.
Proof. apply total_ext. intros; ring. Qed.

Lemma dot_times_l d r a z v : dot d (times r a z) v = total r (fun c => z c * dot d (column a c) v).
Proof.
  unfold dot. transitivity (total d (fun i => total r (fun c => a i c * z c * v i))).
  - apply total_ext. intros. unfold times. rewrite <- total_scal_r. reflexivity.
  - rewrite total_swap. apply total_ext. intros c _. unfold column. rewrite <- total_scal. apply total_ext. intros; ring.
Qed.

(** What a combination of columns is orthogonal to. *)
Lemma spanned_orthogonal d r a v z :
  spanned d r a v -> (forall c, (c < r)%nat -> dot d (column a c) z = 0) -> dot d v z = 0.
Proof.
  intros [x X] O. transitivity (dot d (times r a x) z).
  - apply total_ext. intros i I. rewrite (X i I). reflexivity.
  - rewrite dot_times_l. transitivity (total r (fun _ => 0)).
    + apply total_ext. intros c C. rewrite (O c C). ring.
    + apply sum_zero.
Qed.

Lemma outside d r a z e : (forall c, (c < r)%nat -> dot d (column a c) z = 0) -> dot d e z <> 0 -> ~ spanned d r a e.
Proof. intros O N S. apply N, (spanned_orthogonal d r a e z S O). Qed.

Lemma columns_choice d r m a u : (forall c, (c < r)%nat -> spanned d m u (column a c)) ->
  exists z : mat, forall i c, (i < d)%nat -> (c < r)%nat -> a i c = times m u (column z c) i.
Proof.
  induction r as [|r IH]; intros A.
  - exists (fun _ _ => 0). intros i c _ L. lia.
  - destruct IH as [z Z]; [intros c L; apply A; lia|]. destruct (A r) as [z' Z']; [lia|].
    exists (fun s c => if Nat.eq_dec c r then z' s else z s c). intros i c I L. unfold column.
    destruct (Nat.eq_dec c r) as [->|N]; [apply (Z' i I)|apply Z; lia].
Qed.

Lemma spanned_trans d r m a u v :
  (forall c, (c < r)%nat -> spanned d m u (column a c)) -> spanned d r a v -> spanned d m u v.
Proof.
  intros A [x X]. destruct (columns_choice d r m a u A) as [z Z].
  exists (times r z x). intros i I. rewrite (X i I). unfold times.
  transitivity (total r (fun c => total m (fun s => u i s * z s c * x c))).
  - apply total_ext. intros c C. rewrite (Z i c I C), total_scal_r. reflexivity.
  - rewrite total_swap. apply total_ext. intros s _. rewrite <- total_scal. apply total_ext. intros; ring.
Qed.

Lemma dot_plus_l d u u' v : dot d (fun i => u i + u' i) v = dot d u v + dot d u' v.
Proof. unfold dot. rewrite <- total_plus. apply total_ext. intros; ring. Qed.

Lemma dot_scal_l d c u v : dot d (fun i => c * u i) v = c * dot d u v.
Proof. unfold dot. rewrite <- total_scal. apply total_ext. intros; ring. Qed.

Lemma dot_plus_r d u v v' : dot d u (fun i => v i + v' i) = dot d u v + dot d u v'.
Proof. unfold dot. rewrite <- total_plus. apply total_ext. intros; ring. Qed.

Lemma dot_scal_r d c u v : dot d u (fun i => c * v i) = c * dot d u v.
Proof. unfold dot. rewrite <- total_scal. apply total_ext. intros; ring. Qed.

Lemma dot_ext d u u' v v' : (forall i, (i < d)%nat -> u i = u' i) -> (forall i, (i < d)%nat -> v i = v' i) ->
  dot d u v = dot d u' v'.
Proof. intros H J. apply total_ext. intros i I. rewrite (H i I), (J i I). reflexivity. Qed.

Definition kronecker (i j : nat) : R := if Nat.eqb i j then 1 else 0.

Lemma total_kronecker n k f : (k < n)%nat -> total n (fun i => kronecker i k * f i) = f k.
Proof.
  intros K. rewrite (total_one n k); [|assumption|].
  - unfold kronecker. rewrite Nat.eqb_refl. ring.
  - intros i _ N. unfold kronecker. destruct (Nat.eqb_spec i k); [contradiction|ring].
Qed.
