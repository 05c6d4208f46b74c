//! `-h`: what this iptables can do.

/// The text of `-h`.
pub const TEXT: &str = "iptables v1.8.9 (nf_tables)

Usage: iptables -t nat -[ACD] chain rule-specification [options]
       iptables -t nat -I chain [rulenum] rule-specification [options]
       iptables -t nat -D chain rulenum [options]
       iptables -t nat -[LS] [chain [rulenum]] [options]
       iptables -t nat -F [chain] [options]
       iptables -h | -V

Commands:
  --append      -A chain             append a rule
  --check       -C chain             exit 0 if such a rule is there, 1 if not
  --delete      -D chain [rulenum]   delete a rule, by description or number
  --insert      -I chain [rulenum]   insert a rule (default: first)
  --list        -L [chain [rulenum]] list rules as a table
  --list-rules  -S [chain [rulenum]] list rules as commands
  --flush       -F [chain]           delete all rules

Rules:
  [!] --source        -s address[/mask][,...]
  [!] --destination   -d address[/mask][,...]
  [!] --in-interface  -i name[+]
  [!] --out-interface -o name[+]
      --match         -m comment --comment TEXT
      --jump          -j MASQUERADE [--random] [--random-fully]
      --jump          -j SNAT --to-source address[-address]
                         [--random] [--random-fully] [--persistent]
      --jump          -j ACCEPT | RETURN | chain
      --goto          -g chain

Options:
      --table         -t nat         the only table so far
      --numeric       -n             addresses as numbers
      --verbose       -v             counters and interfaces
      --exact         -x             counters in full
      --line-numbers                 number the rules
      --wait          -w [seconds]   nothing to wait for: there is no lock
      --ipv4          -4             no change
";
