//! `race`: many runs at once, a stranger who makes an object of the same name at every point of a run, and signals
//! at every point. In: words. Out: a line for each breach, and lines of counts.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::judge::brief;
use super::place::{self, DESK, End, Ran, Running};
use super::scene::{self, Act, Program, Scene};
use super::state::State;
use super::trace::{self, INNER, Injection, Point};
use super::{Common, Folder, SETTLE, faults, many};
use crate::args::Args;
use crate::process::{Failure, Outcome};
use crate::sys;

/// Runs at once.
const CROWD: usize = 16;
/// How long a program may take to come to the point where it is stopped.
const ARRIVAL: Duration = Duration::from_secs(20);
/// Signals that a run must take as a wish to go back.
const WISHES: &[&str] = &["SIGTERM", "SIGINT", "SIGHUP"];

/// Something that a stranger makes, under a name that the run wants.
struct Intruder {
    scene: &'static str,
    name: &'static str,
    makes: &'static [&'static str],
    takes: &'static [&'static str],
    /// It takes something of the lab's for that: the run need not come back to what was.
    ruins: bool,
}

const INTRUDERS: &[Intruder] = &[
    Intruder {
        scene: "up",
        name: "a bridge",
        makes: &["ip link add v-net-0 type bridge", "ip address add 10.99.0.1/24 dev v-net-0"],
        takes: &["ip link delete v-net-0"],
        ruins: false,
    },
    Intruder {
        scene: "up",
        name: "the port of a pair",
        makes: &["ip link add veth-red-br type veth peer name strange-end"],
        takes: &["ip link delete veth-red-br"],
        ruins: false,
    },
    Intruder {
        scene: "up",
        name: "a namespace",
        makes: &["ip netns add red", "ip -n red link add strange type bridge"],
        takes: &["ip netns delete red"],
        ruins: false,
    },
    Intruder {
        scene: "up",
        name: "an alternative name",
        makes: &["ip link add strange type bridge", "ip link property add dev strange altname veth-blue-br"],
        takes: &["ip link delete strange"],
        ruins: false,
    },
    Intruder {
        scene: "change",
        name: "a namespace",
        makes: &["ip netns add green", "ip -n green link add veth-green type bridge"],
        takes: &["ip netns delete green"],
        ruins: false,
    },
    Intruder {
        scene: "change",
        name: "the port of a pair",
        makes: &["ip link add veth-green-br type veth peer name strange-end"],
        takes: &["ip link delete veth-green-br"],
        ruins: false,
    },
    Intruder {
        scene: "change",
        name: "a file",
        makes: &[
            "mkdir -p /etc/netns/green",
            "dd if=/etc/hostname of=/etc/netns/green/resolv.conf conv=excl status=none",
        ],
        takes: &["rm -r /etc/netns/green"],
        ruins: false,
    },
    Intruder {
        scene: "down",
        name: "a namespace of a name that goes",
        makes: &["ip netns delete blue", "ip netns add blue", "ip -n blue link add strange type bridge"],
        takes: &["ip netns delete blue"],
        ruins: true,
    },
    Intruder {
        scene: "down",
        name: "a bridge of a name that goes",
        makes: &[
            "ip link delete v-net-0",
            "ip link add v-net-0 type bridge",
            "ip address add 10.99.0.1/24 dev v-net-0",
        ],
        takes: &["ip link delete v-net-0"],
        ruins: true,
    },
    Intruder {
        scene: "wide",
        name: "a tap device",
        makes: &["ip tuntap add dev wide-tap mode tap"],
        takes: &["ip link delete wide-tap"],
        ruins: false,
    },
    Intruder {
        scene: "wide",
        name: "a tunnel",
        makes: &["ip link add wide-vx type bridge"],
        takes: &["ip link delete wide-vx"],
        ruins: false,
    },
    Intruder {
        scene: "wide",
        name: "a namespace",
        makes: &["ip netns add wide-b", "ip -n wide-b link add to-a type bridge"],
        takes: &["ip netns delete wide-b"],
        ruins: false,
    },
    Intruder {
        scene: "wide",
        // Not the one that is asked for: that would do.
        name: "a route",
        makes: &["ip route add unreachable 10.77.0.0/16 proto static"],
        takes: &["ip route delete unreachable 10.77.0.0/16 proto static"],
        ruins: false,
    },
];

/// `cargo xtask race`.
pub fn run(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let rounds = args.number("--rounds", 100)?;
    let common = Common::take(&mut args)?;
    args.finish()?;
    let bad = crowd(&common, rounds)? + strangers(&common)? + wishes(&common)?;
    if bad == 0 { Ok(()) } else { Err(format!("{bad} races are lost").into()) }
}

/// Many runs at once, round after round, in one sandbox; the number of breaches.
pub fn crowd(common: &Common, rounds: u64) -> Outcome<usize> {
    let mut words = common.words("race-inside");
    words.extend(["crowd".to_string(), rounds.to_string()]);
    let text = place::inside(&words)?;
    print!("{text}");
    Ok(text.lines().filter(|line| !line.starts_with("race: ")).count())
}

/// A stranger's object at each point of the scenes that there are objects for; the number of breaches.
pub fn strangers(common: &Common) -> Outcome<usize> {
    let dir = Folder::new()?;
    let trials = trials(common, &dir, |scene, at| {
        let of_scene: Vec<usize> = (0..INTRUDERS.len()).filter(|at| INTRUDERS[*at].scene == scene.name).collect();
        (!of_scene.is_empty()).then(|| of_scene[at % of_scene.len()].to_string())
    })?;
    sweep(common, &dir, "stranger", trials)
}

/// A signal at each point of each scene; the number of breaches.
pub fn wishes(common: &Common) -> Outcome<usize> {
    let dir = Folder::new()?;
    let trials = trials(common, &dir, |_, at| Some(WISHES[at % WISHES.len()].to_string()))?;
    sweep(common, &dir, "signal", trials)
}

/// A trial at a point of a scene.
struct Trial {
    scene: &'static Scene,
    point: Point,
    what: String,
}

fn trials(common: &Common, dir: &Folder, what: impl Fn(&Scene, usize) -> Option<String>) -> Outcome<Vec<Trial>> {
    let mut trials = Vec::new();
    for scene in common.scenes()? {
        if what(scene, 0).is_none() {
            continue;
        }
        let points = faults::good(common, scene, dir)?;
        // Behind a lock of the folder of namespaces, `ip netns` would wait for whom it is to disturb.
        let points = points.into_iter().filter(|point| point.call != "flock" && !INNER.contains(&point.call.as_str()));
        for (at, point) in common.sample(points.collect()).into_iter().enumerate() {
            trials.extend(what(scene, at).map(|what| Trial { scene, point, what }));
        }
    }
    Ok(trials)
}

fn sweep(common: &Common, dir: &Folder, kind: &str, trials: Vec<Trial>) -> Outcome<usize> {
    let (mut fine, mut back, mut late, mut bad) = (0, 0, 0, 0);
    let one = |trial: &Trial| {
        let goal = dir.file(trial.scene, "goal");
        let Point { call, nth } = &trial.point;
        let mut words = common.words("race-inside");
        words.extend([kind, trial.scene.name, call, &nth.to_string(), &trial.what].map(str::to_string));
        words.push(goal.to_string_lossy().into_owned());
        place::inside(&words)
    };
    many(common, &trials, one, |trial, text| match text.lines().next().unwrap_or_default() {
        "late" => late += 1,
        "done" => fine += 1,
        "back" => back += 1,
        _ => {
            bad += 1;
            let Trial { scene, point, what } = trial;
            let what = what.parse().ok().and_then(|at: usize| INTRUDERS.get(at)).map_or(what.as_str(), |one| one.name);
            let text = text.trim_end().replace('\n', "\n    ");
            println!("{}: {what} behind {} {}: {text}", scene.name, point.call, point.nth);
        }
    })?;
    println!("race: {kind}: points={} rolled-back={back} done={fine} BAD={bad} too-late={late}", fine + back + bad);
    Ok(bad)
}

/// The part in the sandbox: `crowd ROUNDS`, `stranger SCENE CALL NTH NUMBER GOAL`, `signal SCENE CALL NTH NAME GOAL`.
pub fn inside(words: Vec<String>) -> Outcome {
    let mut args = Args::new(words);
    let program = Program { file: PathBuf::from(args.value("--binary")?.ok_or("--binary is missing")?) };
    let words = args.rest()?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse().map_err(|_| Failure::usage("race-inside: a number is wanted"));
    match words[..] {
        ["crowd", rounds] => crowd_inside(&program, number(rounds)?),
        ["stranger", scene, call, nth, which, goal] => {
            let point = Point { call: call.to_string(), nth: number(nth)? };
            let which = INTRUDERS.get(number(which)?).ok_or("no such stranger")?;
            stranger_inside(&program, scene::named(scene)?, &point, which, Path::new(goal))
        }
        ["signal", scene, call, nth, signal, goal] => {
            let point = Point { call: call.to_string(), nth: number(nth)? };
            let signal = WISHES.iter().find(|name| **name == signal).ok_or("no such signal")?;
            signal_inside(&program, scene::named(scene)?, &point, signal, Path::new(goal))
        }
        _ => Err(Failure::usage("usage: race-inside crowd|stranger|signal ...")),
    }
}

fn crowd_inside(program: &Program, rounds: usize) -> Outcome {
    let scene = scene::named("up")?;
    let set = scene.set(program)?;
    program.must(scene.tried)?;
    std::thread::sleep(SETTLE);
    let goal = State::look()?;
    program.must(Act::Down(scene.lab))?;
    let mut bad = 0;
    let mut tell = |round: usize, what: String| {
        println!("round {round}: {what}");
        bad += 1;
    };
    let start = |act: Act, at: usize| {
        let words = program.words(act);
        place::start(Command::new(&words[0]).args(&words[1..]), &format!("run{at}"))
    };
    let ended = |runs: Vec<Running>| runs.into_iter().map(Running::end).collect::<Outcome<Vec<Ran>>>();
    for round in 0..rounds {
        let runs = (0..CROWD).map(|at| start(scene.tried, at)).collect::<Outcome<Vec<Running>>>()?;
        let runs = ended(runs)?;
        for ran in runs.iter().filter(|ran| !ran.is_fine()) {
            tell(round, format!("{}: {}", place::told(ran.end), ran.last()));
        }
        let changed = runs.iter().filter(|ran| ran.out.starts_with("changed")).count();
        let unchanged = runs.iter().filter(|ran| ran.out.starts_with("unchanged")).count();
        if (changed, unchanged) != (1, CROWD - 1) {
            tell(round, format!("{changed} say changed, {unchanged} unchanged"));
        }
        let state = State::settled(&[&goal], SETTLE)?;
        if state.lines != goal.lines {
            tell(round, brief(&state.against(&goal)).join("; "));
        }
        // Both ways at once: all of it or nothing of it.
        let both = |at: usize| if at.is_multiple_of(2) { scene.tried } else { Act::Down(scene.lab) };
        for ran in ended((0..4).map(|at| start(both(at), at)).collect::<Outcome<Vec<Running>>>()?)? {
            if !ran.is_fine() {
                tell(round, format!("both ways: {}: {}", place::told(ran.end), ran.last()));
            }
        }
        let state = State::settled(&[&goal, &set.bare], SETTLE)?;
        if ![&goal, &set.bare].iter().any(|wanted| wanted.lines == state.lines) {
            tell(round, format!("both ways: {}", brief(&state.against(&set.bare)).join("; ")));
        }
        program.must(Act::Down(scene.lab))?;
        let state = State::settled(&[&set.bare], SETTLE)?;
        if state.lines != set.bare.lines {
            tell(round, format!("down: {}", brief(&state.against(&set.bare)).join("; ")));
        }
    }
    println!("race: crowd: {rounds} rounds of {CROWD} at once, {bad} breaches");
    Ok(())
}

fn stranger_inside(program: &Program, scene: &Scene, point: &Point, which: &Intruder, goal: &Path) -> Outcome {
    let set = scene.set(program)?;
    let goal = State::load(goal)?;
    let file = PathBuf::from(format!("{DESK}/calls"));
    let mut command = trace::injected(&program.words(scene.tried), point, Injection::Signal("SIGSTOP"), &file);
    let running = place::start(&mut command, "run")?;
    let Some(stopped) = stopped(&running, &file)? else {
        // It has ended.
        running.end()?;
        println!("late");
        return Ok(());
    };
    let earlier = State::look()?;
    let made = which.makes.iter().try_for_each(|line| place::must(line));
    let later = State::look()?;
    // Each thread comes to its own such point, and would stop there again.
    let ran = running.end_while(&mut || {
        let _ = sys::signal(stopped, libc::SIGCONT);
    })?;
    if made.is_err() {
        // The name was taken already, by the run itself.
        println!("late");
        return Ok(());
    }
    let after = State::look()?;
    // Parameters of links follow those of all, and the lab's links what is taken from under them.
    let is_strange = |line: &&String| !line.contains(" sysctl ") && !line.contains("altnames=[\"nst-");
    let strange: Vec<&String> = later.lines.difference(&earlier.lines).filter(is_strange).collect();
    let gone: Vec<&str> =
        strange.iter().filter(|line| !after.lines.contains(**line)).map(|line| line.as_str()).collect();
    let own = later.identity.iter().filter(|(name, _)| !earlier.identity.contains_key(*name));
    let other: Vec<&str> =
        own.filter(|(name, id)| after.identity.get(*name) != Some(id)).map(|(name, _)| name.as_str()).collect();
    if !gone.is_empty() || !other.is_empty() {
        println!("{} has lost: {}: {}", which.name, place::told(ran.end), ran.last());
        gone.iter().chain(&other).for_each(|line| println!("{line}"));
        return Ok(());
    }
    for line in which.takes {
        place::must(line)?;
    }
    if which.ruins && !ran.is_fine() {
        println!("back");
        return Ok(());
    }
    end(&ran, &set.before, &goal, |end| matches!(end, End::Code(1 | 3)))
}

fn signal_inside(program: &Program, scene: &Scene, point: &Point, signal: &'static str, goal: &Path) -> Outcome {
    let set = scene.set(program)?;
    let goal = State::load(goal)?;
    let file = PathBuf::from(format!("{DESK}/calls"));
    let words = program.words(scene.tried);
    let ran = place::run(&mut trace::injected(&words, point, Injection::Signal(signal), &file))?;
    // One that is held back to be read is not told by strace; the call is.
    if !trace::points(&std::fs::read_to_string(&file).unwrap_or_default()).contains(point) {
        println!("late");
        return Ok(());
    }
    // Before it has begun, a signal may just end it.
    let number =
        [libc::SIGTERM, libc::SIGINT, libc::SIGHUP][WISHES.iter().position(|name| *name == signal).unwrap_or(0)];
    end(&ran, &set.before, &goal, |end| {
        matches!(end, End::Code(1 | 3)) || end == End::Signal(number) || end == End::Code(128 + number)
    })
}

/// Tells how a run ended: everything is there, or nothing of it and the exit code says so.
fn end(ran: &Ran, before: &State, goal: &State, refused: impl Fn(End) -> bool) -> Outcome {
    let wanted = if ran.is_fine() { goal } else { before };
    let state = State::settled(&[wanted], SETTLE)?;
    if state.lines == wanted.lines && (ran.is_fine() || refused(ran.end)) {
        println!("{}", if ran.is_fine() { "done" } else { "back" });
        return Ok(());
    }
    println!("{}: {}", place::told(ran.end), ran.last());
    brief(&state.against(wanted)).into_iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// Waits until the program that strace follows is stopped; its process, or nothing if it has ended before.
fn stopped(running: &Running, file: &Path) -> Outcome<Option<u32>> {
    let start = Instant::now();
    while start.elapsed() < ARRIVAL {
        std::thread::sleep(Duration::from_millis(2));
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if let Some(line) = text.lines().find(|line| line.ends_with("--- stopped by SIGSTOP ---")) {
            // All its threads stop, one after the other.
            std::thread::sleep(Duration::from_millis(10));
            let process = line.split(' ').next().and_then(|word| word.parse().ok());
            return process.map(Some).ok_or_else(|| format!("strace writes: {line}").into());
        }
        let strace = std::fs::read_to_string(format!("/proc/{}/stat", running.id())).unwrap_or_default();
        if strace.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z')) {
            return Ok(None);
        }
    }
    Err("the program neither came to the point nor ended".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_of_scenes() {
        for intruder in INTRUDERS {
            assert!(scene::named(intruder.scene).is_ok(), "{}", intruder.name);
        }
    }
}
