(** Fisher's criterion is largest exactly on the subspaces that contain S_F. *)
From Coq Require Import Reals Lra Lia List.
From InfoNCE Require Import Sums.
From Exact Require Import Vectors.
Open Scope R_scope.

Section Fisher.
(** The covariance, positive definite; weights w; b_k = Sigma^-1 mu_k, the columns of b, so that mu_k = Sigma b_k. *)
Context (d r K : nat) (Sigma : mat) (w : nat -> R) (b : mat).
Context (Sym : symmetric d Sigma) (Pos : positive d Sigma) (Weights : forall k, (k < K)%nat -> 0 < w k).

(** A has r columns; H is the inverse of A' Sigma A. *)
Context (A H : mat).
Context (Inverse : forall c e, (c < r)%nat -> (e < r)%nat ->
  total r (fun l => form d Sigma (column A c) (column A l) * H l e) = kronecker c e).

Definition mean (k : nat) : vec := times d Sigma (column b k).
Definition seen (k c : nat) : R := dot d (column A c) (mean k).

(** J(A) = tr[(A' Sigma A)^-1 A'SA], S the sum of the w_k mu_k mu_k'; and tr[Sigma^-1 S]. *)
Definition criterion : R := total K (fun k => w k * total r (fun c => total r (fun e => H c e * seen k e) * seen k c)).
Definition bound : R := total K (fun k => w k * dot d (column b k) (mean k)).

Let h k c := total r (fun e => H c e * seen k e).
Let y k := times r A (h k).

Lemma image k v : form d Sigma (y k) v = total r (fun c => h k c * form d Sigma (column A c) v).
Proof. apply form_times_l. Qed.

Lemma projected k c : (c < r)%nat -> form d Sigma (y k) (column A c) = seen k c.
Proof.
  intros C. rewrite image.
  transitivity (total r (fun l => total r (fun e => seen k e * (form d Sigma (column A c) (column A l) * H l e)))).
  - apply total_ext. intros l _. unfold h. rewrite <- total_scal_r. apply total_ext. intros e _.
    rewrite (form_swap d Sigma (column A l) (column A c) Sym). ring.
  - rewrite total_swap. transitivity (total r (fun e => kronecker e c * seen k e)).
    + apply total_ext. intros e E. rewrite total_scal, (Inverse c e C E). unfold kronecker. rewrite Nat.eqb_sym. ring.
    + apply total_kronecker, C.
Qed.

Let q k := total r (fun c => h k c * seen k c).

Lemma gap k : form d Sigma (fun i => column b k i + (-1) * y k i) (fun i => column b k i + (-1) * y k i)
  = dot d (column b k) (mean k) - q k.
Proof.
  rewrite form_plus_l, !form_plus_r, !form_scal_l, !form_scal_r.
  rewrite (form_swap d Sigma (column b k) (y k) Sym).
  assert (B : form d Sigma (y k) (column b k) = q k) by apply image.
  assert (Y : form d Sigma (y k) (y k) = q k).
  { rewrite image. apply total_ext. intros c C. rewrite (form_swap d Sigma (column A c) (y k) Sym), projected by exact C.
    reflexivity. }
  rewrite B, Y. unfold mean. fold (form d Sigma (column b k) (column b k)). ring.
Qed.

Lemma gaps : bound - criterion = total K (fun k => w k * (dot d (column b k) (mean k) - q k)).
Proof. unfold bound, criterion. rewrite <- total_minus. apply total_ext. intros; unfold q, h; ring. Qed.

Theorem fisher_bound : criterion <= bound.
Proof.
  enough (0 <= bound - criterion) by lra. rewrite gaps. apply total_nonneg. intros k I.
  apply Rmult_le_pos; [apply Rlt_le, Weights, I|]. rewrite <- gap. apply Pos.
Qed.

(** With equality exactly when every Sigma^-1 mu_k is in the column space of A. *)
Theorem fisher_optimality : criterion = bound <-> forall k, (k < K)%nat -> spanned d r A (column b k).
Proof.
  split.
  - intros E k I. exists (h k). intros i J.
    assert (Z : w k * (dot d (column b k) (mean k) - q k) = 0).
    { apply (total_null K (fun k => w k * (dot d (column b k) (mean k) - q k))); [|rewrite <- gaps, E; ring|exact I].
      intros l L. apply Rmult_le_pos; [apply Rlt_le, Weights, L|]. rewrite <- gap. apply Pos. }
    apply Rmult_integral in Z. destruct Z as [Z|Z]; [assert (P := Weights k I); lra|].
    rewrite <- gap in Z. assert (V := proj2 (Pos _) Z i J). simpl in V. unfold y in V. lra.
  - intros S. enough (bound - criterion = 0) by lra. rewrite gaps.
    transitivity (total K (fun _ => 0)); [|apply sum_zero]. apply total_ext. intros k I.
    enough (dot d (column b k) (mean k) - q k = 0) as -> by ring.
    assert (B : form d Sigma (y k) (column b k) = q k) by apply image.
    destruct (S k I) as [z Z].
    assert (X : forall v, form d Sigma v (column b k) = total r (fun c => z c * form d Sigma v (column A c))).
    { intros v. rewrite form_swap by exact Sym. rewrite (form_ext d Sigma _ (times r A z) v v Z) by reflexivity.
      rewrite form_times_l. apply total_ext. intros c _. rewrite (form_swap d Sigma _ v Sym). reflexivity. }
    rewrite <- B. unfold mean. fold (form d Sigma (column b k) (column b k)). rewrite !X, <- total_minus.
    transitivity (total r (fun _ => 0)); [|apply sum_zero]. apply total_ext. intros c C.
    rewrite projected by exact C. unfold seen, mean. fold (form d Sigma (column A c) (column b k)).
    rewrite (form_swap d Sigma (column b k) _ Sym). ring.
Qed.
End Fisher.
