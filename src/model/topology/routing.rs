//! Routes and neighbours of a topology: those of the kernel with the devices by name.

use crate::model::name::IfName;
use crate::model::neigh::Neigh;
use crate::model::route::{Route, RouteKind};

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSpec {
    /// The route; its devices are not filled in.
    pub route: Route,
    /// Device of a single next hop.
    pub device: Option<IfName>,
    /// Devices of [`Route::hops`], one each.
    pub hop_devices: Vec<Option<IfName>>,
    /// Whether it is said in the table of the link that [`RouteSpec::device`] names.
    pub of_link: bool,
}

impl RouteSpec {
    /// Whether it leads to a device, unlike those that answer, drop or are passed over.
    pub fn is_led(&self) -> bool {
        self.route.kind.0 <= RouteKind::MULTICAST.0
    }
}

/// A neighbour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeighSpec {
    /// The neighbour; its device is not filled in.
    pub neigh: Neigh,
    /// Its device.
    pub device: IfName,
}
