//! The types of a `.d.ts` file, as far as `www/nearlive.d.ts` uses them, and whether a value is of one.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A type of TypeScript.
#[derive(Clone, Debug)]
pub(crate) enum Type {
    /// `string`, `number`, `boolean`, `null`, or the name of another.
    Named(String),
    /// `"auto"`.
    Word(String),
    /// `{ a: number; b?: string }`.
    Object(Vec<Member>),
    /// `A[]`.
    List(Box<Self>),
    /// `A | B`.
    Either(Vec<Self>),
    /// `A & B`.
    Both(Vec<Self>),
}

impl Type {
    /// The words that a value of it can be.
    pub(crate) fn words(&self) -> Vec<&str> {
        match self {
            Self::Word(word) => vec![word],
            Self::Either(all) => all.iter().flat_map(Self::words).collect(),
            _ => Vec::new(),
        }
    }
}

/// A property of an object.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// It may be left out.
    pub(crate) optional: bool,
    pub(crate) ty: Type,
}

/// All types of a file that are described by properties or by other types.
pub(crate) struct Types(BTreeMap<String, Type>);

impl Types {
    /// Reads `export interface` and `export type`; an interface with methods is left out.
    pub(crate) fn read(text: &str) -> Self {
        let text = without_comments(text);
        let mut all = BTreeMap::new();
        for item in text.split("export ").skip(1) {
            let mut tokens = tokens(item).into_iter().rev().collect::<Vec<_>>();
            let (kind, Some(name)) = (tokens.pop(), tokens.pop()) else { continue };
            match kind.as_deref() {
                Some("interface") => {
                    // `extends Error`: what every Error has is no news to a page.
                    while tokens.last().is_some_and(|it| it != "{") {
                        tokens.pop();
                    }
                }
                Some("type") => _ = tokens.pop(),
                _ => continue,
            }
            if let Some(ty) = either(&mut tokens) {
                all.insert(name, ty);
            }
        }
        Self(all)
    }

    /// The type of that name.
    pub(crate) fn named(&self, name: &str) -> &Type {
        self.0.get(name).unwrap_or_else(|| panic!("nearlive.d.ts has no readable type {name}"))
    }

    /// The properties of an interface.
    pub(crate) fn members(&self, name: &str) -> &[Member] {
        match self.named(name) {
            Type::Object(members) => members,
            other => panic!("{name} is no interface: {other:?}"),
        }
    }

    /// Why a value is not of a type. Where it is, `seen` gets each alternative that it takes: the branch of a union, a property
    /// that may be left out and is there, or is not.
    pub(crate) fn check(
        &self,
        ty: &Type,
        value: &Value,
        path: &str,
        seen: &mut BTreeSet<String>,
    ) -> Result<(), String> {
        let no = || Err(format!("{path} is {value}, which is no {ty:?}"));
        match (ty, value) {
            (Type::Named(name), _) => match (name.as_str(), value) {
                ("string", Value::String(_))
                | ("number", Value::Number(_))
                | ("boolean", Value::Bool(_))
                | ("null", Value::Null) => Ok(()),
                ("string" | "number" | "boolean" | "null", _) => no(),
                _ => self.check(self.named(name), value, path, seen),
            },
            (Type::Word(word), Value::String(it)) if word == it => Ok(()),
            (Type::List(ty), Value::Array(all)) => {
                all.iter().try_for_each(|it| self.check(ty, it, &format!("{path}[]"), seen))
            }
            (Type::Either(all), _) => {
                for (i, ty) in all.iter().enumerate() {
                    let mut also = BTreeSet::new();
                    if self.check(ty, value, path, &mut also).is_ok() {
                        seen.append(&mut also);
                        seen.insert(format!("{path} | {i}"));
                        return Ok(());
                    }
                }
                no()
            }
            (Type::Object(_) | Type::Both(_), Value::Object(fields)) => {
                let members = self.all_members(ty);
                for name in fields.keys() {
                    if !members.iter().any(|it| it.name == *name) {
                        return Err(format!("{path}.{name} is not in nearlive.d.ts"));
                    }
                }
                for Member { name, optional, ty } in members {
                    let path = format!("{path}.{name}");
                    let value = fields.get(&name);
                    if optional {
                        seen.insert(format!("{path}? {}", value.is_some()));
                    }
                    match value {
                        Some(value) => self.check(&ty, value, &path, seen)?,
                        None if optional => {}
                        None => return Err(format!("{path} is only in nearlive.d.ts")),
                    }
                }
                Ok(())
            }
            _ => no(),
        }
    }

    /// All alternatives that values of a type can take: what [`check`](Self::check) can see.
    pub(crate) fn alternatives(&self, ty: &Type, path: &str, all: &mut BTreeSet<String>) {
        match ty {
            Type::Word(_) => {}
            Type::Named(name) => match name.as_str() {
                "string" | "number" | "boolean" | "null" => {}
                _ => self.alternatives(self.named(name), path, all),
            },
            Type::List(ty) => self.alternatives(ty, &format!("{path}[]"), all),
            Type::Either(types) => {
                for (i, ty) in types.iter().enumerate() {
                    all.insert(format!("{path} | {i}"));
                    self.alternatives(ty, path, all);
                }
            }
            Type::Object(_) | Type::Both(_) => {
                for Member { name, optional, ty } in self.all_members(ty) {
                    let path = format!("{path}.{name}");
                    if optional {
                        all.extend([format!("{path}? true"), format!("{path}? false")]);
                    }
                    self.alternatives(&ty, &path, all);
                }
            }
        }
    }

    fn all_members(&self, ty: &Type) -> Vec<Member> {
        match ty {
            Type::Object(members) => members.clone(),
            Type::Both(all) => all.iter().flat_map(|it| self.all_members(it)).collect(),
            Type::Named(name) => self.all_members(self.named(name)),
            other => panic!("{other:?} has no properties"),
        }
    }
}

fn without_comments(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('/') {
        let (before, comment) = rest.split_at(at);
        out.push_str(before);
        let end = match comment.get(..2) {
            Some("/*") => comment.find("*/").map(|at| at + 2),
            Some("//") => comment.find('\n'),
            _ => panic!("a slash outside a comment: {comment:.40}"),
        };
        rest = &comment[end.unwrap_or(comment.len())..];
    }
    out + rest
}

/// Words, texts in quotes (with them), and single signs.
fn tokens(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '"' => rest[1..].find('"').map_or(rest.len(), |at| at + 2),
            c if c.is_alphanumeric() => {
                rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        all.push(rest[..len].to_owned());
        rest = rest[len..].trim_start();
    }
    all
}

/// `A | B`, where `A` may be `C & D`. The tokens stand last first.
fn either(tokens: &mut Vec<String>) -> Option<Type> {
    joined(tokens, "|", |it| joined(it, "&", single, Type::Both), Type::Either)
}

fn joined(
    tokens: &mut Vec<String>,
    sign: &str,
    one: impl Fn(&mut Vec<String>) -> Option<Type>,
    many: fn(Vec<Type>) -> Type,
) -> Option<Type> {
    let mut all = vec![one(tokens)?];
    while tokens.last().is_some_and(|it| it == sign) {
        tokens.pop();
        all.push(one(tokens)?);
    }
    Some(if all.len() == 1 { all.remove(0) } else { many(all) })
}

fn single(tokens: &mut Vec<String>) -> Option<Type> {
    let first = tokens.pop()?;
    let mut ty = if first == "{" {
        Type::Object(members(tokens)?)
    } else if let Some(word) = first.strip_prefix('"') {
        Type::Word(word.trim_end_matches('"').to_owned())
    } else {
        Type::Named(first)
    };
    while tokens.last().is_some_and(|it| it == "[") {
        tokens.truncate(tokens.len() - 2);
        ty = Type::List(Box::new(ty));
    }
    Some(ty)
}

/// What stands between braces. `None` for anything but properties.
fn members(tokens: &mut Vec<String>) -> Option<Vec<Member>> {
    let mut all = Vec::new();
    loop {
        let name = tokens.pop()?;
        match name.as_str() {
            "}" => return Some(all),
            ";" => continue,
            _ => {}
        }
        let mut sign = tokens.pop()?;
        let optional = sign == "?";
        if optional {
            sign = tokens.pop()?;
        }
        if sign != ":" {
            return None;
        }
        all.push(Member { name, optional, ty: either(tokens)? });
    }
}
