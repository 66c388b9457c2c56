(** The instance of the certificate
    d7609fe4911a29640ae05902307c4481e6b094dc851ecc795965ef08df0c4007.
    Written by `thmverify export`. *)
From Coq Require Import Reals Lra Lia List.
From Exact Require Import Mixtures Spectral.
Import ListNotations.
Open Scope R_scope.

(** Columns of the maps, dim S_F, components with their weights, and the bias. *)
Definition columns : nat := 2.
Definition m : nat := 2.
Definition K : nat := 3.
Definition delta : R := (7 / 10).
Definition weights : vec := values [(1 / 3); (1 / 3); (1 / 3)].

Lemma weights_are : (forall k, (k < K)%nat -> 0 < weights k) /\ total K weights = 1.
Proof. split; [by_index|arithmetic]. Qed.

(** The coordinates; the means, one in each column; the covariance and its inverse; the columns of `fisher` are the
    Sigma^-1 mu_k, which span S_F. *)
Definition d : nat := 3.
Definition means : mat := entries [[2; (-1); (-1)]; [0; 1; (-1)]; [0; 0; 0]].
Definition Sigma : mat := entries [[2; (1 / 2); 1]; [(1 / 2); 1; 0]; [1; 0; 3]].
Definition inverse : mat := entries [[(12 / 17); (-6 / 17); (-4 / 17)]; [(-6 / 17); (20 / 17); (2 / 17)]; [(-4 / 17); (2 / 17); (7 / 17)]].

Lemma inverse_is : forall i j, (i < d)%nat -> (j < d)%nat ->
  total d (fun k => inverse i k * Sigma k j) = kronecker i j.
Proof. by_indices. Qed.

Definition fisher : mat := directions d means inverse.

Notation moments := (second K weights means Sigma) (only parsing).
Notation pairs := (paired K weights means delta) (only parsing).

(** R, here `moments`, is the sum of the scales_k atoms_k atoms_k', and the atoms span; C, here `pairs`, is that of the
    pair_scales_s (R X_s)(R X_s)'. *)
Definition scales : vec := values [4; (77 / 48); (211 / 77)].
Definition pair_scales : vec := values [(7 / 5); (7 / 15)].
Definition atoms : mat := entries [[1; 0; 0]; [(1 / 8); 1; 0]; [(1 / 4); (-6 / 77); 1]].
Definition dual : mat := entries [[1; (-1 / 8); (-20 / 77)]; [0; 1; (6 / 77)]; [0; 0; 1]].

(** X, a left inverse, and what it is in terms of the Sigma^-1 mu_k and they of it. *)
Definition X : mat := entries [[(60 / 211); (-18 / 211)]; [(-18 / 211); (132 / 211)]; [(-20 / 211); (6 / 211)]].
Definition left : mat := entries [[(33 / 10); (9 / 20)]; [(1 / 2); (5 / 3)]; [(-11 / 10); (-3 / 20)]].
Definition within : mat := entries [[(103 / 422); (159 / 422)]; [(12 / 211); (123 / 211)]; [0; 0]].
Definition back : mat := entries [[(82 / 17); (-53 / 17); (-29 / 17)]; [(-8 / 17); (103 / 51); (-79 / 51)]].

Lemma weighted : forall k, (k < d)%nat -> 0 < scales k.
Proof. by_index. Qed.

Lemma atoms_are : forall i j, (i < d)%nat -> (j < d)%nat ->
  moments i j = total d (fun k => scales k * atoms i k * atoms j k).
Proof. by_indices. Qed.

Lemma spanning : forall i j, (i < d)%nat -> (j < d)%nat ->
  total d (fun k => dual i k * atoms j k) = kronecker j i.
Proof. by_indices. Qed.

Lemma scaled : forall s, (s < m)%nat -> 0 < pair_scales s.
Proof. by_index. Qed.

Lemma factor : forall i j, (i < d)%nat -> (j < d)%nat ->
  pairs i j = total m (fun s => pair_scales s * times d moments (column X s) i * times d moments (column X s) j).
Proof. by_indices. Qed.

Lemma inverted : forall s t, (s < m)%nat -> (t < m)%nat -> dot d (column left s) (column X t) = kronecker t s.
Proof. by_indices. Qed.

Lemma few : (m <= columns)%nat.
Proof. unfold m, columns. lia. Qed.

(** Minimisers exist, and the column space of each is S_F. *)
Theorem spectral_equality_holds :
  (exists A, minimiser d columns moments pairs A) /\
  (forall A, minimiser d columns moments pairs A -> learns d columns K fisher A).
Proof.
  split.
  - exists (best m X pair_scales).
    exact (best_is_best d columns moments pairs d scales atoms weighted atoms_are
      m X pair_scales few scaled factor).
  - intros A M.
    destruct (learns_exactly d columns moments pairs d scales atoms dual weighted atoms_are spanning
      m X left pair_scales few scaled factor inverted A M) as [In Out]. split.
    + intros c L. apply (spanned_trans d m K X); [|exact (In c L)].
      apply (spanned_each d m K fisher within). by_indices.
    + intros k L. apply (spanned_trans d m columns X); [exact Out|].
      apply (spanned_each d K m X back); [by_indices|exact L].
Qed.
