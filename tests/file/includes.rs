//! Files that include others.

use super::Memory;
use netstrap::file::read;

fn load(files: &[(&str, &str)]) -> Result<String, String> {
    match read(files[0].0, &mut Memory(files)) {
        Ok(file) => {
            let host = &file.topology.places[0];
            let links: Vec<_> = host.links.iter().map(|link| link.name.to_string()).collect();
            let routes: Vec<_> = host.routes.iter().map(|route| route.what.route.dst.to_string()).collect();
            Ok(format!("{} {}", links.join(","), routes.join(",")))
        }
        Err(refused) => Err(refused.to_string()),
    }
}

#[test]
fn tables_are_joined_and_lists_follow_each_other() {
    let files = [
        (
            "etc/main.toml",
            "name = \"a\"\ninclude = [\"net.d/*.toml\", \"x.json\"]\nroute = [\"10.3.0.0/16 dev a\"]\n[dummy.a]\nmtu = 1400\n",
        ),
        ("etc/net.d/2.toml", "version = 1\nroute = [\"10.2.0.0/16 dev a\"]\n[dummy.b]\n"),
        ("etc/net.d/1.toml", "route = [\"10.1.0.0/16 dev a\"]\n[dummy.a]\naddress = [\"10.0.0.1/24\"]\n"),
        ("etc/net.d/not.json", "nonsense"),
        ("etc/x.json", "{\"bridge\": {\"c\": {}}}"),
    ];
    assert_eq!(load(&files).unwrap(), "c,a,b 10.1.0.0/16,10.2.0.0/16,10.3.0.0/16");
}

#[test]
fn a_file_is_read_once() {
    let files = [
        ("main", "name = \"a\"\ninclude = [\"one\", \"two\"]\n"),
        ("one", "include = \"common\"\n"),
        ("two", "include = \"./common\"\n"),
        ("common", "[dummy.a]\nroute = [\"10.0.0.0/8\"]\n"),
    ];
    assert_eq!(load(&files).unwrap(), "a 10.0.0.0/8");
    // A pattern that the file itself meets.
    assert_eq!(load(&[("a.toml", "name = \"a\"\ninclude = \"*.toml\"\n"), ("b.toml", "[dummy.b]\n")]).unwrap(), "b ");
}

#[test]
fn a_file_that_meets_its_own_pattern_is_read_once() {
    for main in ["./lab.toml", "lab.toml", "x/..//./lab.toml"] {
        let files = [(main, "name = \"a\"\ninclude = [\"*.toml\"]\n"), ("lab.toml", "?"), ("b.toml", "[dummy.b]\n")];
        assert_eq!(load(&files).unwrap(), "b ", "{main}");
    }
    let files = [("./lab.toml", "name = \"a\"\ninclude = \"lab.toml\"\n")];
    assert_eq!(load(&files).unwrap_err(), "./lab.toml:2:11: a loop of files that include each other: lab.toml");
}

#[test]
fn standard_input_is_included_by_none() {
    for name in ["-", "./-"] {
        let main = format!("name = \"a\"\ninclude = \"{name}\"\n");
        for path in ["main", "-"] {
            let files = [(path, main.as_str()), ("./-", "[dummy.file]\n")];
            assert_eq!(load(&files).unwrap(), "file ", "{name} {path}");
        }
    }
    assert_eq!(load(&[("-", "name = \"a\"\ninclude = \"*\"\n"), ("./-", "[dummy.file]\n")]).unwrap(), "file ");
}

#[test]
fn a_mark_of_byte_order_is_no_text() {
    assert_eq!(load(&[("f", "\u{feff}{\"name\": \"a\", \"dummy\": {\"d\": {}}}")]).unwrap(), "d ");
    assert_eq!(load(&[("f", "\u{feff}nme = 1\n")]).unwrap_err().split(' ').next(), Some("f:1:1:"));
    assert_eq!(load(&[("f", "\u{feff}name = \"A\"\n")]).unwrap_err().split(' ').next(), Some("f:1:8:"));
}

#[test]
fn what_can_go_wrong() {
    for (files, expected) in [
        (
            &[("main", "name = \"a\"\ninclude = [\"one\"]\n"), ("one", "\ninclude = \"main\"\n")][..],
            "one:2:11: a loop of files that include each other: main",
        ),
        (
            &[("main", "name = \"a\"\ninclude = [\"main\"]\n")],
            "main:2:12: a loop of files that include each other: main",
        ),
        (
            &[("main", "name = \"a\"\ninclude = [\"one\", 2]\n")],
            "main:2:12: cannot be read: one: No such file or directory\nmain:2:19: expected a string, not a number",
        ),
        (
            &[
                ("main", "name = \"a\"\ninclude = [\"one\"]\n[dummy.d]\nmtu = 1500\n"),
                ("one", "name = \"b\"\nversion = 2\n[dummy.d]\nmtu = 1400\n"),
            ],
            "main:4:1: already set: \"mtu\" is said at one:4:1\none:1:1: \"name\" is said by the file that includes the others\none:2:11: \"version\" is 1",
        ),
        (
            &[("main", "name = \"a\"\ninclude = [\"one\"]\n"), ("one", "[dummy.d]\nmtu = \n[dummy.e\n")],
            "one:2:7: TOML syntax: expected a value\none:3:9: TOML syntax: expected \"]\"",
        ),
        (
            &[("main", "name = \"a\"\ninclude = [\"one\", \"d/*\"]\n[dummy.d]\nmaster = \"of-one\"\nmtu = 1\n")],
            "main:2:12: cannot be read: one: No such file or directory\nmain:5:7: out of range: 1, mtu is from 68 to 65535 bytes",
        ),
        (
            &[("main", "name = \"a\"\ninclude = [\"one\"]\n"), ("one", "[dummy.d]\nmtu = 1\n")],
            "one:2:7: out of range: 1, mtu is from 68 to 65535 bytes",
        ),
    ] {
        assert_eq!(load(files).unwrap_err(), expected);
    }
    let deep: Vec<_> = (0..20).map(|n| (format!("f{n}"), format!("include = \"f{}\"\n", n + 1))).collect();
    let deep: Vec<_> = deep.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(load(&deep).unwrap_err().lines().next().unwrap(), "f0:1:1: a key is missing: the file needs \"name\"");
    assert!(load(&deep).unwrap_err().contains("f15:1:11: files include each other more than 16 deep"));
    let refused = read("nosuch", &mut Memory(&[])).unwrap_err().to_string();
    assert_eq!(refused, "nosuch:1:1: cannot be read: No such file or directory");
}
