//! What `dome-core` and `dome-binder` promise, held through their public names.

#[path = "../../dome-binder/tests/main.rs"]
mod of_binder;
#[path = "../../dome-core/tests/main.rs"]
mod of_core;
