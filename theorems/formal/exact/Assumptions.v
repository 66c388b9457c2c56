(** The theorems about losses that rationals decide, and what each rests on, printed. *)
From Exact Require Import Vectors Graphs Clip Fisher Principal Spectral.

(** Finite graphs: the loss and the distance to the adjacency matrix differ by a constant. *)
Check graph_equivalence.
Print Assumptions graph_equivalence.

(** Fisher's criterion is largest exactly on what contains S_F. *)
Check fisher_optimality.
Print Assumptions fisher_optimality.

(** CLIP's factors are not inside, PCA prefers another subspace, spectral contrastive learns exactly S_F. *)
Check images_leave.
Print Assumptions images_leave.
Check texts_leave.
Print Assumptions texts_leave.
Check better_across.
Print Assumptions better_across.
Check learns_exactly.
Print Assumptions learns_exactly.
