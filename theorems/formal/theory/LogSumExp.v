(** Weighted log-sum-exp over a list: the tangent from below, the tangent plus the square of a range from above. *)
From Coq Require Import Reals Lra Psatz List.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums.
Open Scope R_scope.

Lemma exp_tangent x : 1 + x <= exp x.
Proof.
  destruct (Req_dec x 0) as [->|H]; [rewrite exp_0; lra|].
  apply Rlt_le, exp_ineq1; exact H.
Qed.

Lemma exp_le_quadratic x : x <= 1 -> exp x <= 1 + x + x * x.
Proof.
  intros Hx.
  set (f := fun t => (1 + t + t * t) * exp (- t)).
  assert (D : forall t, is_derive f t (t * (1 - t) * exp (- t))).
  { intros t; unfold f; auto_derive; [exact I|]; ring. }
  assert (F0 : f 0 = 1) by (unfold f; rewrite Ropp_0, exp_0; ring).
  assert (F : 1 <= f x).
  { destruct (MVT_gen f 0 x (fun t => t * (1 - t) * exp (- t))) as (c & Hc & E).
    - intros t _; apply D.
    - intros t _. apply continuity_pt_filterlim, (ex_derive_continuous f). exists (t * (1 - t) * exp (- t)); apply D.
    - rewrite F0 in E. assert (P := exp_pos (- c)).
      unfold Rmin, Rmax in Hc; destruct (Rle_dec 0 x).
      + assert (0 <= c * (1 - c) * exp (- c) * (x - 0)); [|lra].
        repeat apply Rmult_le_pos; lra.
      + assert (0 <= (- c) * (1 - c) * exp (- c) * (0 - x)); [|lra].
        repeat apply Rmult_le_pos; lra. }
  unfold f in F. assert (P := exp_pos x).
  assert (E1 : exp (- x) * exp x = 1) by (rewrite <- exp_plus; replace (- x + x) with 0 by ring; apply exp_0).
  apply Rmult_le_compat_r with (r := exp x) in F; [|lra].
  rewrite Rmult_assoc, E1 in F. lra.
Qed.

Lemma exp_le_gaussian x : exp x <= x + exp (x * x).
Proof.
  destruct (Rle_dec x 1) as [H|H].
  - assert (A := exp_le_quadratic x H). assert (B := exp_tangent (x * x)). lra.
  - assert (exp x < exp (x * x)) by (apply exp_increasing; nra). lra.
Qed.

Section LogSumExp.
Context {T : Type}.
Variables (w : T -> R) (l : list T).

Definition total (z : T -> R) : R := sum (fun k => w k * exp (z k)) l.
Definition lse (z : T -> R) : R := ln (total z).
Definition soft (z : T -> R) (k : T) : R := w k * exp (z k) / total z.
Definition tangent (b d : T -> R) : R := sum (fun k => soft b k * d k) l.

Hypothesis nonempty : l <> nil.
Hypothesis weights : forall k, In k l -> 0 < w k.

Lemma term_pos z k : In k l -> 0 < w k * exp (z k).
Proof. intros K. apply Rmult_lt_0_compat; [auto|apply exp_pos]. Qed.

Lemma total_pos z : 0 < total z.
Proof. apply sum_pos; [exact nonempty|]. apply term_pos. Qed.

Lemma soft_range z k : In k l -> 0 < soft z k <= 1.
Proof.
  intros K. assert (D := total_pos z). assert (P := term_pos z k K). split; [apply Rdiv_lt_0_compat; assumption|].
  apply (Rmult_le_reg_r (total z)); [exact D|]. replace (soft z k * total z) with (w k * exp (z k)) by (unfold soft;
    field; lra). rewrite Rmult_1_l.
  apply (sum_member (fun k => w k * exp (z k))); [|exact K]. intros j J. apply Rlt_le, term_pos, J.
Qed.

Lemma soft_sum z : sum (soft z) l = 1.
Proof. unfold soft, Rdiv. rewrite sum_scal_r. apply Rinv_r, Rgt_not_eq, (total_pos z). Qed.

(** The ratio of two totals, centred at any number. *)
Lemma total_ratio a b c : total a = total b * (exp c * sum (fun k => soft b k * exp (a k - b k - c)) l).
Proof.
  assert (D := total_pos b). rewrite <- sum_scal, <- sum_scal. unfold total at 1. apply sum_ext. intros k _.
  unfold soft. replace (exp (a k)) with (exp (b k) * exp (a k - b k - c) * exp c); [field; lra|].
  rewrite <- !exp_plus. f_equal. ring.
Qed.

Theorem lse_tangent a b : lse b + tangent b (fun k => a k - b k) <= lse a.
Proof.
  assert (D := total_pos b). unfold lse. set (c := tangent b (fun k => a k - b k)).
  rewrite <- (ln_exp c) at 1. rewrite <- ln_mult; [|exact D|apply exp_pos].
  apply ln_le; [apply Rmult_lt_0_compat; [exact D|apply exp_pos]|].
  rewrite (total_ratio a b c). apply Rmult_le_compat_l; [lra|].
  rewrite <- (Rmult_1_r (exp c)) at 1. apply Rmult_le_compat_l; [apply Rlt_le, exp_pos|].
  apply Rle_trans with (sum (fun k => soft b k * (1 + (a k - b k - c))) l).
  - right. symmetry. transitivity (sum (fun k => (1 - c) * soft b k + 1 * (soft b k * (a k - b k))) l).
    + apply sum_ext. intros; ring.
    + rewrite sum_lin, soft_sum. fold (tangent b (fun k => a k - b k)). fold c. ring.
  - apply sum_le. intros k K. apply Rmult_le_compat_l; [apply Rlt_le, soft_range, K|apply exp_tangent].
Qed.

Theorem lse_upper a b r : 0 <= r ->
  (forall j k, In j l -> In k l -> Rabs ((a j - b j) - (a k - b k)) <= r) ->
  lse a <= lse b + tangent b (fun k => a k - b k) + r * r.
Proof.
  intros R0 H. assert (D := total_pos b). assert (DA := total_pos a). unfold lse.
  set (c := tangent b (fun k => a k - b k)).
  replace (ln (total b) + c + r * r) with (ln (total b * (exp c * exp (r * r)))).
  2:{ rewrite !ln_mult, !ln_exp; [ring|apply exp_pos|apply exp_pos|exact D|apply Rmult_lt_0_compat; apply exp_pos]. }
  apply ln_le; [exact DA|]. rewrite (total_ratio a b c).
  apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_l; [apply Rlt_le, exp_pos|].
  apply Rle_trans with (sum (fun k => soft b k * (a k - b k - c + exp (r * r))) l).
  - apply sum_le. intros k K. apply Rmult_le_compat_l; [apply Rlt_le, soft_range, K|].
    assert (C : Rabs (a k - b k - c) <= r).
    { replace (a k - b k - c) with (sum (fun j => soft b j * ((a k - b k) - (a j - b j))) l).
      - eapply Rle_trans; [apply sum_abs|]. rewrite <- (Rmult_1_l r), <- (soft_sum b), <- sum_scal_r.
        apply sum_le. intros j J. destruct (soft_range b j J). rewrite Rabs_mult, (Rabs_pos_eq (soft b j)); [|lra].
        apply Rmult_le_compat_l; [lra|auto].
      - transitivity (sum (fun j => (a k - b k) * soft b j + (-1) * (soft b j * (a j - b j))) l).
        + apply sum_ext. intros; ring.
        + rewrite sum_lin, soft_sum. fold (tangent b (fun k => a k - b k)). fold c. ring. }
    apply Rabs_le_between in C.
    assert (A := exp_le_gaussian (a k - b k - c)).
    assert (exp ((a k - b k - c) * (a k - b k - c)) <= exp (r * r)); [|lra].
    destruct (Rle_lt_or_eq_dec ((a k - b k - c) * (a k - b k - c)) (r * r)) as [Q|Q];
      [nra|apply Rlt_le, exp_increasing, Q|rewrite Q; lra].
  - right. transitivity (sum (fun k => (exp (r * r) - c) * soft b k + 1 * (soft b k * (a k - b k))) l).
    + apply sum_ext. intros; ring.
    + rewrite sum_lin, soft_sum. fold (tangent b (fun k => a k - b k)). fold c. ring.
Qed.

Lemma tangent_abs b d : Rabs (tangent b d) <= sum (fun k => Rabs (d k)) l.
Proof.
  eapply Rle_trans; [apply sum_abs|]. apply sum_le. intros k K. destruct (soft_range b k K).
  rewrite Rabs_mult, (Rabs_pos_eq (soft b k)); [|lra]. assert (P := Rabs_pos (d k)). nra.
Qed.

Lemma lse_abs z : sum w l = 1 -> Rabs (lse z) <= sum (fun k => Rabs (z k)) l.
Proof.
  intros W. assert (Z : lse (fun _ => 0) = 0).
  { unfold lse. replace (total (fun _ => 0)) with 1; [apply ln_1|].
    rewrite <- W. apply sum_ext. intros k _. rewrite exp_0. ring. }
  assert (A := lse_tangent z (fun _ => 0)). assert (B := lse_tangent (fun _ => 0) z). rewrite Z in A, B.
  assert (TA := tangent_abs (fun _ => 0) (fun k => z k - 0)). assert (TB := tangent_abs z (fun k => 0 - z k)).
  apply Rabs_le_between in TA, TB.
  assert (SA : sum (fun k => Rabs (z k - 0)) l = sum (fun k => Rabs (z k)) l) by (apply sum_ext; intros; f_equal; ring).
  assert (SB : sum (fun k => Rabs (0 - z k)) l = sum (fun k => Rabs (z k)) l)
    by (apply sum_ext; intros; rewrite <- Rabs_Ropp; f_equal; ring).
  apply Rabs_le. lra.
Qed.
End LogSumExp.
