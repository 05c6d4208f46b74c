//! What a kind must have between its words: in go the arguments read, out come what follows
//! from them, or iproute2's refusal.

use super::Reader;
use crate::cli::ip::context::Context;
use crate::cli::ip::fail::Fail;
use crate::model::link::ArgumentValue;

impl Reader {
    /// What the words must have between them, and what follows from them.
    pub fn check(&mut self, context: &mut Context<'_>) -> Result<(), Fail> {
        match self.kind.name {
            "vxlan" => self.check_vxlan(context),
            "geneve" => self.check_geneve(),
            "macvlan" | "macvtap" => {
                let word = |bytes: Option<&[u8]>| bytes.and_then(|b| b.first().copied()).unwrap_or(0);
                if word(self.bytes(2)) & 1 != 0 && word(self.bytes(1)) != 8 {
                    let reason = ": nopromisc flag only valid in passthru mode\n";
                    return Err(Fail::own_of("%%%", &[self.kind.name, reason, &self.usage()]));
                }
                Ok(())
            }
            _ if self.kind.has('o') => self.check_tunnel(),
            _ => Ok(()),
        }
    }

    fn check_vxlan(&mut self, context: &mut Context<'_>) -> Result<(), Fail> {
        const ID: u16 = 1;
        const GROUP: [u16; 2] = [2, 16];
        const LINK: u16 = 3;
        const LEARNING: u16 = 7;
        const PORT: u16 = 15;
        const EXTERNAL: u16 = 25;
        const GPE: u16 = 27;
        const VNIFILTER: u16 = 30;
        let is_set = |number| self.bytes(number) == Some(&[1]);
        let (external, fresh) = (is_set(EXTERNAL), self.fresh);
        let refusal = if is_set(VNIFILTER) && !external {
            "vnifilter is valid only when 'external' is set"
        } else if external && self.has(ID) {
            "both 'external' and vni cannot be specified"
        } else if !external && !self.has(ID) && fresh {
            "missing virtual network identifier"
        } else if !self.has(LINK)
            && GROUP.iter().any(|n| matches!(self.bytes(*n), Some([224..=239, _, _, _] | [255, ..])))
        {
            "'group' requires 'dev' to be specified"
        } else {
            ""
        };
        if !refusal.is_empty() {
            return Err(Fail::own_of("vxlan: %", &[refusal]));
        }
        if !self.has(PORT) && self.has(GPE) {
            self.set(PORT, &4790u16.to_be_bytes());
        } else if !self.has(PORT) && fresh {
            context.io.error(NO_PORT);
        }
        if fresh && !self.has(LEARNING) {
            self.set(LEARNING, &[u8::from(!external)]);
        }
        self.given.retain(|given| given.number != PORT || given.value != ArgumentValue::Bytes(vec![0, 0]));
        Ok(())
    }

    fn check_geneve(&mut self) -> Result<(), Fail> {
        const ID: u16 = 1;
        const PORT: u16 = 5;
        let is_external = self.has(6);
        let refusal = if is_external && self.seen.contains(&ID) {
            "both 'external' and vni cannot be specified"
        } else if !is_external && !self.seen.contains(&ID) {
            "missing virtual network identifier"
        } else if !is_external && self.fresh && !self.has(2) && !self.has(7) {
            "remote link partner not specified"
        } else {
            ""
        };
        if !refusal.is_empty() {
            return Err(Fail::own_of("geneve: %", &[refusal]));
        }
        self.given.retain(|given| given.number != PORT || given.value != ArgumentValue::Bytes(vec![0, 0]));
        Ok(())
    }
}

const NO_PORT: &str = "vxlan: destination port not specified
Will use Linux kernel default (non-standard value)
Use 'dstport 4789' to get the IANA assigned value
Use 'dstport 0' to get default and quiet this message";
