(** The plane: vectors, symmetric 2 x 2 matrices, positive semidefiniteness, spans. *)
From Coq Require Import Reals Lra Psatz List.
From InfoNCE Require Import Sums.
Open Scope R_scope.

Record vec := Vec { vx : R; vy : R }.

Definition zero : vec := Vec 0 0.
Definition dot (u v : vec) : R := vx u * vx v + vy u * vy v.
Definition cross (u v : vec) : R := vx u * vy v - vy u * vx v.
Definition turn (v : vec) : vec := Vec (- vy v) (vx v).                       (* by a right angle *)

(** ((xx, xy), (xy, yy)) *)
Record sym := Sym { xx : R; xy : R; yy : R }.

Definition act (M : sym) (v : vec) : vec := Vec (xx M * vx v + xy M * vy v) (xy M * vx v + yy M * vy v).
Definition form (M : sym) (v : vec) : R := dot v (act M v).                   (* v' M v *)
Definition det (M : sym) : R := xx M * yy M - xy M * xy M.
Definition outer (v : vec) : sym := Sym (vx v * vx v) (vx v * vy v) (vy v * vy v).   (* v v' *)
Definition mix2 (a : R) (M : sym) (b : R) (N : sym) : sym :=                  (* a M + b N *)
  Sym (a * xx M + b * xx N) (a * xy M + b * xy N) (a * yy M + b * yy N).
Definition size2 (M : sym) : R := xx M * xx M + 2 * (xy M * xy M) + yy M * yy M.     (* Frobenius norm, squared *)
Definition scalar (c : R) : sym := Sym c 0 c.

Definition psd (M : sym) : Prop := forall v, 0 <= form M v.
Definition pos_def (M : sym) : Prop := 0 < xx M /\ 0 < det M.

(** M^-1 m, for det M <> 0 *)
Definition solve (M : sym) (m : vec) : vec :=
  Vec ((yy M * vx m - xy M * vy m) / det M) ((xx M * vy m - xy M * vx m) / det M).

(** u is a linear combination of the vectors of the list. *)
Fixpoint span (l : list vec) (u : vec) : Prop :=
  match l with
  | nil => u = zero
  | a :: rest => exists c, span rest (Vec (vx u - c * vx a) (vy u - c * vy a))
  end.

Ltac coordinates := unfold solve, pos_def, form, dot, cross, turn, act, det, outer, mix2, size2, scalar, zero in *;
  cbn [vx vy xx xy yy] in *.

Lemma square_nonneg x : 0 <= x * x.
Proof. apply Rle_0_sqr. Qed.

Lemma vec_eta v : v = Vec (vx v) (vy v).
Proof. destruct v. reflexivity. Qed.

Lemma sym_eq M N : xx M = xx N -> xy M = xy N -> yy M = yy N -> M = N.
Proof. destruct M, N. simpl. intros -> -> ->. reflexivity. Qed.

(** Positive semidefinite means: both entries of the diagonal and the determinant are nonnegative. *)
Lemma psd_minors M : psd M <-> 0 <= xx M /\ 0 <= yy M /\ 0 <= det M.
Proof.
  destruct M as [a b c]. unfold psd. split.
  - intros H. assert (A := H (Vec 1 0)). assert (C := H (Vec 0 1)). coordinates.
    assert (Ha : 0 <= a) by lra. assert (Hc : 0 <= c) by lra. split; [exact Ha|split; [exact Hc|]].
    destruct (Rle_lt_or_eq_dec _ _ Ha) as [P|P].
    + assert (D := H (Vec (- b) a)). cbn [vx vy] in D.
      replace (- b * (a * - b + b * a) + a * (b * - b + c * a)) with (a * (a * c - b * b)) in D by ring.
      destruct (Rle_dec 0 (a * c - b * b)); [assumption|nra].
    + rewrite <- P in *. destruct (Req_dec b 0) as [->|B]; [lra|].
      assert (D := H (Vec (- (c + 1) / (2 * b)) 1)). exfalso. cbn [vx vy] in D.
      match type of D with 0 <= ?e => replace e with (-1) in D by (field; exact B) end. lra.
  - intros (Pa & Pc & Pd) [x y]. coordinates. destruct (Rle_lt_or_eq_dec _ _ Pa) as [Ha|Ha].
    + assert (0 <= a * (x * (a * x + b * y) + y * (b * x + c * y))); [|nra].
      replace (a * (x * (a * x + b * y) + y * (b * x + c * y)))
        with ((a * x + b * y) * (a * x + b * y) + y * y * (a * c - b * b)) by ring.
      apply Rplus_le_le_0_compat; [apply square_nonneg|apply Rmult_le_pos; [apply square_nonneg|exact Pd]].
    + assert (B : b = 0) by (rewrite <- Ha in Pd; nra). rewrite <- Ha, B.
      assert (0 <= y * y * c) by (apply Rmult_le_pos; [apply square_nonneg|exact Pc]). lra.
Qed.

Lemma pos_def_yy M : pos_def M -> 0 < yy M.
Proof. destruct M as [a b c]. coordinates. intros (A & D). assert (B := square_nonneg b). nra. Qed.

Lemma pos_def_form M v : pos_def M -> v <> zero -> 0 < form M v.
Proof.
  intros P V. destruct M as [a b c], v as [x y]. coordinates. destruct P as (A & D).
  assert (H : 0 < a * (x * (a * x + b * y) + y * (b * x + c * y))); [|nra].
  replace (a * (x * (a * x + b * y) + y * (b * x + c * y)))
    with ((a * x + b * y) * (a * x + b * y) + (y * y) * (a * c - b * b)) by ring.
  assert (S := square_nonneg (a * x + b * y)).
  destruct (Req_dec y 0) as [->|Y].
  - assert (X : x <> 0) by congruence. assert (0 < (a * x) * (a * x)); [|lra].
    assert (Z := Rlt_0_sqr (a * x)). unfold Rsqr in Z. apply Z, Rmult_integral_contrapositive; split; lra.
  - assert (0 < (y * y) * (a * c - b * b)); [|lra]. apply Rmult_lt_0_compat; [|exact D].
    assert (Z := Rlt_0_sqr y). unfold Rsqr in Z. auto.
Qed.

Lemma pos_def_psd M : pos_def M -> psd M.
Proof.
  intros P. assert (Y := pos_def_yy M P). apply psd_minors. destruct P. repeat split; lra.
Qed.

Lemma psd_mix2 a M b N : 0 <= a -> 0 <= b -> psd M -> psd N -> psd (mix2 a M b N).
Proof.
  intros A B PM PN v. replace (form (mix2 a M b N) v) with (a * form M v + b * form N v) by (coordinates; ring).
  apply Rplus_le_le_0_compat; apply Rmult_le_pos; auto.
Qed.

Lemma psd_outer v : psd (outer v).
Proof.
  intros u. replace (form (outer v) u) with (dot u v * dot u v) by (coordinates; ring). apply square_nonneg.
Qed.

Lemma size2_nonneg M : 0 <= size2 M.
Proof. unfold size2. assert (A := square_nonneg (xx M)). assert (B := square_nonneg (xy M)).
assert (C := square_nonneg (yy M)). lra. Qed.

(** What is orthogonal to all the vectors is orthogonal to their span. *)
Lemma span_orthogonal l u n : (forall a, In a l -> dot n a = 0) -> span l u -> dot n u = 0.
Proof.
  revert u. induction l as [|a l IH]; simpl; intros u H S; [subst; coordinates; ring|].
  destruct S as (c & S). apply IH in S; [|auto]. assert (A := H a (or_introl eq_refl)). coordinates.
  replace (vx n * vx u + vy n * vy u) with
    (vx n * (vx u - c * vx a) + vy n * (vy u - c * vy a) + c * (vx n * vx a + vy n * vy a)) by ring.
  rewrite S, A. ring.
Qed.

Lemma span_zero l : span l zero.
Proof.
  induction l as [|a l IH]; simpl; [reflexivity|]. exists 0. unfold zero in *. simpl.
  replace (0 - 0 * vx a) with 0 by ring. replace (0 - 0 * vy a) with 0 by ring. exact IH.
Qed.

Lemma span_lin l a u b v : span l u -> span l v -> span l (Vec (a * vx u + b * vx v) (a * vy u + b * vy v)).
Proof.
  revert u v. induction l as [|d l IH]; simpl; intros u v U V.
  - subst. unfold zero. f_equal; simpl; ring.
  - destruct U as (c & U), V as (e & V). exists (a * c + b * e). specialize (IH _ _ U V). cbn [vx vy] in *.
    replace (a * vx u + b * vx v - (a * c + b * e) * vx d) with (a * (vx u - c * vx d) + b * (vx v - e * vx d)) by ring.
    replace (a * vy u + b * vy v - (a * c + b * e) * vy d) with (a * (vy u - c * vy d) + b * (vy v - e * vy d)) by ring.
    exact IH.
Qed.

Lemma span_member l a : In a l -> span l a.
Proof.
  induction l as [|d l IH]; simpl; [contradiction|]. intros [->|H].
  - exists 1. replace (Vec _ _) with zero; [apply span_zero|]. unfold zero. f_equal; ring.
  - exists 0. replace (Vec _ _) with a; [auto|]. destruct a; simpl. f_equal; ring.
Qed.

(** Two vectors that are not parallel span the plane. *)
Lemma span_plane l a b u : In a l -> In b l -> cross a b <> 0 -> span l u.
Proof.
  intros A B N. replace u with (Vec (cross u b / cross a b * vx a + cross a u / cross a b * vx b)
                                    (cross u b / cross a b * vy a + cross a u / cross a b * vy b)).
  - apply (span_lin l _ a _ b); apply span_member; assumption.
  - destruct u as [x y], a as [p q], b as [r s]. coordinates. f_equal; field; exact N.
Qed.

(** tr (M Sigma N Sigma) *)
Definition trace2 (Sigma M N : sym) : R :=
  let p := act M (Vec (xx Sigma) (xy Sigma)) in let q := act M (Vec (xy Sigma) (yy Sigma)) in
  let r := act N (Vec (xx Sigma) (xy Sigma)) in let s := act N (Vec (xy Sigma) (yy Sigma)) in
  vx p * vx r + vx q * vy r + vy p * vx s + vy q * vy s.

(** Sigma is at least lambda times the identity. *)
Definition above (Sigma : sym) (lambda : R) : Prop := 0 < lambda /\ psd (mix2 1 Sigma (- lambda) (scalar 1)).

Lemma above_exists Sigma : pos_def Sigma -> exists lambda, above Sigma lambda.
Proof.
  intros P. destruct Sigma as [p q s]. assert (Y := pos_def_yy _ P). destruct P as (A & D). coordinates.
  set (lambda := (p * s - q * q) / (p + s)).
  assert (E0 : lambda * (p + s) = p * s - q * q) by (unfold lambda; field; lra).
  assert (L0 : 0 < lambda) by (apply Rdiv_lt_0_compat; lra).
  assert (Q := square_nonneg q). exists lambda. split; [exact L0|].
  assert (Sq := square_nonneg p). assert (Ss := square_nonneg s). assert (Sl := square_nonneg lambda).
  apply psd_minors. coordinates. repeat split; [| |lra]; apply (Rmult_le_reg_r (p + s)); lra.
Qed.

Lemma trace2_lower Sigma lambda M : above Sigma lambda -> lambda * lambda * size2 M <= trace2 Sigma M M.
Proof.
  intros (L0 & H). set (T := mix2 1 Sigma (- lambda) (scalar 1)) in H.
  destruct M as [a b c]. destruct Sigma as [p q s].
  assert (R1 := H (Vec a b)). assert (R2 := H (Vec b c)). apply psd_minors in H. destruct H as (H1 & H2 & H3).
  unfold T, trace2 in *. coordinates. set (x := 1 * p + - lambda * 1) in *. set (y := 1 * q + - lambda * 0) in *.
  set (z := 1 * s + - lambda * 1) in *.
  assert (Ex : p = x + lambda) by (unfold x; ring). assert (Ey : q = y) by (unfold y; ring).
  assert (Ez : s = z + lambda) by (unfold z; ring). rewrite Ex, Ey, Ez. clearbody x y z. clear T Ex Ey Ez.
  set (h := (a * x + b * y) * (a * x + b * y) + 2 * ((a * y + b * z) * (b * x + c * y)) + (b * y + c * z) * (b * y + c *
    z)).
  assert (N : 0 <= h).
  { unfold h. destruct (Rle_lt_or_eq_dec _ _ H1) as [X|X].
    - apply (Rmult_le_reg_l (x * x)); [apply Rmult_lt_0_compat; exact X|]. rewrite Rmult_0_r.
      set (d := x * z - y * y) in *. set (e := a * x * x + 2 * b * x * y + c * y * y).
      match goal with |- 0 <= ?u => replace u with (e * e + 2 * (d * ((b * x + c * y) * (b * x + c * y))) + (c * d) * (c
        * d)) by (unfold e, d; ring) end.
      assert (S1 := square_nonneg e). assert (S2 := square_nonneg (c * d)).
      assert (S3 := Rmult_le_pos _ _ H3 (square_nonneg (b * x + c * y))). lra.
    - assert (Y : y = 0) by (rewrite <- X in H3; nra). rewrite <- X, Y.
      assert (S := square_nonneg (c * z)). lra. }
  match goal with |- _ <= ?u => replace u with (h + lambda * 2 * ((a * (x * a + y * b) + b * (y * a + z * b)) + (b * (x
    * b + y * c) + c * (y * b + z * c)))
    + lambda * lambda * (a * a + 2 * (b * b) + c * c)) by (unfold h; ring) end.
  assert (0 <= lambda * 2 * ((a * (x * a + y * b) + b * (y * a + z * b)) + (b * (x * b + y * c) + c * (y * b + z *
    c))));
    [apply Rmult_le_pos; lra|lra].
Qed.
