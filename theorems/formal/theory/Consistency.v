(** Why [Gaussian] speaks of functions of bounded growth only: without that condition [E_line] is contradictory.

    It would give the function 1/density an integral against the density: an integral of 1 over the line. *)
From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Plane Gaussian Integrals.
Open Scope R_scope.

Theorem growth_is_needed (E : (vec -> R) -> R) :
  (forall g, (forall q, continuous g q) -> integral_over_line (fun q => g q * density 0 1 q) (E (fun x => g (vx x))))
    -> False.
Proof.
  intros H.
  assert (Dp : forall q, 0 < density 0 1 q) by (intros; apply density_pos; lra).
  assert (C : forall q, continuous (fun q => / density 0 1 q) q).
  { intros q. apply continuity_pt_filterlim, continuity_pt_inv; [apply density_continuous; lra|apply Rgt_not_eq, Dp]. }
  assert (A := H (fun q => / density 0 1 q) C). set (l := E (fun x => / density 0 1 (vx x))) in A.
  assert (B : integral_over_line (fun _ => 1) l).
  { eapply is_RInt_gen_ext; [|exact A]. exists (fun _ => True) (fun _ => True); try (exists 0; intros; exact I).
    intros x y _ _ q _. simpl. apply Rinv_l, Rgt_not_eq, Dp. }
  assert (P := Rabs_pos l). assert (P' := Rle_abs l).
  assert (T : Rabs (l - RInt (fun _ => 1) (- (Rabs l + 1)) (Rabs l + 1))
    <= l - RInt (fun _ => 1) (- (Rabs l + 1)) (Rabs l + 1)).
  { apply (tail (fun _ => 1) (fun _ => 1) l l); try assumption; try lra; try (intros; apply continuous_const).
    intros. rewrite Rabs_R1. lra. }
  assert (S := Rabs_pos (l - RInt (fun _ => 1) (- (Rabs l + 1)) (Rabs l + 1))).
  rewrite RInt_const in T, S. unfold scal in *; simpl in *. unfold mult in *; simpl in *. lra.
Qed.
