(** InfoNCE does not learn the whole Fisher subspace of this mixture. Written by `thmverify export`. *)
From Coq Require Import Reals Lra List.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums Plane LogSumExp Gaussian Integrals Loss RankOne Learning Refutation Tactics Expectation.
From Instance Require Import Mixture Numbers.
From Instance Require Component1 Component2 Component3.
Open Scope R_scope.

(** Refutation.v says what each number is. *)
Definition lambda : R := 1.
Definition z : R := (431100487 / 10000000000).
Definition eps : R := (3 / 125000).
Definition tolerance : R := (3 / 250000).
Definition spread : R := (2339190181189 / 1225000000000).
Definition step : R := (16629 / 100000000).

Ltac bounds := numbers; cbv [lambda z eps tolerance spread step].

Lemma computed : checks Sigma components delta direction pieces lambda z eps tolerance spread step.
Proof.
  constructor.
  - split; [discriminate|split; [intros k [<-|[<-|[<-|[]]]]|]]; bounds; lra.
  - split; bounds; lra.
  - split; [bounds; lra|apply psd_minors; bounds; repeat split; lra].
  - bounds; lra.
  - reflexivity.
  - intros p [<-|[<-|[<-|[]]]]; [exact Component1.accurate|exact Component2.accurate|exact Component3.accurate].
  - bounds; lra.
  - bounds; lra.
  - intros i j [<-|[<-|[<-|[]]]] [<-|[<-|[<-|[]]]]; bounds; apply Rabs_le; lra.
  - bounds; enclose.
  - bounds; enclose.
  - bounds; enclose.
  - cbv zeta; bounds; enclose.
Qed.

(** Maps f(x) = A'x of least InfoNCE loss exist, and the column space of each of them is a proper subspace of S_F, the
    span of the Sigma^-1 mu_k. *)
Theorem infonce_equality_fails :
  let E := expectation Sigma in
  (exists A, minimiser components delta E columns A) /\
  (forall A, minimiser components delta E columns A -> proper_subspace (span A) (fisher Sigma components)).
Proof.
  assert (G : Gaussian Sigma (expectation Sigma))
    by (apply gaussian; exact (check_covariance _ _ _ _ _ _ _ _ _ _ _ computed)).
  apply (refutation Sigma components delta direction _ G pieces lambda z eps tolerance spread step computed columns
    component1 component2).
  - repeat constructor.
  - left; reflexivity.
  - right; left; reflexivity.
  - numbers; lra.
Qed.
