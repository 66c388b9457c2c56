(** The mixture of the certificate
    c1b2fc05e9963fa2c9d6c8183833b2e0ea3832f0fc6b7aef74a0d6e2e2297890. Written by `thmverify export`. *)
From Coq Require Import Reals Lra List.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums Plane LogSumExp Gaussian Integrals Loss RankOne Learning Refutation Tactics.
Open Scope R_scope.

(** The covariance of every component, and the components: weight and mean. *)
Definition Sigma : sym := Sym 1 0 1.
Definition component1 : component := Component (49 / 50) (Vec (44 / 245) (-1 / 49)).
Definition component2 : component := Component (19 / 1000) (Vec (-8) 1).
Definition component3 : component := Component (1 / 1000) (Vec (-24) 1).
Definition components : mixture := component1 :: component2 :: component3 :: nil.

(** The probability that both points of a positive pair are of one component, and the columns of the maps. *)
Definition delta : R := 1.
Definition columns : nat := 3.
