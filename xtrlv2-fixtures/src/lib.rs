//! The contracts that the xtrlv2 repository owns, as versioned bytes, and dome's golden cases.
