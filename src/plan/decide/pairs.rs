//! Pairs of veths.

use super::{Candidate, Decider, REPLACE};
use crate::model::link::Link;
use crate::model::topology::{LinkKind, LinkSpec, Topology};

impl Decider<'_, '_> {
    /// The pairs that are there are told before anything else is taken for an end of one: those whose ends both bear
    /// their own marks, then those of which one end does.
    pub fn known_pairs(&mut self, order: &[(usize, usize)]) {
        for both in [true, false] {
            for &(place, number) in order {
                let spec = self.ctx.spec(place, number);
                if spec.kind == LinkKind::Veth && self.ctx.target(place, number).found.is_none() {
                    self.known_pair(place, number, both);
                }
            }
        }
    }

    fn known_pair(&mut self, place: usize, number: usize, both: bool) {
        let Some((there, twin)) = self.ctx.twin(self.ctx.spec(place, number)) else { return };
        if self.ctx.places[place].refused || self.ctx.places[there].refused {
            return;
        }
        let (own, other) = (self.own(place, number), self.own(there, twin));
        let by_own = own.and_then(|own| Some((own, self.partner(place, own, there)?)));
        let ends = match other {
            // An end that bears the mark and leads elsewhere is in the way.
            _ if own.is_some() => by_own.filter(|ends| !both || other == Some(ends.1)),
            Some(other) if !both => self.partner(there, other, place).map(|own| (own, other)),
            _ => None,
        };
        if let Some((own, other)) = ends {
            self.keep(place, number, own);
            self.keep(there, twin, other);
        }
    }

    /// The other end of a found veth in a place, if each says that the other one is its peer. It may have been taken
    /// for nothing else.
    fn partner(&self, place: usize, number: usize, other: usize) -> Option<usize> {
        let link = &self.ctx.found(place)[number];
        let partner = self.ctx.seen(other, link.link?)?;
        let peer = &self.ctx.found(other)[partner];
        let is_veth = |link: &Link| link.kind.as_deref() == Some(b"veth");
        // What one end says of the place of the other one proves it; few lead out of most namespaces.
        let ids = |place: usize| self.ctx.world.places[place].ids.len();
        let at = if ids(place) < ids(other) {
            self.ctx.world.place_of(place, link) == Some(other)
        } else {
            self.ctx.world.place_of(other, peer) == Some(place)
        };
        let fits = is_veth(link) && is_veth(peer) && at && peer.link == Some(link.index);
        (fits && self.is_free(other, partner)).then_some(partner)
    }

    pub fn pair(&mut self, place: usize, number: usize) {
        if self.ctx.target(place, number).found.is_some() {
            return;
        }
        let Some((there, twin)) = self.ctx.twin(self.ctx.spec(place, number)) else { return };
        let (own, other) = (self.candidate(place, number), self.candidate(there, twin));
        let refused = self.ctx.places[place].refused || self.ctx.places[there].refused;
        let adopt = self.ctx.options.adopt;
        let by_own = own.number().and_then(|own| Some((own, self.partner(place, own, there)?)));
        let by_other = other.number().and_then(|other| Some((self.partner(there, other, place)?, other)));
        let ends = match (own, other) {
            (Candidate::Ours(_), _) => by_own,
            (_, Candidate::Ours(_)) => by_other,
            _ => by_own.filter(|ends| other.number() == Some(ends.1)),
        };
        let ours = |candidate| matches!(candidate, Candidate::Ours(_));
        let proven = ours(own) || ours(other);
        for (candidate, (place, number), end) in
            [(own, (place, number), ends.map(|ends| ends.0)), (other, (there, twin), ends.map(|ends| ends.1))]
        {
            // The peer of our own link is ours, whatever it is called and whether or not it has kept its mark.
            if let Candidate::Stranger(stranger) = candidate
                && !(proven && end == Some(stranger))
                && !adopt
            {
                return self.stranger(place, number, stranger);
            }
        }
        match ends {
            _ if refused => {}
            Some((own, other)) => {
                self.keep(place, number, own);
                self.keep(there, twin, other);
            }
            None if own.number().or(other.number()).is_none() => {
                self.make(place, number, None);
                self.make(there, twin, None);
            }
            None => {
                // What is left of a pair whose other end went with its namespace is of no use to anybody.
                let dead = self.ctx.places[place].new || self.ctx.places[there].new;
                let spec = self.ctx.spec(place, number);
                let gone = own.number().is_none() || other.number().is_none();
                if !(dead || self.ctx.options.replace || gone && self.is_as_before(place, spec)) {
                    self.refuse(place, spec, &["its other end is not the one that is asked for", REPLACE]);
                }
                self.make(place, number, own.number());
                self.make(there, twin, other.number());
            }
        }
    }

    /// Whether a pair was asked for as it is asked for: what is found otherwise, somebody else has done.
    fn is_as_before(&self, place: usize, spec: &LinkSpec) -> bool {
        let (Some(own), Some(peer)) = (&self.ctx.known.own, &spec.peer) else { return false };
        let name = |topology: &Topology, at: usize| topology.places.get(at).map(|place| place.name.clone());
        let there = name(self.ctx.topology, peer.place);
        let mut places = own.places.iter().filter(|other| other.name == self.ctx.topology.places[place].name);
        places.any(|other| {
            let mut links = other.links.iter().filter(|link| link.name == spec.name);
            links.any(|link| {
                link.peer.as_ref().is_some_and(|was| was.name == peer.name && name(own, was.place) == there)
            })
        })
    }
}
