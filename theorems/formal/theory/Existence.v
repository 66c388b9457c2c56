(** A strongly convex function of a positive semidefinite matrix that is bounded below has a minimiser. *)
From Coq Require Import Reals Lra Psatz Classical.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Plane.
Open Scope R_scope.

Lemma entries_by_size M N : let d := size2 (mix2 1 M (-1) N) in
  (xx M - xx N)^2 <= d /\ (xy M - xy N)^2 <= d /\ (yy M - yy N)^2 <= d.
Proof.
  coordinates. assert (X := square_nonneg (1 * xx M + -1 * xx N)). assert (Y := square_nonneg (1 * xy M + -1 * xy N)).
  assert (Z := square_nonneg (1 * yy M + -1 * yy N)). cbv zeta. repeat split; lra.
Qed.

Section Existence.
Variable L : sym -> R.
Variable c : R.
Hypothesis C : 0 < c.
Hypothesis midpoint : forall M N, L (mix2 (1 / 2) M (1 / 2) N) <= (L M + L N) / 2 - c * size2 (mix2 1 M (-1) N) / 8.
Hypothesis below : exists lo, forall M, lo <= L M.
Hypothesis slow : forall M, exists k, 0 <= k /\ forall N,
  L M - k * (Rabs (xx N - xx M) + Rabs (xy N - xy M) + Rabs (yy N - yy M)) <= L N.

Theorem minimiser_exists : exists M, psd M /\ forall N, psd N -> L M <= L N.
Proof.
  destruct below as (lo & LB).
  (* the infimum m *)
  destruct (completeness (fun r => exists M, psd M /\ r = - L M)) as (mm & Mub & Mlub).
  { exists (- lo). intros r (M & _ & ->). specialize (LB M). lra. }
  { exists (- L (outer zero)). exists (outer zero). split; [apply psd_outer|reflexivity]. }
  set (m := - mm).
  assert (Inf : forall M, psd M -> m <= L M).
  { intros M PM. assert (- L M <= mm); [|unfold m; lra]. apply Mub. exists M. auto. }
  assert (Near : forall e, 0 < e -> exists M, psd M /\ L M < m + e).
  { intros e He. apply NNPP. intros N. assert (X : mm <= mm - e); [|lra]. apply Mlub.
    intros r (M & PM & ->). apply Rnot_lt_le. intros Q. apply N. exists M. split; [exact PM|unfold m; lra]. }
  (* near the infimum matrices are near each other *)
  assert (Close : forall e M N, psd M -> psd N -> L M < m + e -> L N < m + e -> c * size2 (mix2 1 M (-1) N) <= 8 * e).
  { intros e M N PM PN QM QN. assert (S := midpoint M N).
    assert (I := Inf _ (psd_mix2 (1 / 2) M (1 / 2) N ltac:(lra) ltac:(lra) PM PN)). lra. }
  (* the filter of the sublevel sets, one for each entry *)
  set (Fl := fun (p : sym -> R) (S : R -> Prop) => exists e, 0 < e /\ forall M, psd M -> L M < m + e -> S (p M)).
  assert (PF : forall p, ProperFilter (Fl p)).
  { intros p. split.
    - intros S (e & He & H). destruct (Near e He) as (M & PM & Q). exists (p M). auto.
    - split.
      + exists 1. split; [lra|auto].
      + intros S S' (e & He & H) (e' & He' & H'). exists (Rmin e e'). split; [apply Rmin_glb_lt; assumption|].
        intros M PM Q. assert (A := Rmin_l e e'). assert (B := Rmin_r e e').
        split; [apply H|apply H']; try assumption; lra.
      + intros S S' I (e & He & H). exists e. split; [exact He|]. auto. }
  assert (CF : forall p, (forall M N, (p M - p N)^2 <= size2 (mix2 1 M (-1) N)) -> cauchy (Fl p)).
  { intros p Hp eps. assert (E0 := cond_pos eps). set (e := c * (eps * eps) / 16).
    assert (EE : 0 < eps * eps) by (apply Rmult_lt_0_compat; exact E0).
    assert (CE : 0 < c * (eps * eps)) by (apply Rmult_lt_0_compat; [exact C|exact EE]).
    assert (He : 0 < e) by (unfold e; lra).
    destruct (Near e He) as (M & PM & Q). exists (p M). exists e. split; [exact He|].
    intros N PN QN. assert (A := Close e M N PM PN Q QN). assert (B := Hp N M).
    assert (S : size2 (mix2 1 N (-1) M) = size2 (mix2 1 M (-1) N)) by (coordinates; ring).
    rewrite S in B. apply Rmult_le_compat_l with (r := c) in B; [|lra].
    change (Rabs (p N - p M) < eps). apply Rabs_lt_between.
    assert (K : c * (p N - p M)^2 < c * (eps * eps)) by (unfold e in A; lra).
    apply Rmult_lt_reg_l in K; [|exact C]. split; nra. }
  assert (Entry : forall p, (forall M N, (p M - p N)^2 <= size2 (mix2 1 M (-1) N)) ->
    forall eps, 0 < eps -> exists e, 0 < e /\ forall M, psd M -> L M < m + e -> Rabs (p M - lim (Fl p)) < eps).
  { intros p Hp eps He. destruct (complete_cauchy (Fl p) (PF p) (CF p Hp) (mkposreal _ He)) as (e & H0 & H). exists e.
    auto. }
  assert (E1 := Entry xx). assert (E2 := Entry xy). assert (E3 := Entry yy).
  set (x := lim (Fl xx)) in *. set (y := lim (Fl xy)) in *. set (z := lim (Fl yy)) in *.
  clearbody x y z. clear Entry CF PF Fl.
  assert (App : forall eps eta, 0 < eps -> 0 < eta -> exists N, psd N /\ L N < m + eta /\
    Rabs (xx N - x) < eps /\ Rabs (xy N - y) < eps /\ Rabs (yy N - z) < eps).
  { intros eps eta He Ht. assert (B := entries_by_size).
    destruct (E1 (fun M N => proj1 (B M N)) eps He) as (e1 & H1 & K1).
    destruct (E2 (fun M N => proj1 (proj2 (B M N))) eps He) as (e2 & H2 & K2).
    destruct (E3 (fun M N => proj2 (proj2 (B M N))) eps He) as (e3 & H3 & K3).
    set (e := Rmin eta (Rmin e1 (Rmin e2 e3))).
    assert (A1 := Rmin_l eta (Rmin e1 (Rmin e2 e3))). assert (A2 := Rmin_r eta (Rmin e1 (Rmin e2 e3))).
    assert (A3 := Rmin_l e1 (Rmin e2 e3)). assert (A4 := Rmin_r e1 (Rmin e2 e3)).
    assert (A5 := Rmin_l e2 e3). assert (A6 := Rmin_r e2 e3).
    assert (E0 : 0 < e) by (unfold e; repeat apply Rmin_glb_lt; assumption).
    destruct (Near e E0) as (N & PN & Q). fold e in A1, A2. exists N. split; [exact PN|]. split; [lra|].
    repeat split; [apply K1|apply K2|apply K3]; try exact PN; lra. }
  clear E1 E2 E3. exists (Sym x y z). split.
  - intros [a b]. apply Rnot_lt_le. intros N.
    set (q := form (Sym x y z) (Vec a b)) in *. set (k := a * a + 2 * Rabs (a * b) + b * b + 1).
    assert (X := square_nonneg a). assert (Y := square_nonneg b). assert (Z := Rabs_pos (a * b)).
    assert (Hk : 1 <= k) by (unfold k; lra).
    destruct (App (- q / k) 1) as (M & PM & _ & D1 & D2 & D3); [apply Rdiv_lt_0_compat; lra|lra|].
    set (eps := - q / k) in *. assert (F := PM (Vec a b)).
    assert (Ek : eps * k = - q) by (unfold eps; field; lra).
    assert (E0 : 0 < eps) by (unfold eps; apply Rdiv_lt_0_compat; lra).
    assert (U1 : a * a * (xx M - x) <= a * a * eps) by (apply Rmult_le_compat_l; [exact X|];
      assert (V := Rle_abs (xx M - x)); lra).
    assert (U3 : b * b * (yy M - z) <= b * b * eps) by (apply Rmult_le_compat_l; [exact Y|];
      assert (V := Rle_abs (yy M - z)); lra).
    assert (U2 : (a * b) * (xy M - y) <= Rabs (a * b) * eps).
    { eapply Rle_trans; [apply Rle_abs|]. rewrite Rabs_mult. apply Rmult_le_compat_l; [exact Z|lra]. }
    unfold k in Ek. unfold q in Ek. coordinates. lra.
  - intros N PN. eapply Rle_trans; [|apply Inf, PN].
    apply le_epsilon. intros eta Ht. destruct (slow (Sym x y z)) as (k & Hk & K).
    destruct (App (eta / (6 * (k + 1))) (eta / 2)) as (M & PM & Q & D1 & D2 & D3); [apply Rdiv_lt_0_compat; lra|lra|].
    specialize (K M). cbn [xx xy yy] in K. set (eps := eta / (6 * (k + 1))) in *.
    assert (Ek : eps * (6 * (k + 1)) = eta) by (unfold eps; field; lra).
    assert (E0 : 0 < eps) by (unfold eps; apply Rdiv_lt_0_compat; lra).
    assert (k * (Rabs (xx M - x) + Rabs (xy M - y) + Rabs (yy M - z)) <= k * (3 * eps)) by (apply Rmult_le_compat_l;
      lra). lra.
Qed.
End Existence.
