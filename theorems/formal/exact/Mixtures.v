(** The matrices of a mixture, and how an instance by value is checked. *)
From Coq Require Import Reals Lra Lia List.
From Exact Require Export Vectors.
Open Scope R_scope.

(** A matrix by its rows, and a vector by its entries. *)
Definition entries (rows : list (list R)) : mat := fun i j => nth j (nth i rows nil) 0.
Definition values (entries : list R) : vec := fun i => nth i entries 0.

Section Mixture.
(** K components with weights w, means the columns of mu, and the covariance Sigma. *)
Context (d K : nat) (w : vec) (mu Sigma inverse : mat).

Definition mean : vec := fun i => total K (fun k => w k * mu i k).
Definition between : mat := fun i j => total K (fun k => w k * mu i k * mu j k).  (* S *)
Definition second : mat := fun i j => Sigma i j + between i j.  (* R = Sigma + S *)
Definition paired (delta : R) : mat := fun i j => delta * between i j + (1 - delta) * (mean i * mean j).  (* C *)

(** The Sigma^-1 mu_k, which span S_F. *)
Definition directions : mat := fun i k => total d (fun j => inverse i j * mu j k).
End Mixture.

(** Statements about all indices, one by one. *)
Fixpoint each (n : nat) (P : nat -> Prop) : Prop := match n with O => True | S n => each n P /\ P n end.

Lemma each_index n P : each n P -> forall i, (i < n)%nat -> P i.
Proof.
  induction n as [|n IH]; intros E i I; [lia|]. destruct E as [E L].
  destruct (Nat.eq_dec i n) as [->|N]; [exact L|apply IH; [exact E|lia]].
Qed.

Lemma each_pair n m P : each n (fun i => each m (P i)) -> forall i j, (i < n)%nat -> (j < m)%nat -> P i j.
Proof. intros E i j I J. apply (each_index m (P i)); [|exact J]. apply (each_index n (fun i => each m (P i)) E i I). Qed.

(** The columns of a are the combinations of those of u with the coefficients x. *)
Lemma spanned_each d r m (u x a : mat) :
  (forall i c, (i < d)%nat -> (c < r)%nat -> a i c = total m (fun s => u i s * x s c)) ->
  forall c, (c < r)%nat -> spanned d m u (column a c).
Proof. intros E c C. exists (column x c). intros i I. apply (E i c I C). Qed.

Ltac arithmetic := cbv -[Rplus Rmult Rminus Ropp Rdiv Rinv IZR Rlt Rle not]; repeat split; lra.
Ltac by_index := apply each_index; arithmetic.
Ltac by_indices := apply each_pair; arithmetic.
