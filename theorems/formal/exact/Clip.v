(** CLIP learns W = A B' alone, so what its theorem says of the factors fails: with a column to spare one of them can be
    anything. *)
From Coq Require Import Reals Lra Lia List FunctionalExtensionality Classical_Prop.
From Exact Require Import Vectors.
Open Scope R_scope.

Section Clip.
Context (p q r : nat).  (* coordinates of images and of texts, columns of the maps *)

(** The similarity of an image and a text under the maps A and B. *)
Definition similarity (a b : mat) (x y : vec) : R := total r (fun c => dot p (column a c) x * dot q (column b c) y).

(** The loss as it is written down. Whatever the expectations are, of a pair, an image, a text: it sees the maps through
    the similarity. *)
Context (pair : (vec -> vec -> R) -> R) (image text : (vec -> R) -> R).

Definition clip (a b : mat) : R :=
  -2 * pair (similarity a b)
  + image (fun x => ln (text (fun y => exp (similarity a b x y))))
  + text (fun y => ln (image (fun x => exp (similarity a b x y)))).

Definition minimiser (a b : mat) : Prop := forall a' b', clip a b <= clip a' b'.

Definition within (d m : nat) (basis a : mat) : Prop := forall c, (c < r)%nat -> spanned d m basis (column a c).

Definition weights (a b : mat) (i j : nat) : R := total r (fun c => a i c * b j c).

Lemma similarity_weights a b x y : similarity a b x y = total p (fun i => total q (fun j => weights a b i j * (x i * y j))).
Proof.
  unfold similarity, dot, weights.
  transitivity (total r (fun c => total p (fun i => total q (fun j => a i c * b j c * (x i * y j))))).
  - apply total_ext. intros c _. rewrite <- total_scal_r. apply total_ext. intros i _. rewrite <- total_scal.
    apply total_ext. intros j _. unfold column. ring.
  - rewrite total_swap. apply total_ext. intros i _. rewrite total_swap. apply total_ext. intros j _.
    rewrite <- total_scal_r. reflexivity.
Qed.

(** Maps with the same W are equally good. *)
Lemma clip_weights a b a' b' :
  (forall i j, (i < p)%nat -> (j < q)%nat -> weights a b i j = weights a' b' i j) -> clip a b = clip a' b'.
Proof.
  intros H. assert (S : similarity a b = similarity a' b').
  - extensionality x. extensionality y. rewrite !similarity_weights.
    apply total_ext. intros i I. apply total_ext. intros j J. rewrite (H i j I J). reflexivity.
  - unfold clip. rewrite S. reflexivity.
Qed.

(** Factors in the spans of the columns of u (m of them) and v (n) have W = u Y v'. *)
Lemma weights_within m n u v a b : within p m u a -> within q n v b ->
  exists y : mat, forall i j, (i < p)%nat -> (j < q)%nat ->
    weights a b i j = total m (fun s => total n (fun t => u i s * y s t * v j t)).
Proof.
  intros A B. assert (C : forall (d m : nat) (u a : mat), within d m u a ->
    exists z : mat, forall i c, (i < d)%nat -> (c < r)%nat -> a i c = total m (fun s => u i s * z s c)).
  - clear. intros d m u a A. unfold within in A. induction r as [|r' IH].
    + exists (fun _ _ => 0). intros i c _ L. lia.
    + destruct IH as [z Z]; [intros c L; apply A; lia|]. destruct (A r') as [z' Z']; [lia|].
      exists (fun s c => if Nat.eq_dec c r' then z' s else z s c). intros i c I L.
      destruct (Nat.eq_dec c r') as [->|N]; [apply (Z' i I)|apply Z; lia].
  - destruct (C _ _ _ _ A) as [z Z]. destruct (C _ _ _ _ B) as [z' Z'].
    exists (fun s t => total r (fun c => z s c * z' t c)). intros i j I J. unfold weights.
    transitivity (total r (fun c => total m (fun s => total n (fun t => u i s * z s c * (z' t c * v j t))))).
    + apply total_ext. intros c L. rewrite (Z i c I L), (Z' j c J L), <- total_scal_r. apply total_ext. intros s _.
      rewrite <- total_scal. apply total_ext. intros t _. ring.
    + rewrite total_swap. apply total_ext. intros s _. rewrite total_swap. apply total_ext. intros t _.
      rewrite <- total_scal, <- total_scal_r. apply total_ext. intros c _. ring.
Qed.
End Clip.

(** A W of k < r columns leaves a column for any vector e. *)
Lemma spare p q r pair image text m u e a b k f g : (k < r)%nat -> ~ spanned p m u e ->
  minimiser p q r pair image text a b ->
  (forall i j, (i < p)%nat -> (j < q)%nat -> weights r a b i j = total k (fun c => f i c * g j c)) ->
  exists a' b', minimiser p q r pair image text a' b' /\ ~ within r p m u a'.
Proof.
  intros L E M W.
  set (a' := fun i c => if Nat.ltb c k then f i c else if Nat.eqb c k then e i else 0).
  set (b' := fun j c : nat => if Nat.ltb c k then g j c else 0).
  exists a', b'. split.
  - intros a'' b''. rewrite <- (clip_weights p q r pair image text a b a' b'); [apply M|].
    intros i j I J. rewrite (W i j I J). unfold weights.
    rewrite (total_split k r) by (lia || (intros c C; unfold b'; destruct (Nat.ltb_spec c k); [lia|ring])).
    apply total_ext. intros c C. unfold a', b'. destruct (Nat.ltb_spec c k); [reflexivity|lia].
  - intros A. apply E. destruct (A k L) as [z Z]. exists z. intros i I. rewrite <- (Z i I). unfold column, a'.
    destruct (Nat.ltb_spec k k); [lia|]. rewrite Nat.eqb_refl. reflexivity.
Qed.

(** If images or texts have a subspace of fewer than r dimensions, and e is outside that of the images, then a minimiser
    whose image factor is not inside exists with any minimiser. *)
Theorem images_leave p q r pair image text m n u v e : (m < r \/ n < r)%nat -> ~ spanned p m u e ->
  (exists a b, minimiser p q r pair image text a b) ->
  exists a b, minimiser p q r pair image text a b /\ ~ (within r p m u a /\ within r q n v b).
Proof.
  intros L E (a & b & M). destruct (classic (within r p m u a /\ within r q n v b)) as [[A B]|N];
    [|exists a, b; split; assumption].
  destruct (weights_within p q r m n u v a b A B) as [y Y].
  enough (S : exists a' b', minimiser p q r pair image text a' b' /\ ~ within r p m u a')
    by (destruct S as (a' & b' & M' & O); exists a', b'; tauto).
  destruct L as [L|L].
  - apply (spare p q r pair image text m u e a b m u (fun j s => total n (fun t => y s t * v j t)) L E M).
    intros i j I J. rewrite (Y i j I J). apply total_ext. intros s _. rewrite <- total_scal. apply total_ext. intros; ring.
  - apply (spare p q r pair image text m u e a b n (fun i t => total m (fun s => u i s * y s t)) v L E M).
    intros i j I J. rewrite (Y i j I J), total_swap. apply total_ext. intros t _. rewrite <- total_scal_r. reflexivity.
Qed.

(** The same for the texts' factor, by exchanging the modalities. *)
Theorem texts_leave p q r pair image text m n u v e : (m < r \/ n < r)%nat -> ~ spanned q n v e ->
  (exists a b, minimiser p q r pair image text a b) ->
  exists a b, minimiser p q r pair image text a b /\ ~ (within r p m u a /\ within r q n v b).
Proof.
  intros L E [a [b M]].
  set (riap := fun f : vec -> vec -> R => pair (fun x y => f y x)).
  assert (S : forall a b, clip q p r riap text image b a = clip p q r pair image text a b).
  - intros a' b'. unfold clip, riap.
    assert (T : forall x y, similarity q p r b' a' y x = similarity p q r a' b' x y)
      by (intros; apply total_ext; intros; ring).
    replace (fun x y => similarity q p r b' a' y x) with (similarity p q r a' b')
      by (extensionality x; extensionality y; symmetry; apply T).
    replace (similarity q p r b' a') with (fun y x => similarity p q r a' b' x y)
      by (extensionality y; extensionality x; symmetry; apply T).
    ring.
  - destruct (images_leave q p r riap text image n m v u e) as (b' & a' & M' & N); [tauto|exact E| |].
    + exists b, a. intros b'' a''. rewrite !S. apply M.
    + exists a', b'. split; [|tauto]. intros a'' b''. rewrite <- !S. apply M'.
Qed.
