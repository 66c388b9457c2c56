(** What is assumed of Gaussian expectations, and what follows at once.

    [Gaussian Sigma E] lists facts about E mu f, the expectation of f(x) for x ~ N(mu, Sigma) in the plane. It is the one
    hypothesis of the theorems that is not a number. The true expectation satisfies it: on the functions of [Dom], which
    are continuous and grow at most quadratically, and on exponentials of linear functions, let E mu f be the Lebesgue
    integral, elsewhere 0. Everything asked for is then a textbook fact about integrable functions. Without the condition
    on growth the record would be contradictory ([Consistency.v]). *)
From Coq Require Import Reals Lra Psatz List FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From InfoNCE Require Import Sums Plane.
Open Scope R_scope.

(** Continuous on the plane, of at most quadratic growth. *)
Definition continuous2 (f : vec -> R) : Prop := forall x y, continuity_2d_pt (fun x y => f (Vec x y)) x y.
Definition Dom (f : vec -> R) : Prop :=
  continuous2 f /\ exists c, 0 <= c /\ forall x, Rabs (f x) <= c * (1 + dot x x).

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
    Dom (fun x => dot u x * g (dot v x)) -> E mu (fun x => dot u x * g (dot v x)) = dot u mu * E mu (fun x => g (dot v x));
  (* The second moment of u'x is its variance plus the square of its mean. *)
  E_square : forall mu u, E mu (fun x => dot u x * dot u x) = form Sigma u + dot u mu * dot u mu;
  (* The moment generating function. It is outside Dom and is used for one exponential at a time only. *)
  E_exp : forall mu u, E mu (fun x => exp (dot u x)) = exp (dot u mu + form Sigma u / 2) }.

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

Lemma continuous2_sum {T} (f : T -> vec -> R) l : (forall k, continuous2 (f k)) -> continuous2 (fun x => sum (fun k => f k x) l).
Proof. intros H. induction l; simpl; [apply continuous2_const|apply continuous2_plus; auto]. Qed.

Lemma dot_bound u x : Rabs (dot u x) <= (Rabs (vx u) + Rabs (vy u)) * (1 + dot x x).
Proof.
  unfold dot. eapply Rle_trans; [apply Rabs_triang|]. rewrite !Rabs_mult.
  assert (A := Rabs_pos (vx u)). assert (B := Rabs_pos (vy u)).
  set (s := 1 + (vx x * vx x + vy x * vy x)).
  assert (X : Rabs (vx x) <= s) by (unfold s; apply Rabs_le; nra).
  assert (Y : Rabs (vy x) <= s) by (unfold s; apply Rabs_le; nra). nra.
Qed.

Lemma Dom_lin a f b g : Dom f -> Dom g -> Dom (fun x => a * f x + b * g x).
Proof.
  intros (Cf & cf & Pf & Bf) (Cg & cg & Pg & Bg). split.
  - apply continuous2_plus; apply continuous2_mult; try apply continuous2_const; assumption.
  - exists (Rabs a * cf + Rabs b * cg). assert (A := Rabs_pos a). assert (B := Rabs_pos b). split; [nra|].
    intros x. eapply Rle_trans; [apply Rabs_triang|]. rewrite !Rabs_mult.
    assert (A1 := Rmult_le_compat_l _ _ _ A (Bf x)). assert (B1 := Rmult_le_compat_l _ _ _ B (Bg x)). lra.
Qed.

Lemma Dom_ext f g : (forall x, f x = g x) -> Dom f -> Dom g.
Proof. intros H F. replace g with f; [exact F|apply functional_extensionality, H]. Qed.

Lemma dot_square_nonneg (x : vec) : 0 <= dot x x.
Proof. unfold dot. assert (A := square_nonneg (vx x)). assert (B := square_nonneg (vy x)). lra. Qed.

Lemma Dom_const c : Dom (fun _ => c).
Proof.
  split; [apply continuous2_const|]. exists (Rabs c). split; [apply Rabs_pos|]. intros x.
  assert (A := Rabs_pos c). assert (B := dot_square_nonneg x). nra.
Qed.

Lemma Dom_dot u : Dom (dot u).
Proof.
  split; [apply continuous2_dot|]. exists (Rabs (vx u) + Rabs (vy u)).
  split; [apply Rplus_le_le_0_compat; apply Rabs_pos|apply dot_bound].
Qed.

Lemma Dom_square u : Dom (fun x => dot u x * dot u x).
Proof.
  split; [apply continuous2_mult; apply continuous2_dot|]. exists (dot u u). split; [apply dot_square_nonneg|]. intros x.
  rewrite Rabs_pos_eq; [|apply square_nonneg]. assert (A := square_nonneg (cross u x)). assert (B := dot_square_nonneg u).
  coordinates. nra.
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
End Facts.
