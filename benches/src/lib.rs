//! Speed against its limits.
