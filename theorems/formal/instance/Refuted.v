(** InfoNCE does not learn the whole Fisher subspace of this mixture. Written by `thmverify export`. *)
From Coq Require Import Reals Lra List.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums Plane LogSumExp Gaussian Integrals Loss RankOne Learning Refutation Tactics.
From Instance Require Import Mixture Numbers.
From Instance Require Component1 Component2 Component3.
Open Scope R_scope.

Lemma computed : checks Sigma components delta direction pieces lambda z eps tolerance spread step.
Proof.
  constructor.
  - split; [discriminate|split; [intros k [<-|[<-|[<-|[]]]]|]]; numbers; lra.
  - split; numbers; lra.
  - split; [numbers; lra|apply psd_minors; numbers; repeat split; lra].
  - numbers; lra.
  - reflexivity.
  - intros p [<-|[<-|[<-|[]]]]; [exact Component1.accurate|exact Component2.accurate|exact Component3.accurate].
  - numbers; lra.
  - numbers; lra.
  - intros i j [<-|[<-|[<-|[]]]] [<-|[<-|[<-|[]]]]; numbers; apply Rabs_le; lra.
  - numbers; enclose.
  - numbers; enclose.
  - numbers; enclose.
  - cbv zeta; numbers; enclose.
Qed.

(** Let E be the expectation of N(mu, Sigma). Maps f(x) = A'x of least InfoNCE loss exist, and the column space of each
    of them is a proper subspace of S_F, the span of the Sigma^-1 mu_k. *)
Theorem infonce_equality_fails (E : vec -> (vec -> R) -> R) : Gaussian Sigma E ->
  (exists A, minimiser components delta E columns A) /\
  (forall A, minimiser components delta E columns A -> proper_subspace (span A) (fisher Sigma components)).
Proof.
  intros G.
  apply (refutation Sigma components delta direction E G pieces lambda z eps tolerance spread step computed columns
    component1 component2).
  - repeat constructor.
  - left; reflexivity.
  - right; left; reflexivity.
  - numbers; lra.
Qed.
