(** PCA: where a direction across a subspace has more variance, its orthonormal bases are not the best ones. *)
From Coq Require Import Reals Lra Lia List.
From InfoNCE Require Import Sums.
From Exact Require Import Vectors.
Open Scope R_scope.

Section Principal.
Context (d r : nat) (Second : mat).  (* R, the matrix of second moments *)

Definition orthonormal (A : mat) : Prop :=
  forall c e, (c < r)%nat -> (e < r)%nat -> dot d (column A c) (column A e) = kronecker c e.
Definition explained (A : mat) : R := total r (fun c => form d Second (column A c) (column A c)).

(** A is a maximiser of tr A'RA among the d x r matrices with A'A = I. *)
Definition maximiser (A : mat) : Prop := orthonormal A /\ forall A', orthonormal A' -> explained A' <= explained A.

(** x in the span, p orthogonal to it, and x + p has the larger Rayleigh quotient: turning x to x + p is better. *)
Theorem better_across K b x p : symmetric d Second -> spanned d K b x ->
  (forall k, (k < K)%nat -> dot d (column b k) p = 0) -> 0 < dot d x x ->
  form d Second x x * (dot d x x + dot d p p)
    < form d Second (fun i => x i + p i) (fun i => x i + p i) * dot d x x ->
  forall A, maximiser A -> ~ learns d r K b A.
Proof.
  intros Sym X O P Q A [N M] [In Out].
  destruct (spanned_trans d K r b A x Out X) as [z Z].
  set (y := fun i => x i + p i) in *. set (nx := sqrt (dot d x x)). set (ny := sqrt (dot d y y)).
  assert (Xp : dot d x p = 0) by (apply (spanned_orthogonal d K b); assumption).
  assert (Yy : dot d y y = dot d x x + dot d p p).
  { unfold y. rewrite dot_plus_l, !dot_plus_r, (dot_comm d p x), Xp. ring. }
  assert (Yx : dot d y x = dot d x x) by (unfold y; rewrite dot_plus_l, (dot_comm d p x), Xp; ring).
  assert (Pp : 0 <= dot d p p) by (apply total_nonneg; intros; apply Rle_0_sqr).
  assert (Px : 0 < nx) by (apply sqrt_lt_R0; assumption). assert (Py : 0 < ny) by (apply sqrt_lt_R0; lra).
  assert (Sx : nx * nx = dot d x x) by (apply sqrt_sqrt; lra). assert (Sy : ny * ny = dot d y y) by (apply sqrt_sqrt; lra).
  set (g := fun i => / ny * y i + - / nx * x i). set (k := fun c => / nx * z c).
  set (A' := fun i c => A i c + k c * g i).
  assert (Ax : forall c, (c < r)%nat -> dot d (column A c) x = z c).
  { intros c C. rewrite dot_comm, (dot_ext d x (times r A z) _ (column A c) Z) by reflexivity. rewrite dot_times_l.
    transitivity (total r (fun e => kronecker e c * z e)); [|apply total_kronecker, C].
    apply total_ext. intros e E. rewrite (N e c E C). ring. }
  assert (Ag : forall c, (c < r)%nat -> dot d (column A c) g = z c * (/ ny - / nx)).
  { intros c C. unfold g. rewrite dot_plus_r, !dot_scal_r, (Ax c C).
    unfold y. rewrite dot_plus_r, (Ax c C), (spanned_orthogonal d K b _ p (In c C) O). ring. }
  assert (Gg : dot d g g = 2 - 2 * (nx / ny)).
  { unfold g. rewrite dot_plus_l, !dot_plus_r, !dot_scal_l, !dot_scal_r, (dot_comm d x y), Yx, <- Sx, <- Sy.
    field. lra. }
  assert (N' : orthonormal A').
  { intros c e C E.
    transitivity (dot d (fun i => column A c i + k c * g i) (fun i => column A e i + k e * g i)); [reflexivity|].
    rewrite dot_plus_l, !dot_plus_r, !dot_scal_l, !dot_scal_r, (N c e C E), Gg, (Ag c C), (dot_comm d g), (Ag e E).
    unfold k. field. lra. }
  assert (B := M A' N').
  assert (D : explained A' = explained A + (form d Second y y / (ny * ny) - form d Second x x / (nx * nx))).
  { assert (T : forall v, total r (fun c => k c * form d Second (column A c) v) = / nx * form d Second x v).
    { intros v. rewrite (form_ext d Second x (times r A z) v v Z) by reflexivity. rewrite form_times_l, <- total_scal.
      apply total_ext. intros; unfold k; ring. }
    assert (Kk : total r (fun c => k c * k c) = 1).
    { transitivity (/ nx * / nx * dot d x x); [|rewrite <- Sx; field; lra].
      rewrite (dot_ext d x (times r A z) x x Z) by reflexivity. rewrite dot_times_l, <- total_scal.
      apply total_ext. intros c C. rewrite (Ax c C). unfold k. ring. }
    transitivity (total r (fun c => form d Second (column A c) (column A c)
      + (2 * (k c * form d Second (column A c) g) + k c * k c * form d Second g g))).
    - apply total_ext. intros c C.
      transitivity (form d Second (fun i => column A c i + k c * g i) (fun i => column A c i + k c * g i));
        [reflexivity|].
      rewrite form_plus_l, !form_plus_r, !form_scal_l, !form_scal_r, (form_swap d Second g _ Sym). ring.
    - rewrite total_plus, total_plus, total_scal, total_scal_r, T, Kk. unfold explained.
      unfold g. rewrite !form_plus_l, !form_plus_r, !form_scal_l, !form_scal_r, (form_swap d Second y x Sym).
      field. lra. }
  assert (F : form d Second x x / (nx * nx) < form d Second y y / (ny * ny)).
  { rewrite Sx, Sy, Yy. apply (Rmult_lt_reg_r (dot d x x * (dot d x x + dot d p p))); [nra|].
    replace (form d Second x x / dot d x x * (dot d x x * (dot d x x + dot d p p)))
      with (form d Second x x * (dot d x x + dot d p p)) by (field; lra).
    replace (form d Second y y / (dot d x x + dot d p p) * (dot d x x * (dot d x x + dot d p p)))
      with (form d Second y y * dot d x x) by (field; lra). exact Q. }
  lra.
Qed.
End Principal.
