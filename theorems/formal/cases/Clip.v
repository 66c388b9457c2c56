(** The instance of the certificate
    05a32b435c0253526aff62aebe0b02ecc76ebab443d4c653691297a8ce4203f3.
    Written by `thmverify export`. *)
From Coq Require Import Reals Lra Lia List.
From Exact Require Import Mixtures Clip.
Import ListNotations.
Open Scope R_scope.

(** Columns of the maps, components, and the dimensions of both S_F. *)
Definition columns : nat := 2.
Definition K : nat := 2.
Definition m : nat := 1.
Definition n : nat := 1.

(** Images. The coordinates; the means, one in each column; the covariance and its inverse; the columns of `fisher` are the
    Sigma^-1 mu_k, which span S_F. *)
Definition p : nat := 2.
Definition image_means : mat := entries [[1; (-1)]; [0; 0]].
Definition image_Sigma : mat := entries [[1; 0]; [0; 1]].
Definition image_inverse : mat := entries [[1; 0]; [0; 1]].

Lemma image_inverse_is : forall i j, (i < p)%nat -> (j < p)%nat ->
  total p (fun k => image_inverse i k * image_Sigma k j) = kronecker i j.
Proof. by_indices. Qed.

Definition image_fisher : mat := directions p image_means image_inverse.
Definition image_basis : mat := entries [[1]; [0]].
Definition image_change : mat := entries [[1; (-1)]].

(** Texts. *)
Definition q : nat := 2.
Definition text_means : mat := entries [[1; (-1)]; [0; 0]].
Definition text_Sigma : mat := entries [[1; 0]; [0; 1]].
Definition text_inverse : mat := entries [[1; 0]; [0; 1]].

Lemma text_inverse_is : forall i j, (i < q)%nat -> (j < q)%nat ->
  total q (fun k => text_inverse i k * text_Sigma k j) = kronecker i j.
Proof. by_indices. Qed.

Definition text_fisher : mat := directions q text_means text_inverse.
Definition text_basis : mat := entries [[1]; [0]].
Definition text_change : mat := entries [[1; (-1)]].

(** A vector that is orthogonal to S_F of the images. *)
Definition normal : vec := values [0; (-1)].

(** Whatever the expectations are: if a minimiser exists, there is one that does not have both column spaces inside. *)
Theorem clip_literal_fails (pair : (vec -> vec -> R) -> R) (image text : (vec -> R) -> R) :
  (exists a b, minimiser p q columns pair image text a b) ->
  exists a b, minimiser p q columns pair image text a b /\
    ~ (within columns p K image_fisher a /\ within columns q K text_fisher b).
Proof.
  intros M.
  destruct (images_leave p q columns pair image text m n image_basis text_basis normal) as (a & b & B & N).
  - left. unfold m, n, columns. lia.
  - apply (outside p _ _ normal); [by_index|arithmetic].
  - exact M.
  - exists a, b. split; [exact B|]. intros [A T]. apply N. split; intros c C.
    + apply (spanned_trans p K m image_fisher); [|apply A, C].
      apply (spanned_each p K m image_basis image_change). by_indices.
    + apply (spanned_trans q K n text_fisher); [|apply T, C].
      apply (spanned_each q K n text_basis text_change). by_indices.
Qed.
