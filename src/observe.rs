//! Several namespaces at once, without the process ever leaving its own: one socket per
//! namespace and protocol, opened when first needed; and what a namespace holds.

use crate::error::{Error, Result};
use crate::model::neigh::NeighFilter;
use crate::model::route::RouteFilter;
use crate::model::state::State;
use crate::netns::{Namespace, NsId};
use crate::socket::Socket;
use crate::wire::addr::GetAddrs;
use crate::wire::build::{Netfilter, Protocol, Route};
use crate::wire::link::GetLink;

/// The namespaces that this process works in, counted from [`Session::HOME`].
#[derive(Debug)]
pub struct Session {
    places: Vec<Place>,
}

/// One namespace and its sockets. A socket stays in the namespace that it was opened in.
#[derive(Debug, Default)]
struct Place {
    away: Option<(NsId, Namespace)>,
    route: Option<Socket<Route>>,
    netfilter: Option<Socket<Netfilter>>,
}

impl Default for Session {
    fn default() -> Self {
        Session { places: vec![Place::default()] }
    }
}

impl Session {
    /// The namespace that the process is in.
    pub const HOME: u32 = 0;

    /// Takes a namespace in and returns its number, as [`crate::model::link::LinkId::ns`] has it. Two
    /// names of one namespace get one number.
    ///
    /// # Errors
    /// As `fstat(2)`.
    pub fn join(&mut self, namespace: Namespace) -> Result<u32> {
        let id = namespace.id().map_err(|e| Error::sys("fstat", &e))?;
        let known = self.places.iter().position(|place| place.away.as_ref().is_some_and(|(own, _)| *own == id));
        let at = known.unwrap_or_else(|| {
            self.places.push(Place { away: Some((id, namespace)), ..Place::default() });
            self.places.len() - 1
        });
        u32::try_from(at).map_err(|_| Error::usage("too many namespaces"))
    }

    /// The rtnetlink socket of a namespace.
    ///
    /// # Errors
    /// The namespace cannot be entered (`EPERM`), or there is no such number.
    pub fn route(&mut self, place: u32) -> Result<&mut Socket<Route>> {
        let at = self.place(place)?;
        match &mut at.route {
            Some(socket) => Ok(socket),
            empty => Ok(empty.insert(open(at.away.as_ref(), place)?)),
        }
    }

    /// The nf_tables socket of a namespace.
    ///
    /// # Errors
    /// As [`Session::route`]; `EPROTONOSUPPORT` on a kernel without nfnetlink.
    pub fn netfilter(&mut self, place: u32) -> Result<&mut Socket<Netfilter>> {
        let at = self.place(place)?;
        match &mut at.netfilter {
            Some(socket) => Ok(socket),
            empty => Ok(empty.insert(open(at.away.as_ref(), place)?)),
        }
    }

    fn place(&mut self, place: u32) -> Result<&mut Place> {
        let at = usize::try_from(place).ok().and_then(|at| self.places.get_mut(at));
        at.ok_or_else(|| Error::usage("a namespace that was not joined"))
    }

    /// What a namespace holds, each list whole.
    ///
    /// # Errors
    /// As the sockets' own.
    pub fn observe(&mut self, place: u32) -> Result<State> {
        let socket = self.route(place)?;
        Ok(State {
            links: socket.dump(&GetLink::All)?,
            addrs: socket.dump(&GetAddrs::default())?,
            routes: socket.dump(&RouteFilter { ns: place, ..RouteFilter::default() })?,
            neighs: socket.dump(&NeighFilter { ns: place, ..NeighFilter::default() })?,
        })
    }
}

fn open<P: Protocol>(away: Option<&(NsId, Namespace)>, place: u32) -> Result<Socket<P>>
where
    Socket<P>: Send,
{
    let Some((_, namespace)) = away else { return Socket::open() };
    let mut socket = namespace.within(Socket::open).map_err(|e| Error::sys("setns", &e))??;
    socket.set_ns(place);
    Ok(socket)
}
