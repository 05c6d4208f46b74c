//! The order in which a run does what is planned.

use std::collections::VecDeque;

use super::run::WAVE;
use crate::model::plan::{Act, MakeLink, Plan, Sign, Step};

/// The order in which steps are done: as planned, but what is in a new namespace comes as soon as all links that are
/// born in it are made, while later namespaces are not there yet.
pub fn order(plan: &Plan) -> Vec<usize> {
    let places = plan.steps.iter().map(|step| step.place + 1).max().unwrap_or(0);
    // Links that are still to be born in a place; none of places that are there already.
    let mut unborn: Vec<Option<usize>> = vec![None; places];
    let mut own: Vec<VecDeque<usize>> = vec![VecDeque::new(); places];
    for (number, step) in plan.steps.iter().enumerate() {
        match &step.act {
            Act::MakeNetns => unborn[step.place] = Some(0),
            Act::MakeLink(made) => each_place(step, made, &mut |place| {
                if let Some(Some(count)) = unborn.get_mut(place) {
                    *count += 1;
                }
            }),
            _ => own[step.place].push_back(number),
        }
    }
    let mut order = Vec::with_capacity(plan.steps.len());
    let mut full: Vec<usize> = Vec::new();
    let mut wave = 0;
    // What belongs to a link that is made comes before its other end goes up, and with it the carrier.
    let mut belongs = false;
    for (number, step) in plan.steps.iter().enumerate() {
        let is_link = matches!(step.act, Act::MakeLink(_));
        belongs = is_link || (belongs && step.sign == Sign::Part);
        let waits = is_link || belongs || matches!(step.act, Act::MakeNetns);
        if !waits || (wave == WAVE && is_link) {
            wave = 0;
            for place in full.drain(..) {
                order.extend(own[place].drain(..));
            }
        }
        match &step.act {
            Act::MakeLink(made) => {
                wave += 1;
                each_place(step, made, &mut |place| {
                    if let Some(Some(count)) = unborn.get_mut(place) {
                        *count -= 1;
                        if *count == 0 {
                            full.push(place);
                        }
                    }
                });
                order.push(number);
            }
            Act::MakeNetns => order.push(number),
            _ if own[step.place].front() == Some(&number) => order.extend(own[step.place].pop_front()),
            // Already done with its namespace.
            _ => {}
        }
    }
    order
}

/// The places that a link's ends are born in, or that its message goes through.
fn each_place(step: &Step, made: &MakeLink, see: &mut dyn FnMut(usize)) {
    see(step.place);
    if made.into != step.place {
        see(made.into);
    }
    if let Some(place) = made.peer_into.filter(|place| *place != step.place && *place != made.into) {
        see(place);
    }
}
