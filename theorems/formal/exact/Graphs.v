(** Finite graphs: the spectral contrastive loss is the distance to the normalised adjacency matrix, but for a constant. *)
From Coq Require Import Reals Lra Lia List.
From Exact Require Import Vectors.
Open Scope R_scope.

Section Graph.
Context (n k : nat) (w : mat).

Definition degree (x : nat) : R := total n (w x).
Definition product (f : mat) (x y : nat) : R := total k (fun c => f x c * f y c).

(** |A - FF'|^2 for A = w / sqrt(degree degree) and the rows sqrt(degree) f of F. *)
Definition distance (f : mat) : R := total n (fun x => total n (fun y =>
  (w x y / sqrt (degree x * degree y)
   - total k (fun c => sqrt (degree x) * f x c * (sqrt (degree y) * f y c))) ^ 2)).

Definition contrastive (f : mat) : R :=
  -2 * total n (fun x => total n (fun y => w x y * product f x y))
  + total n (fun x => total n (fun y => degree x * degree y * product f x y ^ 2)).

(** The difference does not depend on f. *)
Theorem graph_equivalence (f : mat) : (forall x, (x < n)%nat -> 0 < degree x) ->
  distance f - contrastive f = total n (fun x => total n (fun y => w x y ^ 2 / (degree x * degree y))).
Proof.
  intros P. unfold contrastive, distance. rewrite <- total_scal.
  rewrite <- (total_plus n (fun x => -2 * total n (fun y => w x y * product f x y))), <- total_minus.
  apply total_ext. intros x X. rewrite <- total_scal.
  rewrite <- (total_plus n (fun y => -2 * (w x y * product f x y))), <- total_minus.
  apply total_ext. intros y Y. assert (A := P x X). assert (B := P y Y).
  replace (total k (fun c => sqrt (degree x) * f x c * (sqrt (degree y) * f y c)))
    with (sqrt (degree x * degree y) * product f x y).
  - assert (D : 0 < degree x * degree y) by (apply Rmult_lt_0_compat; assumption).
    assert (S := sqrt_lt_R0 _ D). assert (Q := sqrt_sqrt _ (Rlt_le _ _ D)).
    set (s := sqrt (degree x * degree y)) in *. rewrite <- Q. field. lra.
  - unfold product. rewrite <- total_scal. apply total_ext. intros c _.
    rewrite sqrt_mult by lra. ring.
Qed.

(** So both have the same minimisers. *)
Corollary same_minimisers (f g : mat) : (forall x, (x < n)%nat -> 0 < degree x) ->
  distance f <= distance g <-> contrastive f <= contrastive g.
Proof. intros P. assert (A := graph_equivalence f P). assert (B := graph_equivalence g P). lra. Qed.
End Graph.
