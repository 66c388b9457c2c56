(** Sums over lists: of the components of a mixture, and of the columns of a map. *)
From Coq Require Import Reals Lra List.
Open Scope R_scope.

Section Sums.
Context {T : Type}.
Implicit Types (f g : T -> R) (l : list T).

Fixpoint sum f l : R := match l with nil => 0 | k :: rest => f k + sum f rest end.

Lemma sum_ext f g l : (forall k, In k l -> f k = g k) -> sum f l = sum g l.
Proof. induction l as [|k l IH]; simpl; intros H; [reflexivity|]. rewrite H, IH; auto. Qed.

Lemma sum_plus f g l : sum (fun k => f k + g k) l = sum f l + sum g l.
Proof. induction l as [|k l IH]; simpl; [|rewrite IH]; ring. Qed.

Lemma sum_scal c f l : sum (fun k => c * f k) l = c * sum f l.
Proof. induction l as [|k l IH]; simpl; [|rewrite IH]; ring. Qed.

Lemma sum_scal_r c f l : sum (fun k => f k * c) l = sum f l * c.
Proof. induction l as [|k l IH]; simpl; [|rewrite IH]; ring. Qed.

Lemma sum_lin a b f g l : sum (fun k => a * f k + b * g k) l = a * sum f l + b * sum g l.
Proof. rewrite sum_plus, !sum_scal. reflexivity. Qed.

Lemma sum_le f g l : (forall k, In k l -> f k <= g k) -> sum f l <= sum g l.
Proof.
  induction l as [|k l IH]; simpl; intros H; [lra|].
  assert (A := H k (or_introl eq_refl)). assert (B : sum f l <= sum g l) by (apply IH; auto). lra.
Qed.

Lemma sum_zero l : sum (fun _ => 0) l = 0.
Proof. induction l as [|k l IH]; simpl; [|rewrite IH]; ring. Qed.

Lemma sum_nonneg f l : (forall k, In k l -> 0 <= f k) -> 0 <= sum f l.
Proof. intros H. rewrite <- (sum_zero l). apply sum_le, H. Qed.

Lemma sum_pos f l : l <> nil -> (forall k, In k l -> 0 < f k) -> 0 < sum f l.
Proof.
  destruct l as [|k l]; [congruence|]. simpl. intros _ H.
  assert (A := H k (or_introl eq_refl)).
  assert (B : 0 <= sum f l) by (apply sum_nonneg; intros j J; apply Rlt_le, H; auto). lra.
Qed.

Lemma sum_member f l k : (forall j, In j l -> 0 <= f j) -> In k l -> f k <= sum f l.
Proof.
  induction l as [|j l IH]; simpl; intros H K; [contradiction|].
  assert (A := H j (or_introl eq_refl)).
  assert (B : 0 <= sum f l) by (apply sum_nonneg; auto).
  destruct K as [->|K]; [lra|]. assert (C := IH (fun i I => H i (or_intror I)) K). lra.
Qed.

Lemma sum_abs f l : Rabs (sum f l) <= sum (fun k => Rabs (f k)) l.
Proof.
  induction l as [|k l IH]; simpl; [rewrite Rabs_R0; lra|].
  assert (A := Rabs_triang (f k) (sum f l)). lra.
Qed.

(** A sum whose terms lie within e of numbers lies within the sum of the e of their sum. *)
Lemma sum_near f g e l : (forall k, In k l -> Rabs (f k - g k) <= e k) -> Rabs (sum f l - sum g l) <= sum e l.
Proof.
  intros H. replace (sum f l - sum g l) with (sum (fun k => f k - g k) l).
  - eapply Rle_trans; [apply sum_abs|apply sum_le, H].
  - transitivity (sum (fun k => 1 * f k + (-1) * g k) l); [apply sum_ext; intros; ring|rewrite sum_lin; ring].
Qed.
End Sums.

Lemma sum_map {S T} (f : T -> R) (g : S -> T) l : sum f (map g l) = sum (fun k => f (g k)) l.
Proof. induction l as [|k l IH]; simpl; [|rewrite IH]; reflexivity. Qed.
