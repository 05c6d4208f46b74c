//! JSON as the tools print it: read into a tree, and told apart line by line.

#![allow(dead_code)]

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`, a flag or a number, as it is written; a string without quotes, its escapes as they are.
    Word(String),
    /// A list.
    List(Vec<Json>),
    /// An object, in its order.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a text; panics if it is not JSON.
    #[track_caller]
    pub fn read(text: &str) -> Json {
        let mut rest = text;
        let value = value(&mut rest).unwrap_or_else(|| panic!("no JSON at {rest:?} of {text}"));
        assert!(rest.trim().is_empty(), "behind JSON: {rest:?}");
        value
    }

    /// The members of a list.
    pub fn list(&self) -> &[Json] {
        match self {
            Json::List(list) => list,
            _ => &[],
        }
    }

    /// A member of an object.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.iter().find(|member| member.0 == key).map(|member| &member.1),
            _ => None,
        }
    }

    /// A member of an object, as text; empty if there is none.
    pub fn text(&self, key: &str) -> &str {
        match self.get(key) {
            Some(Json::Word(word)) => word,
            _ => "",
        }
    }

    /// One line, members in the order of their names, without those of the named keys.
    pub fn line(&self, without: &[&str]) -> String {
        match self {
            Json::Word(word) => word.clone(),
            Json::List(list) => {
                let mut lines: Vec<String> = list.iter().map(|one| one.line(without)).collect();
                lines.sort();
                format!("[{}]", lines.join(" "))
            }
            Json::Object(members) => {
                let kept = members.iter().filter(|member| !without.contains(&member.0.as_str()));
                let mut lines: Vec<String> = kept.map(|(key, one)| format!("{key}={}", one.line(without))).collect();
                lines.sort();
                format!("{{{}}}", lines.join(" "))
            }
        }
    }
}

/// Takes a character off the front, behind blanks.
fn take(rest: &mut &str, character: char) -> Option<()> {
    *rest = rest.trim_start().strip_prefix(character)?;
    Some(())
}

fn value(rest: &mut &str) -> Option<Json> {
    *rest = rest.trim_start();
    match rest.chars().next()? {
        '{' => members(rest, '{', '}', |rest| {
            let key = string(rest)?;
            take(rest, ':')?;
            Some((key, value(rest)?))
        })
        .map(Json::Object),
        '[' => members(rest, '[', ']', value).map(Json::List),
        '"' => string(rest).map(Json::Word),
        _ => {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)).unwrap_or(rest.len());
            let word = &rest[..end];
            *rest = &rest[end..];
            let is_word = matches!(word, "true" | "false" | "null") || word.parse::<f64>().is_ok();
            is_word.then(|| Json::Word(word.to_owned()))
        }
    }
}

fn members<T>(
    rest: &mut &str,
    open: char,
    close: char,
    mut member: impl FnMut(&mut &str) -> Option<T>,
) -> Option<Vec<T>> {
    take(rest, open)?;
    let mut list = Vec::new();
    if take(rest, close).is_some() {
        return Some(list);
    }
    loop {
        list.push(member(rest)?);
        if take(rest, close).is_some() {
            return Some(list);
        }
        take(rest, ',')?;
    }
}

fn string(rest: &mut &str) -> Option<String> {
    take(rest, '"')?;
    let mut is_escaped = false;
    let end = rest.find(|c| {
        let is_end = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    })?;
    let text = rest[..end].to_owned();
    *rest = &rest[end + 1..];
    Some(text)
}
