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

/// What a user may not do: keys keep their values, so it is tried on the machine itself.
#[test]
fn without_the_right_the_answers_are_procps_too() {
    const KEY: &str = "net.ipv4.ip_default_ttl";
    let same = format!("{KEY}={}", support::ours(&["sysctl", "-n", KEY]).ok().trim());
    let forgiven = format!("-{same}");
    let user = (netstrap::sys::process::euid() == 0).then_some("65534");
    let folder = support::Folder::new("sysctl");
    for words in [
        &["-w", &same][..],
        &["-q", "-w", &same],
        &["-e", "-w", &same],
        &["--dry-run", "-w", &same],
        &["--", &forgiven],
        &["net.ipv4.tcp_fastopen_key"],
        &["-e", "net.ipv4.tcp_fastopen_key"],
        &["-n", "net.ipv4.tcp_fastopen_key", "net.nosuch"],
        &["-a", "-r", "fastopen"],
        &["-w", "net.ipv4.route.flush=1"],
        &["net.ipv4.route.flush"],
    ] {
        let ours = support::run(folder.netstrap(user).arg("sysctl").args(words));
        let theirs = support::run(support::Folder::command(user, &support::tool("sysctl")).args(words));
        assert_eq!(ours, theirs, "{words:?}");
    }
}

/// Such a list is not given by pieces: what is left of it is nothing, says the kernel.
#[test]
fn a_list_is_read_as_a_whole() {
    support::sandboxed("a_list_is_read_as_a_whole", || {
        const KEY: &str = "net.ipv4.ip_local_reserved_ports";
        for count in [1, 9, 700, 800] {
            let ports: Vec<_> = (0..count).map(|number| (2 * number + 2001).to_string()).collect();
            let list = ports.join(",");
            assert_eq!(support::ours(&["sysctl", "-w", "-q", &format!("{KEY}={list}")]).ok(), "");
            assert_eq!(support::ours(&["sysctl", "-n", KEY]).ok(), format!("{list}\n"));
        }
    });
}
