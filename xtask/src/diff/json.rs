//! JSON as the listings print it: text in, values out, and how two values differ, by key.
//! Order of keys does not count, order of elements does.

/// A value; numbers and words as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// A number, `true`, `false` or `null`.
    Word(String),
    /// A string, its escapes as written.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// Keys and values in their order; a key may come twice.
    Map(Vec<(String, Json)>),
}

/// One difference: where, and what stands there on each side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Keys, joined with dots; elements of lists have no name.
    pub path: String,
    /// `missing`, `extra`, `differs`, `is empty`, or `missing entry`, `extra entry` in a list.
    pub how: &'static str,
    /// The value wanted.
    pub theirs: String,
    /// The value found.
    pub ours: String,
}

/// Reads a text of one value, with nothing after it; `None` if it is no JSON.
pub fn parse(text: &str) -> Option<Json> {
    let mut reader = Reader { rest: text.trim() };
    let value = reader.value(0)?;
    reader.rest.trim().is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, start: &str) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(start);
        rest.inspect(|rest| self.rest = rest).is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth > 64 {
            return None;
        }
        if self.take("[") {
            let mut list = Vec::new();
            while !self.take("]") {
                if !list.is_empty() && !self.take(",") {
                    return None;
                }
                list.push(self.value(depth + 1)?);
            }
            return Some(Json::List(list));
        }
        if self.take("{") {
            let mut map = Vec::new();
            while !self.take("}") {
                if !map.is_empty() && !self.take(",") {
                    return None;
                }
                let key = self.string()?;
                if !self.take(":") {
                    return None;
                }
                map.push((key, self.value(depth + 1)?));
            }
            return Some(Json::Map(map));
        }
        if self.rest.trim_start().starts_with('"') {
            return Some(Json::Text(self.string()?));
        }
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        let known = matches!(word, "true" | "false" | "null");
        (known || word.parse::<f64>().is_ok()).then(|| Json::Word(word.to_string()))
    }

    fn string(&mut self) -> Option<String> {
        if !self.take("\"") {
            return None;
        }
        let mut escaped = false;
        let end = self.rest.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })?;
        let text = self.rest[..end].to_string();
        self.rest = &self.rest[end + 1..];
        Some(text)
    }
}

impl Json {
    /// The value as a short text.
    pub fn text(&self) -> String {
        match self {
            Json::Word(word) => word.clone(),
            Json::Text(text) => format!("\"{text}\""),
            Json::List(list) => format!("[{}]", list.iter().map(Json::text).collect::<Vec<_>>().join(",")),
            Json::Map(map) => {
                let pairs: Vec<String> = map.iter().map(|(key, value)| format!("\"{key}\":{}", value.text())).collect();
                format!("{{{}}}", pairs.join(","))
            }
        }
    }

    /// What a key of a map holds.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Map(map) => map.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The string at a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&str> {
        match path.iter().try_fold(self, |value, key| value.get(key))? {
            Json::Text(text) | Json::Word(text) => Some(text),
            _ => None,
        }
    }

    /// Calls with the path of every key.
    pub fn keys(&self, path: &str, see: &mut impl FnMut(&str)) {
        match self {
            Json::List(list) => list.iter().for_each(|value| value.keys(path, see)),
            Json::Map(map) => {
                for (key, value) in map {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    see(&path);
                    value.keys(&path, see);
                }
            }
            _ => {}
        }
    }
}

/// All differences of two values.
pub fn compare(theirs: &Json, ours: &Json) -> Vec<Difference> {
    let mut found = Vec::new();
    walk("", theirs, ours, &mut found);
    found
}

fn walk(path: &str, theirs: &Json, ours: &Json, found: &mut Vec<Difference>) {
    let mut add = |path: &str, how, theirs: Option<&Json>, ours: Option<&Json>| {
        let text = |side: Option<&Json>| side.map(Json::text).unwrap_or_default();
        found.push(Difference { path: path.to_string(), how, theirs: text(theirs), ours: text(ours) });
    };
    match (theirs, ours) {
        (Json::Map(theirs), Json::Map(ours)) => {
            let join = |key: &str| if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
            let mut left: Vec<&(String, Json)> = ours.iter().collect();
            let mut pairs = Vec::new();
            for (key, value) in theirs {
                match left.iter().position(|(name, _)| name == key) {
                    Some(at) => pairs.push((key, value, &left.remove(at).1)),
                    None => add(&join(key), "missing", Some(value), None),
                }
            }
            left.iter().for_each(|(key, value)| add(&join(key), "extra", None, Some(value)));
            pairs.into_iter().for_each(|(key, theirs, ours)| walk(&join(key), theirs, ours, found));
        }
        (Json::List(theirs), Json::List(ours)) if theirs.len() == ours.len() => {
            theirs.iter().zip(ours).for_each(|(theirs, ours)| walk(path, theirs, ours, found));
        }
        (Json::List(theirs), Json::List(ours)) => {
            theirs.iter().filter(|one| !ours.contains(one)).for_each(|one| add(path, "missing entry", Some(one), None));
            ours.iter().filter(|one| !theirs.contains(one)).for_each(|one| add(path, "extra entry", None, Some(one)));
        }
        _ if theirs == ours => {}
        _ if *ours == Json::Text(String::new()) => add(path, "is empty", Some(theirs), Some(ours)),
        _ => add(path, "differs", Some(theirs), Some(ours)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_iproute2_prints_is_read() {
        let text = "[{\"ifname\":\"a\\\"b\",\"flags\":[\"UP\"],\"mtu\":1500,\"x\":{\"y\":-1.5e3}},{},null]\n";
        let value = parse(text).unwrap();
        assert_eq!(value.text(), text.trim());
        for wrong in ["", "[", "[1,]", "{\"a\":}", "{a:1}", "[1] [2]", "\"open", "nil"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    fn found(theirs: &str, ours: &str) -> Vec<String> {
        let differences = compare(&parse(theirs).unwrap(), &parse(ours).unwrap());
        differences.iter().map(|d| format!("{} {} {} {}", d.path, d.how, d.theirs, d.ours)).collect()
    }

    #[test]
    fn differences_are_named_by_key() {
        assert!(found("[{\"a\":1,\"b\":2}]", "[{\"b\":2,\"a\":1}]").is_empty());
        assert_eq!(found("[{\"a\":{\"b\":1}}]", "[{\"a\":{\"b\":2}}]"), ["a.b differs 1 2"]);
        assert_eq!(found("{\"a\":1}", "{\"c\":2}"), ["a missing 1 ", "c extra  2"]);
        assert_eq!(found("[1,2]", "[2]"), [" missing entry 1 "]);
        assert_eq!(found("{\"a\":\"1\"}", "{\"a\":1}"), ["a differs \"1\" 1"]);
    }

    #[test]
    fn keys_are_seen_with_their_paths() {
        let mut seen = Vec::new();
        parse("[{\"a\":[{\"b\":1}]}]").unwrap().keys("", &mut |path| seen.push(path.to_string()));
        assert_eq!(seen, ["a", "a.b"]);
    }
}
