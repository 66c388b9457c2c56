(** The Gaussian expectation, and that it has the properties which [Gaussian] lists.

    The expectation of f is the integral of f times the density over the plane. Along q = v'x and x_1 instead of x_2
    and x_1 the density is a product: that of v'x, and that of x_1 given v'x, whose mean is linear in q. *)
From Coq Require Import Reals Lra Psatz FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums Plane Gaussian Line Double.
Open Scope R_scope.

Definition offset (mu x : vec) : vec := Vec (vx x - vx mu) (vy x - vy mu).

(** The density of N(mu, Sigma) in the plane. *)
Definition normal (Sigma : sym) (mu x : vec) : R :=
  exp (- (dot (offset mu x) (solve Sigma (offset mu x)) / 2)) / (2 * PI * sqrt (det Sigma)).

Definition weighted (Sigma : sym) (mu : vec) (f : vec -> R) (x y : R) : R :=
  f (Vec x y) * normal Sigma mu (Vec x y).

Definition expectation (Sigma : sym) (mu : vec) (f : vec -> R) : R := plane (weighted Sigma mu f).

(** * The integrals exist *)

Lemma normal_continuous Sigma mu : continuous2 (normal Sigma mu).
Proof.
  intros x y. unfold normal, Rdiv at 1. apply continuity_2d_pt_mult; [|apply continuity_2d_pt_const].
  apply (continuity_1d_2d_pt_comp exp); [apply derivable_continuous_pt, derivable_pt_exp|].
  unfold offset, solve, dot, Rdiv, Rminus. cbn [vx vy].
  repeat first [apply continuity_2d_pt_const | apply continuity_2d_pt_id1 | apply continuity_2d_pt_id2
    | apply continuity_2d_pt_opp | apply continuity_2d_pt_plus | apply continuity_2d_pt_mult].
Qed.

Lemma determinant_root Sigma : pos_def Sigma -> 0 < 2 * PI * sqrt (det Sigma).
Proof. intros (_ & D). assert (S := sqrt_lt_R0 _ D). assert (P := PI_RGT_0). apply Rmult_lt_0_compat; lra. Qed.

(** z' Sigma^-1 z is at least z'z over the trace of Sigma. *)
Lemma solve_lower Sigma z : pos_def Sigma -> dot z z / (xx Sigma + yy Sigma) <= dot z (solve Sigma z).
Proof.
  intros P. assert (Y := pos_def_yy _ P). destruct P as (X & D). destruct Sigma as [p r s], z as [a b]. coordinates.
  set (d := p * s - r * r) in *.
  apply (Rmult_le_reg_r ((p + s) * d)); [apply Rmult_lt_0_compat; lra|].
  replace ((a * a + b * b) / (p + s) * ((p + s) * d)) with ((a * a + b * b) * d) by (field; lra).
  replace ((a * ((s * a - r * b) / d) + b * ((p * b - r * a) / d)) * ((p + s) * d))
    with ((a * (s * a - r * b) + b * (p * b - r * a)) * (p + s)) by (field; lra).
  assert (S1 := square_nonneg (s * a - r * b)). assert (S2 := square_nonneg (p * b - r * a)). unfold d. nra.
Qed.

(** A function of at most exponential growth times the density. *)
Lemma weighted_falls Sigma mu f : pos_def Sigma -> Dom f -> falls (weighted Sigma mu f).
Proof.
  intros P (C & cf & k & Cf & Kf & B). assert (N := determinant_root Sigma P).
  assert (T : 0 < xx Sigma + yy Sigma) by (assert (Y := pos_def_yy _ P); destruct P; lra).
  set (t := xx Sigma + yy Sigma) in *. set (n := 2 * PI * sqrt (det Sigma)) in *.
  set (h := 4 * t * (k * k) + dot mu mu / (2 * t)).
  exists (cf * exp h / n), (/ (8 * t)). repeat split.
  - apply Rmult_le_pos; [apply Rmult_le_pos; [exact Cf|apply Rlt_le, exp_pos]|apply Rlt_le, Rinv_0_lt_compat, N].
  - apply Rinv_0_lt_compat. lra.
  - intros x y. apply continuity_2d_pt_mult; [apply C|apply normal_continuous].
  - intros x y. unfold weighted, normal. fold n. rewrite Rabs_mult.
    set (e := exp (- (_ / 2))). assert (e0 : 0 < e / n) by (apply Rdiv_lt_0_compat; [apply exp_pos|exact N]).
    rewrite (Rabs_pos_eq (e / n)) by lra. eapply Rle_trans; [apply Rmult_le_compat_r; [lra|apply B]|].
    set (form2 := dot (offset mu (Vec x y)) (solve Sigma (offset mu (Vec x y)))) in *.
    cbn [vx vy]. unfold decay, Rdiv. unfold e.
    replace (cf * exp (k * (Rabs x + Rabs y)) * (exp _ * / n))
      with (cf * / n * exp (k * (Rabs x + Rabs y) + - (form2 / 2)))
      by (rewrite exp_plus; ring).
    replace (cf * exp h * / n * exp (- (/ (8 * t) * (x * x))) * exp (- (/ (8 * t) * (y * y))))
      with (cf * / n * exp (h + - (/ (8 * t) * (x * x)) + - (/ (8 * t) * (y * y)))) by (rewrite !exp_plus; ring).
    apply Rmult_le_compat_l; [apply Rmult_le_pos; [exact Cf|apply Rlt_le, Rinv_0_lt_compat, N]|]. apply exp_le.
    assert (Q := solve_lower Sigma (offset mu (Vec x y)) P). fold t form2 in Q.
    assert (I : 0 < / t) by (apply Rinv_0_lt_compat, T).
    assert (Z : (x * x + y * y) / 2 - dot mu mu <= dot (offset mu (Vec x y)) (offset mu (Vec x y))).
    { unfold offset. coordinates. assert (S1 := square_nonneg (x - 2 * vx mu)).
      assert (S2 := square_nonneg (y - 2 * vy mu)). lra. }
    assert (Z' : ((x * x + y * y) / 2 - dot mu mu) * / t <= form2).
    { eapply Rle_trans; [|exact Q]. apply Rmult_le_compat_r; lra. }
    assert (Lin : forall a, k * Rabs a <= 2 * t * (k * k) + a * a * / (8 * t)).
    { intros a. assert (A : a * a = Rabs a * Rabs a)
        by (rewrite <- Rabs_mult; symmetry; apply Rabs_pos_eq, square_nonneg).
      rewrite A. set (w := Rabs a). apply (Rmult_le_reg_r (8 * t)); [lra|].
      replace ((2 * t * (k * k) + w * w * / (8 * t)) * (8 * t)) with (16 * t * t * (k * k) + w * w) by (field; lra).
      assert (S := square_nonneg (4 * t * k - w)). lra. }
    assert (Lx := Lin x). assert (Ly := Lin y).
    replace (((x * x + y * y) / 2 - dot mu mu) * / t) with
      (4 * (x * x * / (8 * t)) + 4 * (y * y * / (8 * t)) - 2 * (dot mu mu / (2 * t))) in Z' by (field; lra).
    unfold h. lra.
Qed.

(** * Slices along q = v'x *)

Lemma continuity_affine F a b : (forall x y, continuity_2d_pt F x y) ->
  forall x q, continuity_2d_pt (fun x q => F x (a * q + b * x)) x q.
Proof.
  intros C x q e. destruct (C x (a * q + b * x) e) as (d & H).
  assert (A := Rabs_pos a). assert (B := Rabs_pos b). assert (Dp := cond_pos d).
  assert (D : 0 < d / (Rabs a + Rabs b + 1)) by (apply Rdiv_lt_0_compat; lra).
  assert (E : d / (Rabs a + Rabs b + 1) * (Rabs a + Rabs b + 1) = d) by (field; lra).
  exists (mkposreal _ D). cbn [pos]. set (r := d / (Rabs a + Rabs b + 1)) in *. intros u v U V. apply H.
  - nra.
  - replace (a * v + b * u - (a * q + b * x)) with (a * (v - q) + b * (u - x)) by ring.
    eapply Rle_lt_trans; [apply Rabs_triang|]. rewrite !Rabs_mult. nra.
Qed.

Definition sliced (F : R -> R -> R) (a b x q : R) : R := Rabs a * F x (a * q + b * x).

Lemma sliced_falls F a b : a <> 0 -> falls F -> falls (sliced F a b).
Proof.
  intros A (k & c & K & Cp & C & D). set (w := a * a + 2 * (1 + b * b)).
  assert (A2 : 0 < a * a) by (assert (Z := Rlt_0_sqr a A); exact Z). assert (B2 := square_nonneg b).
  assert (W : 0 < w) by (unfold w; lra).
  exists (Rabs a * k), (c * (a * a) / w). repeat split.
  - apply Rmult_le_pos; [apply Rabs_pos|exact K].
  - apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; assumption|exact W].
  - intros x q. apply continuity_2d_pt_mult; [apply continuity_2d_pt_const|apply continuity_affine, C].
  - intros x q. unfold sliced. rewrite Rabs_mult, Rabs_Rabsolu, !Rmult_assoc.
    apply Rmult_le_compat_l; [apply Rabs_pos|]. eapply Rle_trans; [apply D|].
    rewrite Rmult_assoc. apply Rmult_le_compat_l; [exact K|].
    unfold decay. rewrite <- !exp_plus. apply exp_le. set (s := a * q + b * x).
    assert (H : a * a * (x * x + q * q) <= w * (x * x + s * s)).
    { assert (E : a * a * (q * q) = (s - b * x) * (s - b * x)) by (unfold s; ring).
      assert (S1 := square_nonneg (s + b * x)). assert (S2 := square_nonneg x). assert (S3 := square_nonneg s).
      assert (S4 := square_nonneg b). unfold w. nra. }
    assert (H' : a * a * (x * x + q * q) * (c / w) <= w * (x * x + s * s) * (c / w)).
    { apply Rmult_le_compat_r; [apply Rlt_le, Rdiv_lt_0_compat; assumption|exact H]. }
    replace (w * (x * x + s * s) * (c / w)) with (c * (x * x) + c * (s * s)) in H' by (field; lra).
    replace (a * a * (x * x + q * q) * (c / w)) with (c * (a * a) / w * (x * x) + c * (a * a) / w * (q * q)) in H'
      by (field; lra).
    lra.
Qed.

(** Integrate along x at fixed v'x first. *)
Lemma slices F a b : a <> 0 -> falls F -> integral_over_line (fun q => line (fun x => sliced F a b x q)) (plane F).
Proof.
  intros A H. assert (H' := sliced_falls F a b A H).
  replace (plane F) with (plane (fun q x => sliced F a b x q)).
  - apply (falls_plane (fun q x => sliced F a b x q)). destruct H' as (k & c & K & Cp & C & D).
    exists k, c. repeat split; [exact K|exact Cp|apply swapped_continuous, C|].
    intros x y. eapply Rle_trans; [apply D|]. right. ring.
  - rewrite <- (fubini _ H'). apply line_ext. intros x. apply line_is.
    apply (integral_affine (F x) (line (F x)) a (b * x) A), falls_slice, H.
Qed.

(** * Given v'x, the mean of x_1 is linear in v'x *)

(** The mean of a linear function on the line. *)
Lemma linear_mean m s2 a b : 0 < s2 -> integral_over_line (fun x => (a + b * x) * density m s2 x) (a + b * m).
Proof.
  intros S. assert (M := density_mass m s2 S).
  assert (Sq := integral_plus _ _ _ _ (moment_integral m s2 S) (integral_scal (1 + (m * m + s2)) _ _ M)).
  apply (integral_ext _ (fun q => (1 + q * q) * density m s2 q)) in Sq; [|intros; simpl; ring].
  apply (integral_scal (1 + Rabs m)) in Sq. set (f := fun x => (x - m) * density m s2 x).
  assert (X : exists i, integral_over_line f i).
  { refine (dominated f _ _ _ _ _ Sq).
    - intros q. unfold f. apply continuity_pt_filterlim, continuity_pt_mult; [reg|apply density_continuous, S].
    - intros q. apply continuity_pt_filterlim, continuity_pt_mult; [reg|].
      apply continuity_pt_mult; [reg|apply density_continuous, S].
    - intros q. unfold f. assert (D := density_pos m s2 q S). rewrite Rabs_mult, (Rabs_pos_eq (density m s2 q)) by lra.
      rewrite <- Rmult_assoc. apply Rmult_le_compat_r; [lra|]. assert (A := Rabs_pos m). unfold Rminus.
      eapply Rle_trans; [apply Rabs_triang|]. rewrite Rabs_Ropp.
      assert (Q : Rabs q <= 1 + q * q) by (apply Rabs_le; nra). assert (Q2 := square_nonneg q). nra. }
  destruct X as (i & Hi).
  assert (Z : i = 0).
    { assert (R := integral_affine f i (-1) (2 * m) ltac:(lra) Hi).
      apply (integral_ext _ (fun x => -1 * f x)) in R.
      - assert (U := integral_unique _ _ _ R (integral_scal (-1) _ _ Hi)). lra.
      - intros t. unfold f, density. rewrite Rabs_left by lra.
        replace ((-1 * t + 2 * m - m) * (-1 * t + 2 * m - m)) with ((t - m) * (t - m)) by ring. ring. }
    subst i. replace (a + b * m) with (b * 0 + (a + b * m) * 1) by ring.
    apply (integral_ext (fun x => b * f x + (a + b * m) * density m s2 x)); [intros; unfold f; ring|].
    apply integral_plus; apply integral_scal; assumption.
Qed.

Section Conditional.
Variables (Sigma : sym) (mu v : vec).
Hypothesis P : pos_def Sigma.
Hypothesis V : vy v <> 0.

Let a : R := / vy v.
Let b : R := - vx v / vy v.

Lemma form_pos : 0 < form Sigma v.
Proof. apply pos_def_form; [exact P|]. intros E. apply V. rewrite E. reflexivity. Qed.

(** The mean and the variance of x_1 given v'x = q. *)
Definition given_mean (q : R) : R := vx mu + vx (act Sigma v) * ((q - dot v mu) / form Sigma v).
Definition given_variance : R := vy v * vy v * det Sigma / form Sigma v.

Lemma given_variance_pos : 0 < given_variance.
Proof.
  destruct P as (_ & D). apply Rdiv_lt_0_compat; [|apply form_pos].
  apply Rmult_lt_0_compat; [assert (Z := Rlt_0_sqr _ V); exact Z|exact D].
Qed.

Lemma product x q : Rabs a * normal Sigma mu (Vec x (a * q + b * x)) =
  density (dot v mu) (form Sigma v) q * density (given_mean q) given_variance x.
Proof.
  assert (F := form_pos). assert (G := given_variance_pos). assert (Pi := PI_RGT_0). assert (Dt := proj2 P).
  assert (R1 := root_pos _ F). assert (R2 := root_pos _ G). assert (N := determinant_root Sigma P).
  unfold normal, density.
  assert (K : sqrt (2 * PI * form Sigma v) * sqrt (2 * PI * given_variance)
    = Rabs (vy v) * (2 * PI * sqrt (det Sigma))).
  { rewrite <- sqrt_mult by (apply Rmult_le_pos; lra).
    replace (2 * PI * form Sigma v * (2 * PI * given_variance)) with ((2 * PI * vy v) * (2 * PI * vy v) * det Sigma)
      by (unfold given_variance; field; lra).
    rewrite sqrt_mult by (try apply square_nonneg; lra).
    replace (sqrt (2 * PI * vy v * (2 * PI * vy v))) with (Rabs (2 * PI * vy v)) by (symmetry; apply sqrt_Rsqr_abs).
    rewrite Rabs_mult, (Rabs_pos_eq (2 * PI)) by lra. ring. }
  assert (A : Rabs a = / Rabs (vy v)) by (apply Rabs_inv). rewrite A.
  assert (Av : 0 < Rabs (vy v)) by (apply Rabs_pos_lt, V).
  transitivity (exp (- ((q - dot v mu) * (q - dot v mu) / (2 * form Sigma v))
    + - ((x - given_mean q) * (x - given_mean q) / (2 * given_variance)))
    / (sqrt (2 * PI * form Sigma v) * sqrt (2 * PI * given_variance))).
  - rewrite K. replace (- (dot _ _ / 2)) with (- ((q - dot v mu) * (q - dot v mu) / (2 * form Sigma v))
      + - ((x - given_mean q) * (x - given_mean q) / (2 * given_variance))).
    { set (n := 2 * PI * sqrt (det Sigma)) in *. field. lra. }
    unfold given_variance, given_mean, a, b, offset. clear - F Dt V. destruct Sigma as [p r s], mu as [m n], v as [c d].
    coordinates. field. repeat split; try exact V; lra.
  - rewrite exp_plus. field. lra.
Qed.

(** The inner integral. *)
Lemma slice_mean u g al q : dot u (act Sigma v) = 0 ->
  line (fun x => sliced (weighted Sigma mu (fun x => (al + dot u x) * g (dot v x))) a b x q)
    = (al + dot u mu) * (g q * density (dot v mu) (form Sigma v) q).
Proof.
  intros O. assert (F := form_pos). apply line_is.
  apply (integral_ext (fun x => g q * density (dot v mu) (form Sigma v) q
    * ((al + vy u * a * q + (vx u + vy u * b) * x) * density (given_mean q) given_variance x))).
  - intros x. unfold sliced, weighted.
    replace (dot v (Vec x (a * q + b * x))) with q by (unfold a, b, dot; cbn [vx vy]; field; exact V).
    transitivity ((al + dot u (Vec x (a * q + b * x))) * g q * (Rabs a * normal Sigma mu (Vec x (a * q + b * x))));
      [|ring].
    rewrite product. replace (dot u (Vec x (a * q + b * x))) with (vx u * x + vy u * (a * q + b * x)) by reflexivity.
    ring.
  - replace ((al + dot u mu) * (g q * density (dot v mu) (form Sigma v) q)) with
      (g q * density (dot v mu) (form Sigma v) q * (al + vy u * a * q + (vx u + vy u * b) * given_mean q)).
    + apply integral_scal, linear_mean, given_variance_pos.
    + rewrite (Rmult_comm (al + _)). f_equal.
      assert (I : vy u * a * q + (vx u + vy u * b) * given_mean q - dot u mu
        = dot u (act Sigma v) * ((q - dot v mu) / form Sigma v)).
      { unfold a, b, given_mean. clear - F V. destruct Sigma as [p r s], mu as [m n], v as [c d]. coordinates.
        field. split; [lra|exact V]. }
      rewrite O in I. lra.
Qed.

Lemma slanted u g al : dot u (act Sigma v) = 0 -> Dom (fun x => (al + dot u x) * g (dot v x)) ->
  integral_over_line (fun q => (al + dot u mu) * (g q * density (dot v mu) (form Sigma v) q))
    (expectation Sigma mu (fun x => (al + dot u x) * g (dot v x))).
Proof.
  intros O D. assert (A : a <> 0) by (apply Rinv_neq_0_compat, V).
  apply (integral_ext _ _ _ (fun q => slice_mean u g al q O)).
  apply slices; [exact A|apply weighted_falls; assumption].
Qed.
End Conditional.

(** * Any direction: x_2 may take the place of x_1 *)

Definition flip (x : vec) : vec := Vec (vy x) (vx x).
Definition flip_sym (M : sym) : sym := Sym (yy M) (xy M) (xx M).

Lemma Dom_flip f : Dom f -> Dom (fun x => f (flip x)).
Proof.
  intros (C & c & k & C0 & K & B). split.
  - intros x y. apply (swapped_continuous (fun x y => f (Vec x y))). exact C.
  - exists c, k. repeat split; [exact C0|exact K|]. intros x. rewrite (Rplus_comm (Rabs (vx x))). apply (B (flip x)).
Qed.

Lemma expectation_flip Sigma mu f : pos_def Sigma -> Dom f ->
  expectation Sigma mu f = expectation (flip_sym Sigma) (flip mu) (fun x => f (flip x)).
Proof.
  intros P D. transitivity (plane (fun x y => weighted Sigma mu f y x)).
  - apply (fubini (weighted Sigma mu f)), weighted_falls; assumption.
  - apply plane_ext. intros x y. unfold weighted, flip. cbn [vx vy]. f_equal. unfold normal.
    replace (det (flip_sym Sigma)) with (det Sigma) by (unfold flip_sym; coordinates; ring).
    replace (dot (offset (Vec (vy mu) (vx mu)) (Vec x y)) _) with
      (dot (offset mu (Vec y x)) (solve Sigma (offset mu (Vec y x)))); [reflexivity|].
    assert (Dt : det Sigma <> 0) by (destruct P; lra). unfold offset, flip_sym. coordinates. field. lra.
Qed.

Lemma along Sigma mu v u g al : pos_def Sigma -> v <> zero -> dot u (act Sigma v) = 0 ->
  Dom (fun x => (al + dot u x) * g (dot v x)) ->
  integral_over_line (fun q => (al + dot u mu) * (g q * density (dot v mu) (form Sigma v) q))
    (expectation Sigma mu (fun x => (al + dot u x) * g (dot v x))).
Proof.
  intros P V O D. destruct (Req_dec (vy v) 0) as [Z|Z]; [|apply slanted; assumption].
  assert (X : vx v <> 0). { intros X. apply V. rewrite (vec_eta v), X, Z. reflexivity. }
  rewrite (expectation_flip Sigma mu _ P D). assert (DF := Dom_flip _ D).
  assert (E : forall w x, dot w (flip x) = dot (flip w) x) by (intros; unfold flip; coordinates; ring).
  replace (dot u mu) with (dot (flip u) (flip mu)) by (unfold flip; coordinates; ring).
  replace (dot v mu) with (dot (flip v) (flip mu)) by (unfold flip; coordinates; ring).
  replace (form Sigma v) with (form (flip_sym Sigma) (flip v)) by (unfold flip, flip_sym; coordinates; ring).
  cbv beta in *.
  assert (Q : (fun x => (al + dot u (flip x)) * g (dot v (flip x)))
    = (fun x => (al + dot (flip u) x) * g (dot (flip v) x)))
    by (apply functional_extensionality; intros x; rewrite !E; reflexivity).
  rewrite Q in *.
  apply slanted; [|exact X| |exact DF].
  - assert (Y := pos_def_yy _ P). destruct P as (A & B). unfold flip_sym. coordinates. split; lra.
  - rewrite <- O. unfold flip, flip_sym. coordinates. ring.
Qed.

(** * The properties *)

Lemma expectation_ext Sigma mu f g : (forall x, f x = g x) -> expectation Sigma mu f = expectation Sigma mu g.
Proof. intros H. f_equal. apply functional_extensionality, H. Qed.

Section Properties.
Variable Sigma : sym.
Hypothesis P : pos_def Sigma.
Notation E := (expectation Sigma).

Lemma expectation_line mu v g : v <> zero -> Dom (fun x => g (dot v x)) ->
  integral_over_line (fun q => g q * density (dot v mu) (form Sigma v) q) (E mu (fun x => g (dot v x))).
Proof.
  intros V D. assert (H := along Sigma mu v zero g 1 P V).
  assert (Z : forall x, dot zero x = 0) by (intros; coordinates; ring).
  rewrite (expectation_ext Sigma mu (fun x => g (dot v x)) (fun x => (1 + dot zero x) * g (dot v x)))
    by (intros; rewrite Z; ring).
  eapply integral_ext; [|apply H; [apply Z|]].
  - intros q. simpl. rewrite Z. ring.
  - eapply Dom_ext; [|exact D]. intros x. simpl. rewrite Z. ring.
Qed.

Lemma expectation_const mu c : E mu (fun _ => c) = c.
Proof.
  set (v := Vec 0 1). assert (V : v <> zero) by (intros H; injection H; lra).
  apply (integral_unique (fun q => c * density (dot v mu) (form Sigma v) q)).
  - apply (expectation_line mu v (fun _ => c)); [exact V|apply Dom_const].
  - assert (M := integral_scal c _ _ (density_mass (dot v mu) (form Sigma v) (pos_def_form Sigma v P V))).
    rewrite Rmult_1_r in M. exact M.
Qed.

Lemma expectation_across mu u v g : v <> zero -> dot u (act Sigma v) = 0 -> Dom (fun x => g (dot v x)) ->
  Dom (fun x => dot u x * g (dot v x)) ->
  E mu (fun x => dot u x * g (dot v x)) = dot u mu * E mu (fun x => g (dot v x)).
Proof.
  intros V O D D'. apply (integral_unique (fun q => dot u mu * (g q * density (dot v mu) (form Sigma v) q))).
  - rewrite (expectation_ext Sigma mu _ (fun x => (0 + dot u x) * g (dot v x))) by (intros; ring).
    eapply integral_ext; [|apply (along Sigma mu v u g 0 P V O)].
    + intros q. simpl. ring.
    + eapply Dom_ext; [|exact D']. intros x. simpl. ring.
  - apply integral_scal, expectation_line; assumption.
Qed.

(** Some direction is across u. *)
Lemma conjugate u : exists v, v <> zero /\ dot u (act Sigma v) = 0.
Proof.
  destruct (form_zero_or_pos Sigma P u) as [->|S].
  - exists (Vec 0 1). split; [intros H; injection H; lra|coordinates; ring].
  - exists (turn (act Sigma u)). split; [|unfold turn; coordinates; ring]. intros Z.
    assert (W : forall w, turn w = zero -> dot u w = 0).
    { intros [c d] T. unfold turn, zero in T. cbn [vx vy] in T. injection T as T1 T2. unfold dot. cbn [vx vy].
      rewrite T2. replace d with 0 by lra. ring. }
    assert (form Sigma u = 0) by exact (W _ Z). lra.
Qed.

Theorem gaussian : Gaussian Sigma E.
Proof.
  split.
  - intros mu. apply expectation_const.
  - intros mu f g a b F G. unfold expectation.
    rewrite <- (plane_lin (weighted Sigma mu f) (weighted Sigma mu g) a b) by (apply weighted_falls; assumption).
    apply plane_ext. intros x y. unfold weighted. ring.
  - intros mu f g F G H. apply plane_le; [apply weighted_falls; assumption|apply weighted_falls; assumption|].
    intros x y. apply Rmult_le_compat_r; [|apply H].
    apply Rlt_le, Rdiv_lt_0_compat; [apply exp_pos|apply determinant_root, P].
  - intros mu v g S D. apply expectation_line; [|exact D]. intros ->. coordinates. lra.
  - intros mu u v g O D D'. destruct (form_zero_or_pos Sigma P v) as [->|S].
    + destruct (conjugate u) as (w & W & OW). set (c := g (dot zero (Vec 0 0))).
      assert (C : forall x, g (dot zero x) = c) by (intros; unfold c; f_equal; coordinates; ring).
      transitivity (E mu (fun x => dot u x * c)); [apply expectation_ext; intros; rewrite C; reflexivity|].
      transitivity (dot u mu * E mu (fun _ => c)); [|f_equal; apply expectation_ext; intros; symmetry; apply C].
      apply (expectation_across mu u w (fun _ => c) W OW (Dom_const c)).
      eapply Dom_ext; [|exact D']. intros x. simpl. rewrite C. reflexivity.
    + apply expectation_across; try assumption. intros ->. coordinates. lra.
Qed.
End Properties.
