//! Links: what an interface is, as the kernel tells it and as a user asks for it.

use std::num::NonZeroU32;

/// A link of one namespace. Index 2 exists in every namespace, so the namespace goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId {
    /// The namespace, as this process counts them; 0 is the one it started in.
    pub ns: u32,
    /// Interface index.
    pub index: NonZeroU32,
}
