(** Integrals over the line: the normal density has mass one, and continuous functions that something integrable
    dominates are integrable. *)
From Coq Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From Interval Require Import Missing.Coquelicot Integral.Integral.
From InfoNCE Require Import Plane Gaussian Integrals.
Open Scope R_scope.

Definition bell (t : R) : R := exp (- (t * t)).
Definition area (x : R) : R := RInt bell 0 x.
Definition rest (x : R) : R := RInt (fun t => exp (- (x * x * (1 + t * t))) / (1 + t * t)) 0 1.

Lemma bell_continuous q : continuous bell q.
Proof. apply continuity_pt_filterlim. unfold bell. reg. Qed.

Lemma bell_integrable a b : ex_RInt bell a b.
Proof. apply (ex_RInt_continuous (V := R_CompleteNormedModule)). intros. apply bell_continuous. Qed.

Lemma area_derivative x : is_derive area x (bell x).
Proof.
  apply (is_derive_RInt bell area 0 x); [|apply bell_continuous].
  apply filter_forall. intros y. apply (RInt_correct (V := R_CompleteNormedModule)), bell_integrable.
Qed.

Lemma positive t : 0 < 1 + t * t.
Proof. assert (A := square_nonneg t). lra. Qed.

Lemma rest_integrand_derivative x t :
  is_derive (fun x => exp (- (x * x * (1 + t * t))) / (1 + t * t)) x (- 2 * x * exp (- (x * x * (1 + t * t)))).
Proof. assert (A := positive t). auto_derive; [exact I|]. field. lra. Qed.

Lemma rest_integrable x : ex_RInt (fun t => exp (- (x * x * (1 + t * t))) / (1 + t * t)) 0 1.
Proof.
  apply (ex_RInt_continuous (V := R_CompleteNormedModule)). intros t _. assert (A := positive t).
  apply continuity_pt_filterlim. reg. lra.
Qed.

Lemma rest_derivative x : is_derive rest x (- 2 * bell x * area x).
Proof.
  replace (- 2 * bell x * area x) with
    (RInt (fun t => Derive (fun u => exp (- (u * u * (1 + t * t))) / (1 + t * t)) x) 0 1).
  - apply (is_derive_RInt_param (fun u t => exp (- (u * u * (1 + t * t))) / (1 + t * t))).
    + apply filter_forall. intros y t _. eexists. apply rest_integrand_derivative.
    + intros t _. apply (continuity_2d_pt_ext (fun u v => - 2 * u * exp (- (u * u * (1 + v * v))))).
      * intros u v. symmetry. apply is_derive_unique, rest_integrand_derivative.
      * apply continuity_2d_pt_mult.
        { apply continuity_2d_pt_mult; [apply continuity_2d_pt_const|apply continuity_2d_pt_id1]. }
        apply (continuity_1d_2d_pt_comp exp); [apply derivable_continuous_pt, derivable_pt_exp|].
        apply continuity_2d_pt_opp. repeat (apply continuity_2d_pt_mult || apply continuity_2d_pt_plus);
          try apply continuity_2d_pt_id1; try apply continuity_2d_pt_id2; apply continuity_2d_pt_const.
    + apply filter_forall. intros y. apply rest_integrable.
  - rewrite (RInt_ext _ (fun t => scal (- 2 * bell x) (scal x (bell (x * t + 0))))).
    + rewrite (RInt_scal (V := R_CompleteNormedModule)).
      * assert (C := RInt_comp_lin (V := R_CompleteNormedModule) bell x 0 0 1 (bell_integrable _ _)).
        assert (E0 : x * 0 + 0 = 0) by ring. assert (E1 : x * 1 + 0 = x) by ring. rewrite E0, E1 in C.
        unfold area. rewrite <- C. reflexivity.
      * apply (ex_RInt_comp_lin (V := R_CompleteNormedModule) bell x 0 0 1). apply bell_integrable.
    + intros t _. etransitivity; [apply is_derive_unique, rest_integrand_derivative|].
      unfold scal; simpl. unfold mult; simpl.
      unfold bell. replace (- (x * x * (1 + t * t))) with (- (x * x) + - ((x * t + 0) * (x * t + 0))) by ring.
      rewrite exp_plus. ring.
Qed.

Lemma rest_zero : rest 0 = PI / 4.
Proof.
  rewrite <- atan_1. replace (atan 1) with (atan 1 - atan 0) by (rewrite atan_0; ring). unfold rest.
  apply (is_RInt_unique (V := R_CompleteNormedModule)).
  apply (is_RInt_ext (fun t => / (1 + t * t))).
  { intros t _. replace (- (0 * 0 * (1 + t * t))) with 0 by ring. rewrite exp_0.
    symmetry. apply Rmult_1_l. }
  apply (is_RInt_derive atan).
  - intros t _. auto_derive; [exact I|]. unfold Rsqr. field. apply Rgt_not_eq. assert (A := positive t). lra.
  - intros t _. assert (A := positive t). apply continuity_pt_filterlim. reg. lra.
Qed.

(** The square of the area is pi/4 less something that is at most exp (- x^2). *)
Lemma area_square x : area x * area x + rest x = PI / 4.
Proof.
  assert (D : forall y, is_derive (fun y => area y * area y + rest y) y 0).
  { intros y. replace 0 with ((bell y * area y + area y * bell y) + - 2 * bell y * area y) by ring.
    apply (is_derive_plus (fun y => area y * area y) rest); [|apply rest_derivative].
    apply (is_derive_mult area area); [apply area_derivative|apply area_derivative|intros; apply Rmult_comm]. }
  assert (Z : area 0 * area 0 + rest 0 = PI / 4).
  { assert (A : area 0 = 0) by exact (RInt_point 0 bell). rewrite A, rest_zero. ring. }
  rewrite <- Z. destruct (MVT_gen (fun y => area y * area y + rest y) 0 x (fun _ => 0)) as (c & _ & E).
  - intros y _. apply D.
  - intros y _. apply continuity_pt_filterlim, (ex_derive_continuous (fun y => area y * area y + rest y)). exists 0.
    apply D.
  - lra.
Qed.

Lemma rest_bounds x : 0 <= rest x <= exp (- (x * x)).
Proof.
  assert (B : forall t, 0 <= exp (- (x * x * (1 + t * t))) / (1 + t * t) <= exp (- (x * x))).
  { intros t. assert (A := positive t). assert (X := square_nonneg x). assert (T := square_nonneg t).
    assert (E := exp_pos (- (x * x * (1 + t * t)))). split.
    - apply Rlt_le, Rdiv_lt_0_compat; lra.
    - apply (Rmult_le_reg_r (1 + t * t)); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
      assert (L : exp (- (x * x * (1 + t * t))) <= exp (- (x * x))).
      { assert (M := Rmult_le_pos _ _ X T). destruct (Req_dec (x * x * (t * t)) 0) as [Z|Z]; [right; f_equal; lra|].
        apply Rlt_le, exp_increasing. lra. }
      assert (0 < exp (- (x * x))) by apply exp_pos. nra. }
  split.
  - apply (Rle_trans _ (RInt (fun _ => 0) 0 1)); [rewrite RInt_const; unfold scal; simpl; unfold mult; simpl; lra|].
    apply RInt_le; [lra|apply (ex_RInt_const (V := R_NormedModule))|apply rest_integrable|]. intros t _. apply B.
  - apply (Rle_trans _ (RInt (fun _ => exp (- (x * x))) 0 1)).
    + apply RInt_le; [lra|apply rest_integrable|apply (ex_RInt_const (V := R_NormedModule))|]. intros t _. apply B.
    + rewrite RInt_const. unfold scal; simpl; unfold mult; simpl. lra.
Qed.

Lemma area_nonneg x : 0 <= x -> 0 <= area x.
Proof.
  intros X. apply (Rle_trans _ (RInt (fun _ => 0) 0 x)); [rewrite RInt_const; unfold scal; simpl; unfold mult; simpl;
    lra|].
  apply RInt_le; [exact X|apply (ex_RInt_const (V := R_NormedModule))|apply bell_integrable|].
  intros t _. apply Rlt_le, exp_pos.
Qed.

(** The area under the bell over a half line is sqrt pi / 2. *)
Lemma area_limit e : 0 < e -> exists M, forall x, M < x -> Rabs (area x - sqrt PI / 2) < e.
Proof.
  intros He. assert (Pi := PI_RGT_0). assert (S := sqrt_lt_R0 PI Pi). assert (Sq := sqrt_sqrt PI ltac:(lra)).
  set (h := sqrt PI / 2) in *. assert (H0 : 0 < h) by (unfold h; lra).
  assert (HH : h * h = PI / 4) by (unfold h; lra).
  exists (1 + / (h * e)). intros x Hx.
  assert (I0 : 0 < / (h * e)) by (apply Rinv_0_lt_compat, Rmult_lt_0_compat; assumption).
  assert (A := area_nonneg x ltac:(lra)). assert (Q := area_square x). assert (B := rest_bounds x).
  assert (E : exp (- (x * x)) < h * e).
  { rewrite exp_Ropp, <- (Rinv_inv (h * e)). apply Rinv_lt_contravar.
    - apply Rmult_lt_0_compat; [exact I0|apply exp_pos].
    - assert (T := exp_ineq1_le (x * x)). nra. }
  assert (F : (h - area x) * (h + area x) = rest x) by lra.
  apply Rabs_lt_between. split; [|nra].
  destruct (Rle_dec 0 (h - area x)) as [N|N]; nra.
Qed.

Lemma area_odd x : area (- x) = - area x.
Proof.
  assert (D : forall y, is_derive (fun y => area y + area (- y)) y 0).
  { intros y. replace 0 with (bell y + - 1 * bell (- y)) by (unfold bell; replace (- y * - y) with (y * y) by ring;
      ring).
    apply (is_derive_plus area (fun y => area (- y))); [apply area_derivative|].
    apply (is_derive_comp area Ropp); [apply area_derivative|]. auto_derive; [exact I|ring]. }
  assert (A : area 0 = 0) by exact (RInt_point 0 bell).
  destruct (MVT_gen (fun y => area y + area (- y)) 0 x (fun _ => 0)) as (c & _ & E).
  - intros y _. apply D.
  - intros y _. apply continuity_pt_filterlim, (ex_derive_continuous (fun y => area y + area (- y))). exists 0. apply D.
  - rewrite Ropp_0, A in E. lra.
Qed.

(** The distribution function, less a half. *)
Definition distribution (m s2 q : R) : R := area ((q - m) / sqrt (2 * s2)) / sqrt PI.

Lemma distribution_derivative m s2 q : 0 < s2 -> is_derive (distribution m s2) q (density m s2 q).
Proof.
  intros S. assert (Pi := PI_RGT_0). assert (Sp := sqrt_lt_R0 PI Pi). assert (Sr := sqrt_lt_R0 (2 * s2) ltac:(lra)).
  replace (density m s2 q) with (/ sqrt (2 * s2) * bell ((q - m) / sqrt (2 * s2)) * / sqrt PI).
  - unfold distribution, Rdiv. apply (is_derive_ext (fun q => / sqrt PI * area ((q - m) / sqrt (2 * s2)))).
    { intros t. apply Rmult_comm. }
    rewrite (Rmult_comm _ (/ sqrt PI)). apply (is_derive_scal (fun q => area ((q - m) / sqrt (2 * s2)))).
    apply (is_derive_comp area (fun q => (q - m) / sqrt (2 * s2))); [apply area_derivative|].
    auto_derive; [exact I|]. field. lra.
  - unfold density, bell, Rdiv. replace (2 * PI * s2) with (PI * (2 * s2)) by ring.
    rewrite (sqrt_mult PI (2 * s2)) by lra.
    replace ((q - m) * / sqrt (2 * s2) * ((q - m) * / sqrt (2 * s2))) with ((q - m) * (q - m) * / (2 * s2)).
    + field. lra.
    + rewrite <- (sqrt_sqrt (2 * s2)) at 1 by lra. field. lra.
Qed.

Lemma distribution_limit m s2 e : 0 < s2 -> 0 < e -> exists M, forall q,
  (M < q -> Rabs (distribution m s2 q - 1 / 2) < e) /\ (q < - M -> Rabs (distribution m s2 q + 1 / 2) < e).
Proof.
  intros S He. assert (Pi := PI_RGT_0). assert (Sp := sqrt_lt_R0 PI Pi). assert (Sr := sqrt_lt_R0 (2 * s2) ltac:(lra)).
  destruct (area_limit (e * sqrt PI)) as (M & H); [apply Rmult_lt_0_compat; assumption|].
  set (r := sqrt (2 * s2)) in *. set (p := sqrt PI) in *. exists (Rabs (M * r) + Rabs m). intros q.
  assert (A := Rle_abs (M * r)). assert (B := Rle_abs m). assert (B' := Rle_abs (- m)). rewrite Rabs_Ropp in B'.
  assert (Step : forall a b, Rabs (a - p / 2) < e * p -> b = a / p -> Rabs (b - 1 / 2) < e).
  { intros a b Ha ->. replace (a / p - 1 / 2) with ((a - p / 2) / p) by (field; lra).
    unfold Rdiv at 1. rewrite Rabs_mult, (Rabs_pos_eq (/ p)) by (apply Rlt_le, Rinv_0_lt_compat, Sp).
    apply (Rmult_lt_reg_r p); [exact Sp|]. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra. exact Ha. }
  assert (Far : forall t, M * r < t -> M < t / r).
  { intros t Ht. apply (Rmult_lt_reg_r r); [exact Sr|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
    exact Ht. }
  split; intros Hq.
  - apply (Step (area ((q - m) / r))); [|reflexivity]. apply H, Far. lra.
  - rewrite <- Rabs_Ropp. replace (- (distribution m s2 q + 1 / 2)) with (- distribution m s2 q - 1 / 2) by ring.
    apply (Step (area ((m - q) / r))).
    + apply H, Far. lra.
    + unfold distribution. fold r p. replace ((q - m) / r) with (- ((m - q) / r)) by (field; lra). rewrite area_odd.
      field. lra.
Qed.

(** The normal density has mass one. *)
Theorem density_mass m s2 : 0 < s2 -> integral_over_line (density m s2) 1.
Proof.
  intros S. assert (D := fun q => distribution_derivative m s2 q S). unfold integral_over_line.
  apply (is_RInt_gen_ext (Derive (distribution m s2))).
  { exists (fun _ => True) (fun _ => True); try (exists 0; intros; exact I). intros x y _ _ q _.
    apply is_derive_unique, D. }
  replace 1 with (1 / 2 - - (1 / 2)) by field. apply is_RInt_gen_Derive.
  - exists (fun _ => True) (fun _ => True); try (exists 0; intros; exact I). intros x y _ _ q _. eexists. apply D.
  - exists (fun _ => True) (fun _ => True); try (exists 0; intros; exact I). intros x y _ _ q _.
    apply (continuous_ext (density m s2)); [intros; symmetry; apply is_derive_unique, D|].
    apply continuity_pt_filterlim, density_continuous, S.
  - apply filterlim_locally. intros e. destruct (distribution_limit m s2 e S (cond_pos e)) as (M & H).
    exists (- M). intros q Hq. change (Rabs (distribution m s2 q - - (1 / 2)) < e).
    replace (distribution m s2 q - - (1 / 2)) with (distribution m s2 q + 1 / 2) by ring. apply H, Hq.
  - apply filterlim_locally. intros e. destruct (distribution_limit m s2 e S (cond_pos e)) as (M & H).
    exists M. intros q Hq. apply H, Hq.
Qed.

(** What is dominated by something integrable is integrable. *)
Theorem dominated f h i : (forall q, continuous f q) -> (forall q, continuous h q) -> (forall q, Rabs (f q) <= h q) ->
  integral_over_line h i -> exists j, integral_over_line f j.
Proof.
  intros Cf Ch B Hh.
  assert (ef : forall x y, ex_RInt f x y) by (intros; apply (ex_RInt_continuous f); intros; apply Cf).
  assert (eh : forall x y, ex_RInt h x y) by (intros; apply (ex_RInt_continuous h); intros; apply Ch).
  assert (D : forall u v, Rabs (RInt f u v) <= Rabs (RInt h u v)).
  { assert (D0 : forall u v, u <= v -> Rabs (RInt f u v) <= Rabs (RInt h u v)).
    { intros u v Huv. eapply Rle_trans; [apply abs_RInt_le; auto|]. eapply Rle_trans; [|apply Rle_abs].
      apply RInt_le; auto.
      apply (ex_RInt_continuous (fun q => Rabs (f q))). intros q _.
      apply (continuous_comp f Rabs); [apply Cf|apply continuous_Rabs]. }
    intros u v. destruct (Rle_dec u v) as [H|H]; [auto|].
    rewrite <- (opp_RInt_swap f v u), <- (opp_RInt_swap h v u) by auto. unfold opp; simpl. rewrite !Rabs_Ropp.
    apply D0. lra. }
  assert (Small : forall e : posreal, exists M, forall u v,
    (M < u -> M < v -> Rabs (RInt h u v) <= e) /\ (u < - M -> v < - M -> Rabs (RInt h u v) <= e)).
  { intros e. assert (E0 := cond_pos e). assert (He2 : 0 < e / 2) by lra. set (e2 := mkposreal _ He2).
    destruct (Hh (ball i e2)) as [Q1 R1 [M1 q1] [N1 r1] H1]; [exists e2; intros z Hz; exact Hz|].
    assert (Near : forall x y, x < M1 -> N1 < y -> Rabs (RInt h x y - i) < e / 2).
    { intros x y Hx Hy. destruct (H1 x y (q1 x Hx) (r1 y Hy)) as (z & Hz & Bz). simpl in Hz.
      apply (is_RInt_unique h) in Hz. rewrite Hz. exact Bz. }
    exists (Rmax N1 (- M1)). intros u v. assert (A1 := Rmax_l N1 (- M1)). assert (A2 := Rmax_r N1 (- M1)).
    split; intros Hu Hv.
    - assert (X := Near (M1 - 1) u ltac:(lra) ltac:(lra)). assert (Y := Near (M1 - 1) v ltac:(lra) ltac:(lra)).
      rewrite <- (RInt_Chasles h (M1 - 1) u v) in Y by auto. change (plus ?a ?b) with (a + b) in Y.
      apply Rabs_lt_between in X, Y. apply Rabs_le. lra.
    - assert (X := Near u (N1 + 1) ltac:(lra) ltac:(lra)). assert (Y := Near v (N1 + 1) ltac:(lra) ltac:(lra)).
      rewrite <- (RInt_Chasles h u v (N1 + 1)) in X by auto. change (plus ?a ?b) with (a + b) in X.
      apply Rabs_lt_between in X, Y. apply Rabs_le. lra. }
  apply (@RInt_gen.ex_RInt_gen_Chasles R_NormedModule _ _ _ _ f 0).
  - apply (proj2 (@ex_RInt_gen_cauchy_left R_CompleteNormedModule (Rbar_locally m_infty) _ 0 f)). split.
    + exists (fun _ => True) (fun _ => True); [exists 0; auto|exact I|intros; apply ef].
    + intros e. destruct (Small e) as (M & HM). exists (fun u => u < - M). split; [exists (- M); auto|].
      intros u v Hu Hv J HJ. apply (is_RInt_unique f) in HJ. rewrite <- HJ.
      change (Rabs (RInt f u v) <= e). eapply Rle_trans; [apply D|apply (proj2 (HM u v)); assumption].
  - apply (proj2 (@ex_RInt_gen_cauchy R_CompleteNormedModule (Rbar_locally p_infty) _ 0 f)). split.
    + exists (fun _ => True) (fun _ => True); [exact I|exists 0; auto|intros; apply ef].
    + intros e. destruct (Small e) as (M & HM). exists (fun u => M < u). split; [exists M; auto|].
      intros u v Hu Hv J HJ. apply (is_RInt_unique f) in HJ. rewrite <- HJ.
      change (Rabs (RInt f u v) <= e). eapply Rle_trans; [apply D|apply (proj1 (HM u v)); assumption].
Qed.
