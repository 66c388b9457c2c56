(** The instance of the certificate
    377d066d9ec8a208bc458d85203798ff348489dccb317593aca4699ac2200f03.
    Written by `thmverify export`. *)
From Coq Require Import Reals Lra Lia List.
From Exact Require Import Mixtures Principal.
Import ListNotations.
Open Scope R_scope.

(** Columns of the maps, and components with their weights. *)
Definition columns : nat := 1.
Definition K : nat := 2.
Definition weights : vec := values [(1 / 2); (1 / 2)].

Lemma weights_are : (forall k, (k < K)%nat -> 0 < weights k) /\ total K weights = 1.
Proof. split; [by_index|arithmetic]. Qed.

(** The coordinates; the means, one in each column; the covariance and its inverse; the columns of `fisher` are the
    Sigma^-1 mu_k, which span S_F. *)
Definition d : nat := 2.
Definition means : mat := entries [[2; (-2)]; [0; 0]].
Definition Sigma : mat := entries [[1; 0]; [0; 9]].
Definition inverse : mat := entries [[1; 0]; [0; (1 / 9)]].

Lemma inverse_is : forall i j, (i < d)%nat -> (j < d)%nat ->
  total d (fun k => inverse i k * Sigma k j) = kronecker i j.
Proof. by_indices. Qed.

Definition fisher : mat := directions d means inverse.

(** A direction in S_F, its coefficients, and what it is better turned by: a vector orthogonal to S_F. *)
Definition along : vec := values [2; 0].
Definition coefficients : vec := values [1; 0].
Definition across : vec := values [0; (-2)].

(** No maximiser A of tr A'RA with A'A = I has the column space S_F. *)
Theorem pca_equality_fails A :
  maximiser d columns (second K weights means Sigma) A -> ~ learns d columns K fisher A.
Proof.
  apply (better_across d columns _ K fisher along across).
  - unfold symmetric. by_indices.
  - exists coefficients. by_index.
  - by_index.
  - arithmetic.
  - arithmetic.
Qed.
