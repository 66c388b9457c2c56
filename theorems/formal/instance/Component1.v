(** Component 1: the integrals of its slopes. Written by `thmverify export`. *)
From Coq Require Import Reals Lra List.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums Plane LogSumExp Gaussian Integrals Loss RankOne Learning Refutation Tactics.
From Instance Require Import Mixture Numbers.
Open Scope R_scope.

(** The mean of q = v'x; what the profiles are, a row for each component; how well each integral is known; what the
    profiles are at most, of 1 + q^2; and the mass of 1 + q^2 beyond the ends. *)
Definition location : R := (-38948322331 / 1225000000000).
Definition rows_xx : list row := 
  Row (49 / 50) (-38948322331 / 1225000000000) (-147190092104000000000 / 173351705190618040877) (1116354098784167314104 / 212355838858507100074325) ::
  Row (19 / 1000) (7120618593 / 5000000000) (133809174640000000000 / 3537789901849347773) (-202973472506212238928 / 866758525953090204385) ::
  Row (1 / 1000) (20501536057 / 5000000000) (401427523920000000000 / 3537789901849347773) (-608920417518636716784 / 866758525953090204385) ::
  nil.
Definition rows_xy : list row := 
  Row (49 / 50) (-38948322331 / 1225000000000) (92434282366000000000 / 173351705190618040877) (2043532667211924295026 / 212355838858507100074325) ::
  Row (19 / 1000) (7120618593 / 5000000000) (-85551724590000000000 / 3537789901849347773) (-369244877305506550926 / 866758525953090204385) ::
  Row (1 / 1000) (20501536057 / 5000000000) (-223202880110000000000 / 3537789901849347773) (-231695600008614542502 / 173351705190618040877) ::
  nil.
Definition rows_yy : list row := 
  Row (49 / 50) (-38948322331 / 1225000000000) (-8603197220000000000 / 173351705190618040877) (-49327070171097885099 / 42471167771701420014865) ::
  Row (19 / 1000) (7120618593 / 5000000000) (8603197220000000000 / 3537789901849347773) (49327070171097885099 / 866758525953090204385) ::
  Row (1 / 1000) (20501536057 / 5000000000) (8603197220000000000 / 3537789901849347773) (49327070171097885099 / 866758525953090204385) ::
  nil.
Definition width : R := (1 / 500000).
Definition heft : R := 154.
Definition outside : R := (33 / 5000000000).

Ltac constants := cbv [piece1 part left_end right_end value error xx xy yy
  location variance rows_xx rows_xy rows_yy width heft outside].

Lemma location_is : dot direction (mean (part piece1)) = location.
Proof. numbers; constants; lra. Qed.

Lemma variance_is : form Sigma direction = variance.
Proof. numbers; lra. Qed.

Lemma outside_is : 1 + variance + location * location
  - RInt (fun q => (1 + q * q) * density location variance q) (left_end piece1) (right_end piece1) <= outside.
Proof. constants; integrate_moment (-29)%Z. Qed.

Ltac entry rows :=
  apply (near_by _ _ _ _ _ _ rows location variance width heft outside);
  [numbers; constants; same_rows | exact location_is | exact variance_is
  | constants; integrate (-20)%Z | constants; unfold_theory; enclose
  | exact outside_is | constants; lra | numbers; constants; lra].

Lemma accurate : accurate Sigma components direction piece1.
Proof.
  split; [numbers; lra|split; [|split]].
  - entry rows_xx.
  - entry rows_xy.
  - entry rows_yy.
Qed.
