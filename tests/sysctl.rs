//! The `sysctl` applet beside procps: the same command lines in two equal sandboxes.

mod support;

#[test]
fn sysctl_answers_are_procps() {
    support::same_answers("sysctl_answers_are_procps", include_str!("data/sysctl.txt"));
}

#[test]
fn unsupported_options_are_named() {
    for (words, named) in [
        (&["sysctl", "--system"][..], "--system is not supported by netstrap"),
        (&["sysctl", "-a", "-r", "a|b"], "pattern \"a|b\" is not supported by netstrap"),
        (&["sysctl", "-z"], "invalid option -- 'z'"),
    ] {
        let ran = support::ours(words);
        assert!(ran.code != 0 && ran.err.contains(named), "{ran:?}");
    }
}

#[test]
fn a_read_only_parameter_is_a_failure() {
    support::sandboxed("a_read_only_parameter_is_a_failure", || {
        let ran = support::ours(&["sysctl", "-w", "net.ipv4.tcp_available_congestion_control=x"]);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        assert!(
            ran.err.contains("setting key \"net.ipv4.tcp_available_congestion_control\": Invalid argument"),
            "{ran:?}"
        );
    });
}
