(** What the theorems about instances that rationals decide rest on, printed. *)
From Cases Require Import Pca Clip Spectral.

Check pca_equality_fails.
Print Assumptions pca_equality_fails.
Check clip_literal_fails.
Print Assumptions clip_literal_fails.
Check spectral_equality_holds.
Print Assumptions spectral_equality_holds.
