(** Integrals over the plane: an integral over the line of integrals over lines, in whichever order.

    The functions here are continuous, and fall as fast as exp (- c (x^2 + y^2)) for some c > 0. So every integral
    exists, and one over the plane is near one over a large square, where the order is known not to matter. *)
From Coq Require Import Reals Lra Psatz FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Interval Require Integral.Integral.
From InfoNCE Require Import Sums Plane Gaussian Integrals Line.
Open Scope R_scope.

Definition line (f : R -> R) : R := RInt_gen f (Rbar_locally m_infty) (Rbar_locally p_infty).
Definition plane (F : R -> R -> R) : R := line (fun x => line (F x)).

Definition decay (c t : R) : R := exp (- (c * (t * t))).

(** Continuous, and at most k exp (- c t^2). *)
Definition below (k c : R) (f : R -> R) : Prop :=
  0 <= k /\ 0 < c /\ (forall t, continuous f t) /\ forall t, Rabs (f t) <= k * decay c t.
Definition below2 (k c : R) (F : R -> R -> R) : Prop :=
  0 <= k /\ 0 < c /\ (forall x y, continuity_2d_pt F x y) /\ forall x y, Rabs (F x y) <= k * decay c x * decay c y.
Definition falls (F : R -> R -> R) : Prop := exists k c, below2 k c F.

(** * On the line *)

Lemma line_is f i : integral_over_line f i -> line f = i.
Proof. intros H. exact (@is_RInt_gen_unique R_CompleteNormedModule _ _ _ _ f i H). Qed.

Lemma integral_ext f g i : (forall t, f t = g t) -> integral_over_line f i -> integral_over_line g i.
Proof.
  intros H. apply is_RInt_gen_ext. exists (fun _ => True) (fun _ => True); try (exists 0; intros; exact I).
  intros x y _ _ t _. apply H.
Qed.

Lemma line_ext f g : (forall t, f t = g t) -> line f = line g.
Proof. intros H. f_equal. apply functional_extensionality, H. Qed.

Lemma integral_scal k f i : integral_over_line f i -> integral_over_line (fun t => k * f t) (k * i).
Proof. intros H. exact (@is_RInt_gen_scal R_NormedModule _ _ _ _ f k i H). Qed.

Lemma integral_plus f g i j : integral_over_line f i -> integral_over_line g j ->
  integral_over_line (fun t => f t + g t) (i + j).
Proof. intros F G. exact (@is_RInt_gen_plus R_NormedModule _ _ _ _ f g i j F G). Qed.

Lemma exp_le x y : x <= y -> exp x <= exp y.
Proof.
  intros H. destruct (Rle_lt_or_eq_dec _ _ H) as [L|L]; [apply Rlt_le, exp_increasing, L|right; f_equal; exact L].
Qed.

Lemma decay_pos c t : 0 < decay c t.
Proof. apply exp_pos. Qed.

Lemma decay_one c t : 0 < c -> decay c t <= 1.
Proof.
  intros C. rewrite <- exp_0. unfold decay. assert (T := square_nonneg t).
  assert (X := Rmult_le_pos _ _ (Rlt_le _ _ C) T).
  apply exp_le. lra.
Qed.

Lemma decay_continuous c t : continuous (decay c) t.
Proof. apply continuity_pt_filterlim. unfold decay. reg. Qed.

Lemma continuous_integrable (f : R -> R) a b : (forall t, continuous f t) -> ex_RInt f a b.
Proof. intros C. apply (ex_RInt_continuous (V := R_CompleteNormedModule)). intros. apply C. Qed.

(** The whole mass of the decay, and the mass beyond -n and n. *)
Definition mass (c : R) : R := line (decay c).
Definition outside (c n : R) : R := mass c - RInt (decay c) (- n) n.

Lemma decay_mass c : 0 < c -> integral_over_line (decay c) (mass c).
Proof.
  intros C. assert (S : 0 < / (2 * c)) by (apply Rinv_0_lt_compat; lra). assert (Rt := root_pos _ S).
  assert (H := integral_scal (sqrt (2 * PI * / (2 * c))) _ _ (density_mass 0 (/ (2 * c)) S)).
  apply (integral_ext _ (decay c)) in H.
  - unfold mass. rewrite (line_is _ _ H). exact H.
  - intros t. unfold density, decay. replace ((t - 0) * (t - 0) / (2 * / (2 * c))) with (c * (t * t)) by (field; lra).
    field. lra.
Qed.

Section Below.
Variables (k c : R) (f : R -> R).
Hypothesis B : below k c f.

Lemma scaled_decay_continuous t : continuous (fun t => k * decay c t) t.
Proof. apply (continuous_scal_r k (decay c)), decay_continuous. Qed.

Lemma below_integral : integral_over_line f (line f).
Proof.
  destruct B as (K & C & Cf & D).
  destruct (dominated f (fun t => k * decay c t) (k * mass c) Cf scaled_decay_continuous D) as (i & H).
  - apply integral_scal, decay_mass, C.
  - rewrite (line_is _ _ H). exact H.
Qed.

(** What is beyond -n and n is at most k times the mass of the decay there. *)
Lemma line_near n : 0 <= n -> Rabs (line f - RInt f (- n) n) <= k * outside c n.
Proof.
  intros N. assert (H := below_integral). destruct B as (K & C & Cf & D). unfold outside.
  replace (k * (mass c - RInt (decay c) (- n) n)) with (k * mass c - RInt (fun t => k * decay c t) (- n) n).
  - apply tail; [lra|exact Cf|exact scaled_decay_continuous|exact D|exact H|apply integral_scal, decay_mass, C].
  - rewrite Rmult_minus_distr_l. f_equal. apply (RInt_scal (V := R_CompleteNormedModule)).
    apply continuous_integrable, decay_continuous.
Qed.

Lemma line_abs : Rabs (line f) <= k * mass c.
Proof.
  assert (H := line_near 0 (Rle_refl 0)). unfold outside in H. rewrite Ropp_0, !RInt_point in H.
  unfold zero in H; simpl in H. rewrite !Rminus_0_r in H. exact H.
Qed.
End Below.

Lemma below_decay c : 0 < c -> below 1 c (decay c).
Proof.
  intros C. repeat split; [lra|exact C|apply decay_continuous|]. intros t. assert (P := decay_pos c t).
  rewrite Rabs_pos_eq; lra.
Qed.

Lemma mass_nonneg c : 0 < c -> 0 <= mass c.
Proof. intros C. assert (H := line_abs 1 c _ (below_decay c C)). assert (A := Rabs_pos (line (decay c))). lra. Qed.

Lemma outside_nonneg c n : 0 < c -> 0 <= n -> 0 <= outside c n.
Proof.
  intros C N. assert (H := line_near 1 c _ (below_decay c C) n N).
  assert (A := Rabs_pos (line (decay c) - RInt (decay c) (- n) n)). lra.
Qed.

Lemma outside_small c e : 0 < c -> 0 < e -> exists n, 0 <= n /\ outside c n < e.
Proof.
  intros C He. set (p := mkposreal e He).
  destruct (decay_mass c C (ball (mass c) p)) as [Q1 R1 [M q] [N r] H]; [exists p; intros z Hz; exact Hz|].
  set (n := Rmax 0 (Rmax (- M) N) + 1).
  assert (A1 := Rmax_l 0 (Rmax (- M) N)). assert (A2 := Rmax_r 0 (Rmax (- M) N)). assert (A3 := Rmax_l (- M) N).
  assert (A4 := Rmax_r (- M) N). exists n. split; [unfold n; lra|].
  destruct (H (- n) n) as (z & Hz & Bz); [apply q; unfold n; lra|apply r; unfold n; lra|]. simpl in Hz.
  apply (is_RInt_unique (decay c)) in Hz. unfold outside. rewrite Hz.
  change (Rabs (z - mass c) < e) in Bz. apply Rabs_lt_between in Bz. lra.
Qed.

Lemma integral_le f g i j : integral_over_line f i -> integral_over_line g j -> (forall t, f t <= g t) ->
  i <= j.
Proof.
  intros F G H. apply (@Integral.Integral.RInt_gen_le (Rbar_locally m_infty) (Rbar_locally p_infty) _ _ f g i j).
  - exists (fun x => x < 0) (fun y => 0 < y); [exists 0; auto|exists 0; auto|]. simpl. intros; lra.
  - exists (fun _ => True) (fun _ => True); try (exists 0; intros; exact I). intros x y _ _ t _. apply H.
  - exact F.
  - exact G.
Qed.

(** Integrals are the same along filters that are finer. *)
Lemma integral_finer (f : R -> R) (A B C D : (R -> Prop) -> Prop) i :
  (forall P, A P -> C P) -> (forall P, B P -> D P) -> is_RInt_gen f A B i -> is_RInt_gen f C D i.
Proof.
  intros AC BD. apply filterlimi_filter_le_1. intros P [Q R q r H]. exists Q R; auto.
Qed.

Lemma integral_substitution (f : R -> R) (A B : (R -> Prop) -> Prop) a b i :
  is_RInt_gen f (filtermap (fun t => a * t + b) A) (filtermap (fun t => a * t + b) B) i ->
  is_RInt_gen (fun t => a * f (a * t + b)) A B i.
Proof.
  intros H P HP. destruct (H P HP) as [Q R q r X].
  exists (fun t => Q (a * t + b)) (fun t => R (a * t + b)); [exact q|exact r|]. intros x y Hx Hy.
  destruct (X _ _ Hx Hy) as (z & Z & PZ). exists z. split; [|exact PZ].
  apply (is_RInt_comp_lin (V := R_NormedModule) f a b x y z), Z.
Qed.

(** The integral of f (a t + b). *)
Lemma integral_affine f i a b : a <> 0 -> integral_over_line f i ->
  integral_over_line (fun t => Rabs a * f (a * t + b)) i.
Proof.
  intros A H. unfold integral_over_line in *.
  assert (Up : 0 < a -> forall M t, (M - b) / a < t -> M < a * t + b).
  { intros P M t T. apply (Rmult_lt_compat_l a) in T; [|exact P].
    replace (a * ((M - b) / a)) with (M - b) in T by (field; exact A). lra. }
  assert (Down : a < 0 -> forall M t, (M - b) / a < t -> a * t + b < M).
  { intros P M t T. apply (Rmult_lt_compat_l (- a)) in T; [|lra].
    replace (- a * ((M - b) / a)) with (b - M) in T by (field; exact A). lra. }
  assert (Up' : 0 < a -> forall M t, t < (M - b) / a -> a * t + b < M).
  { intros P M t T. apply (Rmult_lt_compat_l a) in T; [|exact P].
    replace (a * ((M - b) / a)) with (M - b) in T by (field; exact A). lra. }
  assert (Down' : a < 0 -> forall M t, t < (M - b) / a -> M < a * t + b).
  { intros P M t T. apply (Rmult_lt_compat_l (- a)) in T; [|lra].
    replace (- a * ((M - b) / a)) with (b - M) in T by (field; exact A). lra. }
  destruct (Rlt_dec 0 a) as [P|P].
  - rewrite Rabs_pos_eq by lra. apply integral_substitution.
    refine (integral_finer f _ _ _ _ i _ _ H); intros Q [M q]; exists ((M - b) / a); intros t T; apply q; auto.
  - assert (P' : a < 0) by lra. rewrite Rabs_left by exact P'. rewrite <- (Ropp_involutive i).
    apply (is_RInt_gen_ext (fun t => - (a * f (a * t + b)))).
    { exists (fun _ => True) (fun _ => True); try (exists 0; intros; exact I). intros; simpl; ring. }
    apply (@is_RInt_gen_opp R_NormedModule _ _ _ _ (fun t => a * f (a * t + b)) (- i)).
    apply integral_substitution.
    refine (integral_finer f (Rbar_locally p_infty) (Rbar_locally m_infty) _ _ (- i) _ _ _).
    + intros Q [M q]; exists ((M - b) / a); intros t T; apply q; auto.
    + intros Q [M q]; exists ((M - b) / a); intros t T; apply q; auto.
    + exact (@is_RInt_gen_swap R_NormedModule _ _ _ _ f i H).
Qed.

(** * Over rectangles *)

Section Rectangles.
Variable F : R -> R -> R.
Hypothesis C : forall x y, continuity_2d_pt F x y.

Lemma slice_continuous x y : continuous (F x) y.
Proof.
  apply continuity_pt_filterlim. intros e He. destruct (C x y (mkposreal e He)) as (d & H). exists d.
  split; [apply cond_pos|]. intros z (_ & Z). apply (H x z); [|exact Z].
  unfold Rminus. rewrite Rplus_opp_r, Rabs_R0. apply cond_pos.
Qed.

Lemma slices_integral_continuous a b x : continuous (fun x => RInt (F x) a b) x.
Proof.
  assert (H : forall a b, a <= b -> continuous (fun x => RInt (F x) a b) x).
  { clear a b. intros a b Hab. apply filterlim_locally. intros e. assert (E := cond_pos e).
    assert (E' : 0 < e / (b - a + 1)) by (apply Rdiv_lt_0_compat; lra).
    destruct (uniform_continuity_2d_1d' F a b x (fun t _ => C x t) (mkposreal _ E')) as (d & D). cbn [pos] in D.
    exists d. intros z Z. change (Rabs (z - x) < d) in Z. change (Rabs (RInt (F z) a b - RInt (F x) a b) < e).
    assert (I : forall z, ex_RInt (F z) a b) by (intros; apply continuous_integrable, slice_continuous).
    rewrite <- (RInt_minus (V := R_CompleteNormedModule) (F z) (F x)) by apply I.
    apply Rabs_lt_between in Z. assert (Dp := cond_pos d).
    apply Rle_lt_trans with ((b - a) * (e / (b - a + 1))).
    - apply abs_RInt_le_const; [exact Hab|apply (ex_RInt_minus (V := R_NormedModule)); apply I|].
      intros t T. apply Rlt_le. apply (D t x t z); try lra. unfold Rminus. rewrite Rplus_opp_r, Rabs_R0. exact Dp.
    - replace ((b - a) * (e / (b - a + 1))) with (e - e / (b - a + 1)) by (field; lra). lra. }
  destruct (Rle_dec a b) as [L|L]; [apply H, L|].
  apply (continuous_ext (fun x => opp (RInt (F x) b a))).
  - intros z. apply (opp_RInt_swap (V := R_CompleteNormedModule)), continuous_integrable, slice_continuous.
  - apply (continuous_opp (V := R_NormedModule) (fun x => RInt (F x) b a)), H. lra.
Qed.

Lemma primitive_derivative (f : R -> R) a t : (forall t, continuous f t) -> is_derive (fun t => RInt f a t) t (f t).
Proof.
  intros Cf. apply (is_derive_RInt f (fun t => RInt f a t) a t); [|apply Cf]. apply filter_forall. intros u.
  apply (RInt_correct (V := R_CompleteNormedModule)), continuous_integrable, Cf.
Qed.

End Rectangles.

Lemma swapped_continuous F : (forall x y, continuity_2d_pt F x y) ->
  forall x y, continuity_2d_pt (fun x y => F y x) x y.
Proof. intros C x y e. destruct (C y x e) as (d & H). exists d. intros u v U V. apply H; assumption. Qed.

(** The order does not matter: both sides have the same derivative in d. *)
Theorem rectangle F a b c d : (forall x y, continuity_2d_pt F x y) ->
  RInt (fun x => RInt (F x) c d) a b = RInt (fun y => RInt (fun x => F x y) a b) c d.
Proof.
  intros C. assert (C' := swapped_continuous F C).
  assert (D1 : forall t, is_derive (fun t => RInt (fun x => RInt (F x) c t) a b) t (RInt (fun x => F x t) a b)).
  { intros t. rewrite (RInt_ext (fun x => F x t) (fun x => Derive (fun u => RInt (F x) c u) t)).
    - apply (is_derive_RInt_param (fun t x => RInt (F x) c t)).
      + apply filter_forall. intros u x _. eexists. apply primitive_derivative, slice_continuous, C.
      + intros x _. apply (continuity_2d_pt_ext (fun u v => F v u)); [|apply C'].
        intros u v. symmetry. apply is_derive_unique, primitive_derivative, slice_continuous, C.
      + apply filter_forall. intros u. apply continuous_integrable. intros. apply slices_integral_continuous, C.
    - intros x _. symmetry. apply is_derive_unique, primitive_derivative, slice_continuous, C. }
  assert (D2 : forall t,
    is_derive (fun t => RInt (fun y => RInt (fun x => F x y) a b) c t) t (RInt (fun x => F x t) a b)).
  { intros t. apply (primitive_derivative (fun y => RInt (fun x => F x y) a b)).
    intros. apply (slices_integral_continuous (fun y x => F x y)), C'. }
  set (D := fun t => RInt (fun x => RInt (F x) c t) a b - RInt (fun y => RInt (fun x => F x y) a b) c t).
  assert (DD : forall t, is_derive D t 0).
  { intros t. replace 0 with (RInt (fun x => F x t) a b - RInt (fun x => F x t) a b) by ring.
    apply (is_derive_minus (V := R_NormedModule) _ _ t _ _ (D1 t) (D2 t)). }
  assert (Z : D c = 0).
  { unfold D. rewrite (RInt_ext _ (fun _ => 0)); [|intros; exact (RInt_point c (F x))].
    replace (RInt (fun y => RInt (fun x => F x y) a b) c c) with 0 by (symmetry; exact (RInt_point c _)).
    rewrite RInt_const. unfold scal; simpl. unfold mult; simpl. ring. }
  destruct (MVT_gen D c d (fun _ => 0)) as (m & _ & E).
  - intros t _. apply DD.
  - intros t _. apply continuity_pt_filterlim, (ex_derive_continuous D). exists 0. apply DD.
  - unfold D in E at 1. lra.
Qed.

(** * Over the plane *)

Section Planes.
Variables (k c : R) (F : R -> R -> R).
Hypothesis B : below2 k c F.

Let K : 0 <= k := proj1 B.
Let Cp : 0 < c := proj1 (proj2 B).
Let C : forall x y, continuity_2d_pt F x y := proj1 (proj2 (proj2 B)).
Let D : forall x y, Rabs (F x y) <= k * decay c x * decay c y := proj2 (proj2 (proj2 B)).

Lemma below_slice x : below (k * decay c x) c (F x).
Proof.
  repeat split; [|exact Cp|apply slice_continuous, C|apply D].
  apply Rmult_le_pos; [exact K|apply Rlt_le, decay_pos].
Qed.

Lemma slice_near x n : 0 <= n -> Rabs (line (F x) - RInt (F x) (- n) n) <= k * outside c n.
Proof.
  intros N. eapply Rle_trans; [apply (line_near _ _ _ (below_slice x) n N)|].
  apply Rmult_le_compat_r; [apply outside_nonneg; assumption|]. assert (O := decay_one c x Cp). nra.
Qed.

(** The integral along a line is continuous in the line. *)
Lemma line_continuous x : continuous (fun x => line (F x)) x.
Proof.
  apply filterlim_locally. intros e. assert (E := cond_pos e).
  destruct (outside_small c (e / (3 * (k + 1))) Cp) as (n & N & O); [apply Rdiv_lt_0_compat; lra|].
  assert (O' : k * outside c n < e / 3).
  { assert (P := outside_nonneg c n Cp N). apply Rle_lt_trans with ((k + 1) * outside c n); [nra|].
    apply (Rmult_lt_compat_l (k + 1)) in O; [|lra].
    replace (e / 3) with ((k + 1) * (e / (3 * (k + 1)))) by (field; lra). exact O. }
  assert (E3 : 0 < e / 3) by lra.
  destruct (proj1 (filterlim_locally _ _) (slices_integral_continuous F C (- n) n x) (mkposreal _ E3)) as (d & H).
  exists d. intros z Z. specialize (H z Z). cbn [pos] in H.
  change (Rabs (RInt (F z) (- n) n - RInt (F x) (- n) n) < e / 3) in H. change (Rabs (line (F z) - line (F x)) < e).
  assert (X := slice_near x n N). assert (Y := slice_near z n N).
  apply Rabs_lt_between in H. apply Rabs_le_between in X, Y. apply Rabs_lt_between. lra.
Qed.

Lemma below_lines : below (k * mass c) c (fun x => line (F x)).
Proof.
  repeat split; [|exact Cp|apply line_continuous|].
  - apply Rmult_le_pos; [exact K|apply mass_nonneg, Cp].
  - intros x. eapply Rle_trans; [apply (line_abs _ _ _ (below_slice x))|]. right. ring.
Qed.

Lemma plane_near n : 0 <= n ->
  Rabs (plane F - RInt (fun x => RInt (F x) (- n) n) (- n) n) <= 2 * (k * mass c) * outside c n.
Proof.
  intros N. assert (O := outside_nonneg c n Cp N). assert (A := line_near _ _ _ below_lines n N).
  assert (I1 : ex_RInt (fun x => line (F x)) (- n) n) by (apply continuous_integrable, line_continuous).
  assert (I2 : ex_RInt (fun x => RInt (F x) (- n) n) (- n) n)
    by (apply continuous_integrable; intros; apply slices_integral_continuous, C).
  assert (I3 : ex_RInt (decay c) (- n) n) by apply continuous_integrable, decay_continuous.
  assert (Z : Rabs (RInt (fun x => line (F x)) (- n) n - RInt (fun x => RInt (F x) (- n) n) (- n) n)
    <= k * outside c n * RInt (decay c) (- n) n).
  { rewrite <- (RInt_minus (V := R_CompleteNormedModule) (fun x => line (F x))) by assumption.
    eapply Rle_trans; [apply abs_RInt_le; [lra|apply (ex_RInt_minus (V := R_NormedModule)); assumption]|].
    rewrite <- (RInt_scal (V := R_CompleteNormedModule)) by exact I3. apply RInt_le; [lra| | |].
    - apply continuous_integrable. intros t.
      apply (continuous_comp (fun x => line (F x) - RInt (F x) (- n) n) Rabs); [|apply continuous_Rabs].
      apply (continuous_minus (V := R_NormedModule)); [apply line_continuous|apply slices_integral_continuous, C].
    - apply (ex_RInt_scal (V := R_NormedModule)), I3.
    - intros x _. eapply Rle_trans; [apply (line_near _ _ _ (below_slice x) n N)|]. right.
      unfold scal; simpl. unfold mult; simpl. ring. }
  assert (M : RInt (decay c) (- n) n <= mass c) by (unfold outside in O; lra).
  assert (KO : 0 <= k * outside c n) by (apply Rmult_le_pos; assumption).
  assert (Z' : k * outside c n * RInt (decay c) (- n) n <= k * outside c n * mass c)
    by (apply Rmult_le_compat_l; assumption).
  unfold plane. apply Rabs_le_between in A, Z. apply Rabs_le. lra.
Qed.

Lemma plane_integral : integral_over_line (fun x => line (F x)) (plane F).
Proof. apply (below_integral _ _ _ below_lines). Qed.

Lemma slice_integral x : integral_over_line (F x) (line (F x)).
Proof. apply (below_integral _ _ _ (below_slice x)). Qed.
End Planes.

(** The order does not matter. *)
Theorem fubini F : falls F -> plane F = plane (fun x y => F y x).
Proof.
  intros (k & c & B).
  assert (B' : below2 k c (fun x y => F y x)).
  { destruct B as (K & Cp & C & D). repeat split; [exact K|exact Cp|apply swapped_continuous, C|].
    intros x y. eapply Rle_trans; [apply D|]. right. ring. }
  apply cond_eq. intros e He. assert (B0 := B). destruct B0 as (K & Cp & C & D).
  assert (M := mass_nonneg c Cp). assert (KM : 0 <= k * mass c) by (apply Rmult_le_pos; assumption).
  destruct (outside_small c (e / (4 * (k * mass c + 1))) Cp) as (n & N & O); [apply Rdiv_lt_0_compat; lra|].
  assert (X := plane_near k c F B n N). assert (Y := plane_near k c _ B' n N).
  rewrite (rectangle F) in X by exact C. cbv beta in Y.
  assert (P := outside_nonneg c n Cp N).
  assert (S : 4 * (k * mass c) * outside c n < e).
  { apply Rle_lt_trans with (4 * (k * mass c + 1) * outside c n); [nra|].
    apply (Rmult_lt_compat_l (4 * (k * mass c + 1))) in O; [|lra].
    replace e with (4 * (k * mass c + 1) * (e / (4 * (k * mass c + 1)))) by (field; lra). exact O. }
  apply Rabs_le_between in X, Y. apply Rabs_lt_between. lra.
Qed.

Lemma falls_slice F x : falls F -> integral_over_line (F x) (line (F x)).
Proof. intros (k & c & B). apply (slice_integral k c F B). Qed.

Lemma falls_plane F : falls F -> integral_over_line (fun x => line (F x)) (plane F).
Proof. intros (k & c & B). apply (plane_integral k c F B). Qed.

Lemma plane_lin F H a b : falls F -> falls H -> plane (fun x y => a * F x y + b * H x y) = a * plane F + b * plane H.
Proof.
  intros X Y. apply line_is. apply (integral_ext (fun x => a * line (F x) + b * line (H x))).
  - intros x. symmetry. apply line_is. apply integral_plus; apply integral_scal; apply falls_slice; assumption.
  - apply integral_plus; apply integral_scal; apply falls_plane; assumption.
Qed.

Lemma plane_le F H : falls F -> falls H -> (forall x y, F x y <= H x y) -> plane F <= plane H.
Proof.
  intros X Y L. apply (integral_le _ _ _ _ (falls_plane F X) (falls_plane H Y)). intros x.
  apply (integral_le _ _ _ _ (falls_slice F x X) (falls_slice H x Y)), L.
Qed.

Lemma plane_ext F H : (forall x y, F x y = H x y) -> plane F = plane H.
Proof. intros E. apply line_ext. intros x. apply line_ext, E. Qed.
