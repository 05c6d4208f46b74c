//! Light-weight tunnels on the wire: one attribute of attributes and one of the kind, in
//! routes and in next hops. Source: `linux/lwtunnel.h`.

use super::attr::{Attr, attrs};
use super::build::{NESTED, Request, Route};
use crate::model::encap::Encap;

/// Writes a tunnel; `attr` and `kind` are the types of the two attributes.
pub fn encode(request: &mut Request<Route>, [attr, kind]: [u16; 2], encap: Option<&Encap>) {
    let Some(encap) = encap else { return };
    let start = request.begin(attr | NESTED);
    for (attr, value) in &encap.attrs {
        request.attr(*attr, value);
    }
    request.end(start);
    request.u16(kind, encap.kind);
}

/// Takes in one of the two attributes.
pub fn decode(encap: &mut Option<Encap>, attr: Attr<'_>, is_kind: bool) {
    let encap = encap.get_or_insert_default();
    if is_kind {
        encap.kind = attr.u16().unwrap_or_default();
    } else {
        encap.attrs = attrs(attr.value).map(|attr| (attr.kind, attr.value.to_vec())).collect();
    }
}
