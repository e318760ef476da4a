//! What the world says: the output of real tools, bytes in, dome envelopes out.
