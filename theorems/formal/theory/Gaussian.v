(** What is used of Gaussian expectations, and what follows.

    [Gaussian Sigma E] lists facts about E mu f, the expectation of f(x) for x ~ N(mu, Sigma) in the plane, on the
    functions of [Dom]: continuous, and of at most exponential growth. Nothing else is used of E, and the integral
    against the normal density has these properties: [gaussian], in Expectation.v. Without a condition on growth the
    record would be contradictory ([Consistency.v]). Moments and the moment generating function follow from it. *)
From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums Plane.
Open Scope R_scope.

(** Continuous on the plane, of at most exponential growth. *)
Definition continuous2 (f : vec -> R) : Prop := forall x y, continuity_2d_pt (fun x y => f (Vec x y)) x y.
Definition Dom (f : vec -> R) : Prop := continuous2 f /\
  exists c k, 0 <= c /\ 0 <= k /\ forall x, Rabs (f x) <= c * exp (k * (Rabs (vx x) + Rabs (vy x))).

(** The density of N(m, s2) on the line. *)
Definition density (m s2 q : R) : R := exp (- ((q - m) * (q - m) / (2 * s2))) / sqrt (2 * PI * s2).

(** The improper integral of f over the line is the number i. *)
Definition integral_over_line (f : R -> R) (i : R) : Prop :=
  is_RInt_gen f (Rbar_locally m_infty) (Rbar_locally p_infty) i.

Record Gaussian (Sigma : sym) (E : vec -> (vec -> R) -> R) : Prop := {
  (* The law has mass one. *)
  E_one : forall mu, E mu (fun _ => 1) = 1;
  (* Expectations are linear, *)
  E_lin : forall mu f g a b, Dom f -> Dom g -> E mu (fun x => a * f x + b * g x) = a * E mu f + b * E mu g;
  (* and monotone. *)
  E_mono : forall mu f g, Dom f -> Dom g -> (forall x, f x <= g x) -> E mu f <= E mu g;
  (* v'x has the law N(v'mu, v'Sigma v): the expectation of g(v'x) is an integral over the line. *)
  E_line : forall mu v g, 0 < form Sigma v -> Dom (fun x => g (dot v x)) ->
    integral_over_line (fun q => g q * density (dot v mu) (form Sigma v) q) (E mu (fun x => g (dot v x)));
  (* u'x and v'x are independent when u'Sigma v = 0: the expectation of u'x g(v'x) is a product. *)
  E_across : forall mu u v g, dot u (act Sigma v) = 0 -> Dom (fun x => g (dot v x)) ->
    Dom (fun x => dot u x * g (dot v x)) ->
    E mu (fun x => dot u x * g (dot v x)) = dot u mu * E mu (fun x => g (dot v x)) }.

(** * Functions of the class *)

Lemma continuous2_const c : continuous2 (fun _ => c).
Proof. intros x y. apply continuity_2d_pt_const. Qed.

Lemma continuous2_dot u : continuous2 (dot u).
Proof.
  intros x y. unfold dot. cbn [vx vy].
  apply continuity_2d_pt_plus; apply continuity_2d_pt_mult; try apply continuity_2d_pt_const.
  apply continuity_2d_pt_id1. apply continuity_2d_pt_id2.
Qed.

Lemma continuous2_plus f g : continuous2 f -> continuous2 g -> continuous2 (fun x => f x + g x).
Proof. intros F G x y. apply continuity_2d_pt_plus; auto. Qed.

Lemma continuous2_mult f g : continuous2 f -> continuous2 g -> continuous2 (fun x => f x * g x).
Proof. intros F G x y. apply continuity_2d_pt_mult; auto. Qed.

Lemma continuous2_comp g f : (forall x, continuity_pt g (f x)) -> continuous2 f -> continuous2 (fun x => g (f x)).
Proof. intros G F x y. apply (continuity_1d_2d_pt_comp g (fun x y => f (Vec x y))); auto. Qed.

Lemma continuous2_sum {T} (f : T -> vec -> R) l : (forall k, continuous2 (f k))
  -> continuous2 (fun x => sum (fun k => f k x) l).
Proof. intros H. induction l; simpl; [apply continuous2_const|apply continuous2_plus; auto]. Qed.

Lemma dot_bound u x : Rabs (dot u x) <= (Rabs (vx u) + Rabs (vy u)) * (1 + dot x x).
Proof.
  unfold dot. eapply Rle_trans; [apply Rabs_triang|]. rewrite !Rabs_mult.
  assert (A := Rabs_pos (vx u)). assert (B := Rabs_pos (vy u)).
  set (s := 1 + (vx x * vx x + vy x * vy x)).
  assert (X : Rabs (vx x) <= s) by (unfold s; apply Rabs_le; nra).
  assert (Y : Rabs (vy x) <= s) by (unfold s; apply Rabs_le; nra). nra.
Qed.

Lemma exp_scales k l (x : vec) : 0 <= l -> exp (k * (Rabs (vx x) + Rabs (vy x)))
  <= exp ((k + l) * (Rabs (vx x) + Rabs (vy x))).
Proof.
  intros L. assert (A := Rabs_pos (vx x)). assert (B := Rabs_pos (vy x)). set (s := Rabs (vx x) + Rabs (vy x)).
  assert (S : 0 <= l * s) by (apply Rmult_le_pos; [exact L|unfold s; lra]).
  destruct (Req_dec (l * s) 0) as [Z|Z]; [right; f_equal; lra|]. apply Rlt_le, exp_increasing. lra.
Qed.

Lemma Dom_lin a f b g : Dom f -> Dom g -> Dom (fun x => a * f x + b * g x).
Proof.
  intros (Cf & cf & kf & Pf & Kf & Bf) (Cg & cg & kg & Pg & Kg & Bg). split.
  - apply continuous2_plus; apply continuous2_mult; try apply continuous2_const; assumption.
  - exists (Rabs a * cf + Rabs b * cg), (kf + kg). assert (A := Rabs_pos a). assert (B := Rabs_pos b).
    split; [nra|split; [lra|]]. intros x. eapply Rle_trans; [apply Rabs_triang|].
    rewrite !Rabs_mult, Rmult_plus_distr_r.
    assert (X := exp_scales kf kg x Kg). assert (Y := exp_scales kg kf x Kf). rewrite (Rplus_comm kg kf) in Y.
    assert (Sf := Bf x). assert (Sg := Bg x). apply Rplus_le_compat; rewrite Rmult_assoc; apply Rmult_le_compat_l;
      try assumption.
    + eapply Rle_trans; [exact Sf|]. apply Rmult_le_compat_l; assumption.
    + eapply Rle_trans; [exact Sg|]. apply Rmult_le_compat_l; assumption.
Qed.

(** Quadratic growth is exponential growth. *)
Lemma Dom_quadratic f : continuous2 f -> (exists c, 0 <= c /\ forall x, Rabs (f x) <= c * (1 + dot x x)) -> Dom f.
Proof.
  intros C (c & C0 & B). split; [exact C|]. exists (4 * c), 1. split; [lra|split; [lra|]]. intros x.
  eapply Rle_trans; [apply B|]. rewrite Rmult_1_l, (Rmult_comm 4 c), Rmult_assoc. apply Rmult_le_compat_l; [exact C0|].
  assert (X := Rabs_pos (vx x)). assert (Y := Rabs_pos (vy x)). set (s := Rabs (vx x) + Rabs (vy x)).
  assert (S : 0 <= s) by (unfold s; lra).
  assert (E : (1 + s / 2) * (1 + s / 2) <= exp s).
  { replace s with (s / 2 + s / 2) at 3 by field. rewrite exp_plus.
    assert (T := exp_ineq1_le (s / 2)). apply Rmult_le_compat; lra. }
  assert (D : dot x x <= s * s).
  { unfold dot, s. rewrite <- (Rabs_pos_eq (vx x * vx x)), <- (Rabs_pos_eq (vy x * vy x)), !Rabs_mult
      by apply square_nonneg. nra. }
  nra.
Qed.

Lemma Dom_ext f g : (forall x, f x = g x) -> Dom f -> Dom g.
Proof. intros H F. replace g with f; [exact F|apply functional_extensionality, H]. Qed.

Lemma dot_square_nonneg (x : vec) : 0 <= dot x x.
Proof. unfold dot. assert (A := square_nonneg (vx x)). assert (B := square_nonneg (vy x)). lra. Qed.

Lemma Dom_const c : Dom (fun _ => c).
Proof.
  apply Dom_quadratic; [apply continuous2_const|]. exists (Rabs c). split; [apply Rabs_pos|]. intros x.
  assert (A := Rabs_pos c). assert (B := dot_square_nonneg x). nra.
Qed.

Lemma Dom_dot u : Dom (dot u).
Proof.
  apply Dom_quadratic; [apply continuous2_dot|]. exists (Rabs (vx u) + Rabs (vy u)).
  split; [apply Rplus_le_le_0_compat; apply Rabs_pos|apply dot_bound].
Qed.

Lemma Dom_square u : Dom (fun x => dot u x * dot u x).
Proof.
  apply Dom_quadratic; [apply continuous2_mult; apply continuous2_dot|]. exists (dot u u).
  split; [apply dot_square_nonneg|]. intros x.
  rewrite Rabs_pos_eq; [|apply square_nonneg]. assert (A := square_nonneg (cross u x)).
  assert (B := dot_square_nonneg u).
  coordinates. nra.
Qed.

Lemma Dom_exp u : Dom (fun x => exp (dot u x)).
Proof.
  split.
  - apply (continuous2_comp exp); [intros; apply derivable_continuous_pt, derivable_pt_exp|apply continuous2_dot].
  - exists 1, (Rabs (vx u) + Rabs (vy u)). split; [lra|split; [apply Rplus_le_le_0_compat; apply Rabs_pos|]]. intros x.
    rewrite Rmult_1_l, Rabs_pos_eq by apply Rlt_le, exp_pos.
    assert (D : dot u x <= (Rabs (vx u) + Rabs (vy u)) * (Rabs (vx x) + Rabs (vy x))).
    { unfold dot. assert (A := Rle_abs (vx u * vx x)). assert (B := Rle_abs (vy u * vy x)). rewrite Rabs_mult in A, B.
      assert (a := Rabs_pos (vx u)). assert (b := Rabs_pos (vy u)). assert (c := Rabs_pos (vx x)).
      assert (d := Rabs_pos (vy x)). nra. }
    destruct (Rle_lt_or_eq_dec _ _ D) as [L|L]; [apply Rlt_le, exp_increasing, L|right; f_equal; exact L].
Qed.

(** * The density *)

Lemma root_pos s2 : 0 < s2 -> 0 < sqrt (2 * PI * s2).
Proof. intros S. apply sqrt_lt_R0. assert (P := PI_RGT_0). apply Rmult_lt_0_compat; lra. Qed.

Lemma density_continuous m s2 q : 0 < s2 -> continuity_pt (density m s2) q.
Proof. intros S. assert (Rt := root_pos s2 S). unfold density. reg; lra. Qed.

Lemma density_pos m s2 q : 0 < s2 -> 0 < density m s2 q.
Proof. intros S. apply Rdiv_lt_0_compat; [apply exp_pos|apply root_pos, S]. Qed.

(** exp q times a density is a density that has moved. *)
Lemma density_exp m s2 q : 0 < s2 -> exp q * density m s2 q = exp (m + s2 / 2) * density (m + s2) s2 q.
Proof.
  intros S. assert (Rt := root_pos s2 S). unfold density, Rdiv. rewrite <- !Rmult_assoc, <- !exp_plus. f_equal.
  f_equal. field. lra.
Qed.

(** (q^2 - m^2 - s2) density is the derivative of a function that vanishes at both ends. *)
Definition moment_primitive (m s2 q : R) : R := - s2 * ((q + m) * density m s2 q).

Lemma moment_derivative m s2 q : 0 < s2 -> is_derive (moment_primitive m s2) q ((q * q - (m * m + s2)) * density m s2
  q).
Proof.
  intros S. assert (Rt := root_pos s2 S). unfold moment_primitive, density. auto_derive; [lra|]. unfold Rminus, Rdiv.
  set (e := exp _). field. lra.
Qed.

Lemma moment_vanishes m s2 e : 0 < s2 -> 0 < e -> exists M, forall q, M < Rabs q -> Rabs (moment_primitive m s2 q) < e.
Proof.
  intros S He. assert (Rt := root_pos s2 S). set (r := sqrt (2 * PI * s2)) in *.
  assert (A := Rabs_pos m). set (c := 2 * s2 * s2 * (1 + 2 * Rabs m) / r).
  assert (C : 0 <= c).
  { unfold c. apply Rmult_le_pos; [|apply Rlt_le, Rinv_0_lt_compat, Rt]. repeat apply Rmult_le_pos; lra. }
  exists (1 + c / e + Rabs m). intros q Hq. set (t := q - m).
  assert (D : 0 <= c / e) by (apply Rmult_le_pos; [exact C|apply Rlt_le, Rinv_0_lt_compat, He]).
  assert (T : 1 + c / e < Rabs t).
  { assert (X := Rabs_triang t m). replace (t + m) with q in X by (unfold t; ring). lra. }
  assert (N : Rabs (q + m) <= Rabs t * (1 + 2 * Rabs m)).
  { replace (q + m) with (t + 2 * m) by (unfold t; ring). eapply Rle_trans; [apply Rabs_triang|].
    rewrite (Rabs_mult 2 m), (Rabs_pos_eq 2) by lra. nra. }
  assert (Sq : t * t = Rabs t * Rabs t) by (rewrite <- Rabs_mult; symmetry; apply Rabs_pos_eq, square_nonneg).
  assert (T2 : 0 < Rabs t * Rabs t) by (apply Rmult_lt_0_compat; lra).
  assert (E : exp (- (t * t / (2 * s2))) <= 2 * s2 / (Rabs t * Rabs t)).
  { rewrite Sq, exp_Ropp. set (w := Rabs t * Rabs t / (2 * s2)).
    assert (W : 0 < w) by (apply Rdiv_lt_0_compat; lra). replace (2 * s2 / (Rabs t * Rabs t)) with (/ w) by (unfold w;
      field; lra).
    apply Rinv_le_contravar; [exact W|]. assert (I := exp_ineq1_le w). lra. }
  unfold moment_primitive, density. fold r. fold t.
  rewrite !Rabs_mult, Rabs_Ropp, (Rabs_pos_eq s2) by lra. unfold Rdiv at 1. rewrite Rabs_mult.
  rewrite (Rabs_pos_eq (exp _)) by apply Rlt_le, exp_pos. rewrite (Rabs_pos_eq (/ r))
    by apply Rlt_le, Rinv_0_lt_compat, Rt.
  apply Rle_lt_trans with (s2 * (Rabs t * (1 + 2 * Rabs m) * (2 * s2 / (Rabs t * Rabs t) * / r))).
  - assert (I := Rinv_0_lt_compat _ Rt). assert (X := exp_pos (- (t * t / (2 * s2)))).
    apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat; [apply Rabs_pos|apply Rmult_le_pos; lra|exact N|].
    apply Rmult_le_compat_r; [lra|exact E].
  - replace (s2 * _) with (c / Rabs t) by (unfold c; field; lra).
    apply (Rmult_lt_reg_r (Rabs t)); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
    assert (X : c = e * (c / e)) by (field; lra). rewrite X at 1. apply Rmult_lt_compat_l; lra.
Qed.

Lemma moment_integral m s2 : 0 < s2 -> integral_over_line (fun q => (q * q - (m * m + s2)) * density m s2 q) 0.
Proof.
  intros S. assert (D := fun q => moment_derivative m s2 q S).
  assert (Ends : forall F : (R -> Prop) -> Prop, (forall M, F (fun q => M < Rabs q)) -> Filter F ->
    filterlim (moment_primitive m s2) F (locally 0)).
  { intros F FM FF. apply filterlim_locally. intros e. destruct (moment_vanishes m s2 e S (cond_pos e)) as (M & H).
    apply (filter_imp (fun q => M < Rabs q)); [|apply FM]. intros q Hq. change (Rabs (moment_primitive m s2 q - 0) < e).
    rewrite Rminus_0_r. apply H, Hq. }
  replace 0 with (0 - 0) at 1 by ring. unfold integral_over_line.
  apply (is_RInt_gen_ext (Derive (moment_primitive m s2))).
  { exists (fun _ => True) (fun _ => True); try (exists 0; intros; exact I). intros x y _ _ q _.
    apply is_derive_unique, D. }
  apply is_RInt_gen_Derive.
  - exists (fun _ => True) (fun _ => True); try (exists 0; intros; exact I). intros x y _ _ q _. eexists. apply D.
  - exists (fun _ => True) (fun _ => True); try (exists 0; intros; exact I). intros x y _ _ q _.
    apply (continuous_ext (fun q => (q * q - (m * m + s2)) * density m s2 q)); [intros; symmetry;
      apply is_derive_unique, D|].
    apply continuity_pt_filterlim, continuity_pt_mult; [reg|apply density_continuous, S].
  - apply Ends; [|apply Rbar_locally_filter]. intros M. exists (- (Rabs M + 1)). intros q Hq. assert (A := Rle_abs M).
    assert (B := Rle_abs (- q)). rewrite Rabs_Ropp in B. lra.
  - apply Ends; [|apply Rbar_locally_filter]. intros M. exists (Rabs M + 1). intros q Hq. assert (A := Rle_abs M).
    assert (B := Rle_abs q). lra.
Qed.

Lemma integral_unique f i j : integral_over_line f i -> integral_over_line f j -> i = j.
Proof.
  unfold integral_over_line. intros A B.
  rewrite <- (@is_RInt_gen_unique R_CompleteNormedModule _ _ _ _ f i A), <- (@is_RInt_gen_unique R_CompleteNormedModule
    _ _ _ _ f j B).
  reflexivity.
Qed.

Section Facts.
Variables (Sigma : sym) (E : vec -> (vec -> R) -> R).
Hypothesis G : Gaussian Sigma E.

Lemma E_ext mu f g : (forall x, f x = g x) -> E mu f = E mu g.
Proof. intros H. f_equal. apply functional_extensionality, H. Qed.

Lemma E_plus mu f g : Dom f -> Dom g -> E mu (fun x => f x + g x) = E mu f + E mu g.
Proof.
  intros F H. rewrite <- (Rmult_1_l (E mu f)), <- (Rmult_1_l (E mu g)), <- (E_lin _ _ G); [|assumption|assumption].
  apply E_ext. intros; ring.
Qed.

Lemma E_scal mu c f : Dom f -> E mu (fun x => c * f x) = c * E mu f.
Proof.
  intros F. transitivity (c * E mu f + 0 * E mu f); [|ring]. rewrite <- (E_lin _ _ G); [|assumption|assumption].
  apply E_ext. intros; ring.
Qed.

Lemma E_const mu c : E mu (fun _ => c) = c.
Proof.
  transitivity (E mu (fun _ => c * 1)); [apply E_ext; intros; ring|].
  rewrite (E_scal mu c (fun _ => 1)); [rewrite (E_one _ _ G); ring|apply Dom_const].
Qed.

(** The mean of u'x. *)
Lemma E_dot mu u : E mu (dot u) = dot u mu.
Proof.
  assert (H := E_across _ _ G mu u zero (fun _ => 1)). cbv beta in H. rewrite (E_one _ _ G), Rmult_1_r in H.
  rewrite <- H; [apply E_ext; intros; ring|coordinates; ring|apply Dom_const|].
  apply Dom_ext with (dot u); [intros; ring|apply Dom_dot].
Qed.

Hypothesis P : pos_def Sigma.

Lemma form_zero_or_pos u : u = zero \/ 0 < form Sigma u.
Proof.
  destruct (Req_dec (vx u) 0) as [X|X]; [destruct (Req_dec (vy u) 0) as [Y|Y]|].
  - left. rewrite (vec_eta u), X, Y. reflexivity.
  - right. apply pos_def_form; [exact P|]. intros ->. apply Y. reflexivity.
  - right. apply pos_def_form; [exact P|]. intros ->. apply X. reflexivity.
Qed.

(** The second moment of u'x is its variance plus the square of its mean. *)
Lemma E_square mu u : E mu (fun x => dot u x * dot u x) = form Sigma u + dot u mu * dot u mu.
Proof.
  destruct (form_zero_or_pos u) as [->|S].
  - transitivity (E mu (fun _ => 0)); [apply E_ext; intros; coordinates; ring|]. rewrite E_const. coordinates. ring.
  - set (c := dot u mu * dot u mu + form Sigma u).
    assert (D : Dom (fun x => 1 * (dot u x * dot u x) + - c * 1)) by (apply Dom_lin;
      [apply Dom_square|apply Dom_const]).
    assert (H := E_line _ _ G mu u (fun q => 1 * (q * q) + - c * 1) S D). cbv beta in H.
    rewrite (E_lin _ _ G), (E_one _ _ G) in H; [|apply Dom_square|apply Dom_const].
    assert (Z := integral_unique _ _ 0 H). assert (I : 1 * E mu (fun x => dot u x * dot u x) + - c * 1 = 0);
      [|unfold c in I; lra].
    apply Z. eapply is_RInt_gen_ext; [|apply (moment_integral (dot u mu) (form Sigma u) S)].
    exists (fun _ => True) (fun _ => True); try (exists 0; intros; exact Logic.I). intros x y _ _ q _. simpl. unfold c.
    ring.
Qed.

(** The moment generating function. *)
Lemma E_exp mu u : E mu (fun x => exp (dot u x)) = exp (dot u mu + form Sigma u / 2).
Proof.
  destruct (form_zero_or_pos u) as [->|S].
  - transitivity (E mu (fun _ => 1)); [apply E_ext; intros; rewrite <- exp_0; f_equal; coordinates; ring|].
    rewrite (E_one _ _ G), <- exp_0. f_equal. coordinates. field.
  - set (nu := Vec (vx mu + vx (act Sigma u)) (vy mu + vy (act Sigma u))).
    assert (N : dot u nu = dot u mu + form Sigma u) by (unfold nu; coordinates; ring).
    apply (integral_unique (fun q => exp q * density (dot u mu) (form Sigma u) q)).
    + apply (E_line _ _ G mu u exp S (Dom_exp u)).
    + assert (H := E_line _ _ G nu u (fun _ => 1) S (Dom_const 1)). cbv beta in H. rewrite (E_one _ _ G), N in H.
      rewrite <- (Rmult_1_r (exp _)). unfold integral_over_line in *.
      eapply is_RInt_gen_ext; [|apply (is_RInt_gen_scal _ (exp (dot u mu + form Sigma u / 2)) _ H)].
      exists (fun _ => True) (fun _ => True); try (exists 0; intros; exact I). intros x y _ _ q _. cbv beta.
      rewrite density_exp by exact S. unfold scal; simpl. unfold mult; simpl. ring.
Qed.
End Facts.
