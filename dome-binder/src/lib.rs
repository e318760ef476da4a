//! What dome records come to: runs settled, facts ordered, failures bound, capsules, concepts and views.
