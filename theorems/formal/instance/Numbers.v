(** Where the minimiser is, and what the integrals of the slopes are there. Written by `thmverify export`. *)
From Coq Require Import Reals Lra List.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums Plane LogSumExp Gaussian Integrals Loss RankOne Learning Refutation Tactics.
From Instance Require Import Mixture.
Open Scope R_scope.

(** The minimiser is near vv'; the variance is that of v'x in a component. *)
Definition direction : vec := Vec (-1672614683 / 10000000000) (430159861 / 5000000000).
Definition variance : R := (3537789901849347773 / 100000000000000000000).

Definition piece1 : piece := Piece component1 (-627 / 500) (1191 / 1000)
  (Sym (2778201 / 50000000) (-136643 / 4000000) (138429 / 50000000)) (7541 / 2500000000).
Definition piece2 : piece := Piece component2 (739 / 2500) (2553 / 1000)
  (Sym (58529889 / 1000000) (-11305471 / 1000000) (408643 / 1000000)) (15211 / 100000000).
Definition piece3 : piece := Piece component3 (743 / 250) (5229 / 1000)
  (Sym (57582793 / 100000) (-1199829 / 25000) (24999 / 25000)) (1871 / 625000).
Definition pieces : list piece := piece1 :: piece2 :: piece3 :: nil.

Ltac numbers := cbv [Sigma component1 component2 component3 components delta columns
  direction variance piece1 piece2 piece3 pieces]; unfold_theory.
