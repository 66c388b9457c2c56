(** The headline theorems, and what each rests on, printed. Written by `thmverify export`. *)
From InfoNCE Require Import Sums Plane Gaussian Double Expectation Loss Learning Refutation.
From InfoNCE Require Import Convex Scores Population.
From Instance Require Import Mixture Refuted.

(** What the theorem speaks of, and what is used of the expectation. *)
Print expectation.
Print weighted.
Print normal.
Print plane.
Print line.
Print Gaussian.
Print infonce.
Print minimiser.
Print proper_subspace.
Print fisher.
Print law.
Print convex.
Print subgradient.
Print bends.
Print population.

(** The expectation has these properties. The loss is a function of AA'; minimisers exist; numbers suffice for the
    theorem; the theorem for this mixture. *)
Check gaussian.
Print Assumptions gaussian.
Check infonce_closed.
Print Assumptions infonce_closed.
Check minimisers_exist.
Print Assumptions minimisers_exist.
Check refutation.
Print Assumptions refutation.
Check infonce_equality_fails.
Print Assumptions infonce_equality_fails.

(** Theorem 5.2, first half, for convex functions of scores and for the population loss, in any dimension. *)
Check no_worse.
Print Assumptions no_worse.
Check minimiser_within.
Print Assumptions minimiser_within.
Check negatives_minimiser_within.
Print Assumptions negatives_minimiser_within.
Check population_no_worse.
Print Assumptions population_no_worse.
Check population_minimiser_within.
Print Assumptions population_minimiser_within.
