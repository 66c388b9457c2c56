(** The headline theorems, and what each rests on, printed. Written by `thmverify export`. *)
From InfoNCE Require Import Sums Plane Gaussian Loss Learning Refutation.
From Instance Require Import Mixture Refuted.

(** What is assumed of the expectation E, and what the theorem speaks of. *)
Print Gaussian.
Print infonce.
Print minimiser.
Print proper_subspace.
Print fisher.

(** The loss is a function of AA'; minimisers exist; numbers suffice for the theorem; the theorem for this mixture. *)
Check infonce_closed.
Print Assumptions infonce_closed.
Check minimisers_exist.
Print Assumptions minimisers_exist.
Check refutation.
Print Assumptions refutation.
Check infonce_equality_fails.
Print Assumptions infonce_equality_fails.
