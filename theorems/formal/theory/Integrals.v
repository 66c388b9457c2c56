(** Expectations of functions of one linear form, enclosed by proper integrals.

    What is beyond the ends of the interval is bounded by the second moment that is beyond them, which is the known
    whole less a proper integral: tails need no estimate of their own. *)
From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums Plane Gaussian.
Open Scope R_scope.

(** An improper integral lies near a proper one; the error is read off a dominating function. *)
Lemma tail (f h : R -> R) (If Ih a b : R) : a <= b ->
  (forall q, continuous f q) -> (forall q, continuous h q) -> (forall q, Rabs (f q) <= h q) ->
  is_RInt_gen f (Rbar_locally m_infty) (Rbar_locally p_infty) If ->
  is_RInt_gen h (Rbar_locally m_infty) (Rbar_locally p_infty) Ih ->
  Rabs (If - RInt f a b) <= Ih - RInt h a b.
Proof.
  intros Hab Cf Ch B HF HH.
  assert (ef : forall x y, ex_RInt f x y) by (intros; apply (ex_RInt_continuous f); intros; apply Cf).
  assert (eh : forall x y, ex_RInt h x y) by (intros; apply (ex_RInt_continuous h); intros; apply Ch).
  apply le_epsilon. intros eps He.
  assert (He2 : 0 < eps / 2) by lra. set (e := mkposreal _ He2).
  destruct (HF (ball If e)) as [Q1 R1 [M1 q1] [N1 r1] H1]; [exists e; intros z Hz; exact Hz|].
  destruct (HH (ball Ih e)) as [Q2 R2 [M2 q2] [N2 r2] H2]; [exists e; intros z Hz; exact Hz|].
  set (x := Rmin a (Rmin M1 M2) - 1). set (y := Rmax b (Rmax N1 N2) + 1).
  assert (X : x < a /\ x < M1 /\ x < M2).
  { assert (A1 := Rmin_l a (Rmin M1 M2)). assert (A2 := Rmin_r a (Rmin M1 M2)). assert (A3 := Rmin_l M1 M2).
    assert (A4 := Rmin_r M1 M2). unfold x. lra. }
  assert (Y : b < y /\ N1 < y /\ N2 < y).
  { assert (A1 := Rmax_l b (Rmax N1 N2)). assert (A2 := Rmax_r b (Rmax N1 N2)). assert (A3 := Rmax_l N1 N2).
    assert (A4 := Rmax_r N1 N2). unfold y. lra. }
  destruct (H1 x y) as (u & Hu & Bu); [apply q1; lra|apply r1; lra|].
  destruct (H2 x y) as (z & Hz & Bz); [apply q2; lra|apply r2; lra|]. simpl in Hu, Hz.
  apply (is_RInt_unique f) in Hu. apply (is_RInt_unique h) in Hz.
  assert (S : forall g, (forall x y, ex_RInt g x y) -> RInt g x y = RInt g x a + RInt g a b + RInt g b y).
  { intros g eg. rewrite <- (RInt_Chasles g x b y), <- (RInt_Chasles g x a b); auto. }
  assert (Sf := S f ef). assert (Sh := S h eh).
  assert (D : forall c d, c <= d -> Rabs (RInt f c d) <= RInt h c d).
  { intros c d Hcd. eapply Rle_trans; [apply abs_RInt_le; auto|]. apply RInt_le; auto.
    apply (ex_RInt_continuous (fun q => Rabs (f q))). intros q _.
    apply (continuous_comp f Rabs); [apply Cf|apply continuous_Rabs]. }
  assert (D1 := D x a). assert (D2 := D b y).
  assert (D1' : Rabs (RInt f x a) <= RInt h x a) by (apply D1; lra).
  assert (D2' : Rabs (RInt f b y) <= RInt h b y) by (apply D2; lra).
  change (Rabs (u - If) < eps / 2) in Bu. change (Rabs (z - Ih) < eps / 2) in Bz.
  apply Rabs_lt_between in Bu, Bz. apply Rabs_le_between in D1', D2'.
  apply Rabs_le. lra.
Qed.

(** The mass of 1 + q^2 between a and b, for q ~ N(m, s2); the whole is 1 + s2 + m^2. *)
Definition moment (m s2 a b : R) : R := RInt (fun q => (1 + q * q) * density m s2 q) a b.

Theorem expectation_near Sigma E mu v g c a b : Gaussian Sigma E -> pos_def Sigma -> 0 < form Sigma v -> 0 <= c -> a
  <= b ->
  Dom (fun x => g (dot v x)) -> (forall q, continuity_pt g q) -> (forall q, Rabs (g q) <= c * (1 + q * q)) ->
  let m := dot v mu in let s2 := form Sigma v in
  Rabs (E mu (fun x => g (dot v x)) - RInt (fun q => g q * density m s2 q) a b)
    <= c * (1 + s2 + m * m - moment m s2 a b).
Proof.
  intros G P V Hc Hab D C B m s2.
  assert (D2 := Dom_lin 1 _ 1 _ (Dom_const 1) (Dom_square v)).
  assert (D3 : Dom (fun x => (fun q => c * (1 + q * q)) (dot v x))).
  { apply Dom_ext with (fun x => c * (1 * 1 + 1 * (dot v x * dot v x)) + 0 * 1); [intros; ring|].
    apply Dom_lin; [exact D2|apply Dom_const]. }
  assert (H := E_line _ _ G mu v (fun q => c * (1 + q * q)) V D3).
  assert (EH : E mu (fun x => c * (1 + dot v x * dot v x)) = c * (1 + s2 + m * m)).
  { transitivity (c * E mu (fun x => 1 * 1 + 1 * (dot v x * dot v x))).
    - rewrite <- (E_scal Sigma E G); [|exact D2]. apply E_ext. intros; ring.
    - rewrite (E_lin _ _ G); [|apply Dom_const|apply Dom_square]. rewrite (E_one _ _ G), (E_square Sigma E G P).
      unfold s2, m. ring. }
  simpl in H. rewrite EH in H.
  assert (Hg := E_line _ _ G mu v g V D). fold m s2 in H, Hg.
  replace (c * (1 + s2 + m * m - moment m s2 a b))
    with (c * (1 + s2 + m * m) - RInt (fun q => c * (1 + q * q) * density m s2 q) a b).
  - apply (tail (fun q => g q * density m s2 q) (fun q => c * (1 + q * q) * density m s2 q));
      [exact Hab| | | |exact Hg|exact H].
    + intros q. apply continuity_pt_filterlim, continuity_pt_mult; [apply C|apply density_continuous, V].
    + intros q. apply continuity_pt_filterlim, continuity_pt_mult; [reg|apply density_continuous, V].
    + intros q. assert (Dp := density_pos m s2 q V). rewrite Rabs_mult, (Rabs_pos_eq (density m s2 q)); [|lra].
      apply Rmult_le_compat_r; [lra|apply B].
  - rewrite Rmult_minus_distr_l. f_equal. unfold moment. rewrite <- (RInt_scal (V := R_CompleteNormedModule)).
    + apply RInt_ext. intros q _. unfold scal; simpl. unfold mult; simpl. ring.
    + apply (ex_RInt_continuous (V := R_CompleteNormedModule)). intros q _.
      apply continuity_pt_filterlim, continuity_pt_mult; [reg|apply density_continuous, V].
Qed.
