//! `-h`: what these tools can do. A control character stands for the tool's name.

/// The text of `iptables -h`.
pub const TEXT: &str = "\u{1} v1.8.9 (nf_tables)

Usage: \u{1} command [rule] [options]

Commands:
  --append -A chain                 append a rule
  --check -C chain                  exit 0 if such a rule is there, 1 if not
  --delete -D chain [rulenum]       delete a rule, by description or number
  --insert -I chain [rulenum]       insert a rule (default: first)
  --replace -R chain rulenum        put a rule in the place of another
  --list -L [chain [rulenum]]       list rules as a table
  --list-rules -S [chain [rulenum]] list rules as commands
  --flush -F [chain]                delete all rules
  --zero -Z [chain [rulenum]]       set counters to 0
  --new-chain -N chain              make a chain
  --delete-chain -X [chain]         delete a chain, or all that are empty
  --rename-chain -E chain chain     rename a chain
  --policy -P chain policy          ACCEPT or DROP at the end of a built-in chain

Rule:
  [!] --protocol -p name
  [!] --source -s address[/mask][,...]
  [!] --destination -d address[/mask][,...]
  [!] --in-interface -i name[+]
  [!] --out-interface -o name[+]
  [!] --fragment -f (IPv4)
  --match -m addrtype comment connmark conntrack esp hl icmp icmp6 iprange length limit mac
    mark multiport owner physdev pkttype policy state statistic tcp tcpmss ttl udp
  --jump -j ACCEPT DROP RETURN or a chain; CLASSIFY CONNMARK CT DNAT HL LOG MARK MASQUERADE
    NOTRACK REDIRECT REJECT SNAT TCPMSS TTL
  --goto -g chain
  --set-counters -c packets bytes

Options:
  --table -t       filter (default), nat, mangle, raw, security
  --numeric -n     addresses and protocols as numbers
  --verbose -v     counters and interfaces
  --exact -x       counters in full
  --line-numbers   number the rules
  --wait -w [secs] nothing to wait for: there is no lock
  --ipv4 -4, --ipv6 -6
";

/// The text of `iptables-restore -h`.
pub const RESTORE: &str = "Usage: \u{1} [-c] [-n] [-t] [-v] [-T table] [file]
  --counters -c  set counters from the file
  --noflush -n   keep what is in the tables
  --test -t      read the file, change nothing
  --verbose -v   say what is done
  --table -T     only this table of the file
  --wait -w      nothing to wait for: there is no lock
  --version -V
";
