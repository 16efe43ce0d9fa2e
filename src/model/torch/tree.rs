//! The tensors of a checkpoint under their names: through dicts, lists, pickled modules
//! and any other object's attributes.

use std::collections::{BTreeMap, HashSet};

use super::pickle::{Id, Object, Value};
use super::{Checkpoint, Tensor};
use crate::text::one_line;

/// Deeper values are not looked into.
const MAX_DEPTH: usize = 48;
/// More values on all ways together are refused: they hold each other to no end.
const MAX_VISITS: usize = 1 << 25;

pub(super) fn tensors(
    checkpoint: &Checkpoint,
) -> Result<BTreeMap<String, Result<Tensor, String>>, String> {
    let mut walk = Walk {
        checkpoint,
        found: BTreeMap::new(),
        objects: HashSet::new(),
        way: Vec::new(),
        visits: 0,
    };
    walk.visit(checkpoint.pickle.root(), "")?;
    Ok(walk.found)
}

struct Walk<'a> {
    checkpoint: &'a Checkpoint,
    found: BTreeMap<String, Result<Tensor, String>>,
    /// Objects that were seen; modules and dicts may be shared, others hold each other.
    objects: HashSet<Id>,
    /// From the root to here.
    way: Vec<Id>,
    visits: usize,
}

impl Walk<'_> {
    fn visit(&mut self, id: Id, name: &str) -> Result<(), String> {
        if self.way.len() >= MAX_DEPTH || self.way.contains(&id) {
            return Ok(());
        }
        self.count(1)?;
        if let Some(tensor) = self.checkpoint.tensor(id) {
            self.found.insert(name.to_string(), tensor);
            return Ok(());
        }
        self.way.push(id);
        let done = self.members(id, name);
        self.way.pop();
        done
    }

    fn count(&mut self, values: usize) -> Result<(), String> {
        self.visits += values;
        if self.visits > MAX_VISITS {
            return Err("its values hold each other too often; save the state dict alone".into());
        }
        Ok(())
    }

    fn members(&mut self, id: Id, name: &str) -> Result<(), String> {
        let pickle = &self.checkpoint.pickle;
        match pickle.get(id) {
            Value::Dict(entries) => self.entries(entries, name),
            Value::Sequence(members) => {
                self.count(members.len())?;
                for (at, member) in members.iter().enumerate() {
                    self.member(*member, name, || at.to_string())?;
                }
                Ok(())
            }
            Value::Object(object) => self.object(id, object, name),
            _ => Ok(()),
        }
    }

    fn entries(&mut self, entries: &[(Id, Id)], name: &str) -> Result<(), String> {
        let pickle = &self.checkpoint.pickle;
        self.count(entries.len())?;
        for (key, value) in entries {
            if let Some(key) = pickle.text(*key) {
                self.member(*value, name, || one_line(&key))?;
            }
        }
        Ok(())
    }

    fn member(&mut self, id: Id, name: &str, key: impl Fn() -> String) -> Result<(), String> {
        use Value::{Dict, Object, Outside, Sequence};
        if !matches!(self.checkpoint.pickle.get(id), Dict(_) | Object(_) | Outside(_) | Sequence(_))
        {
            return Ok(());
        }
        let name = if name.is_empty() { key() } else { format!("{name}.{}", key()) };
        self.visit(id, &name)
    }

    fn object(&mut self, id: Id, object: &Object, name: &str) -> Result<(), String> {
        let pickle = &self.checkpoint.pickle;
        // an attribute dict, or that and the slots
        let state: &[(Id, Id)] = match object.state.map(|state| pickle.get(state)) {
            Some(Value::Dict(entries)) => entries,
            Some(Value::Sequence(parts)) => match parts.first().map(|part| pickle.get(*part)) {
                Some(Value::Dict(entries)) => entries,
                _ => &[],
            },
            _ => &[],
        };
        let attribute = |wanted: &str| {
            let is =
                |(key, _): &&(Id, Id)| matches!(pickle.get(*key), Value::Str(k) if k == wanted);
            state.iter().rev().find(is).map(|(_, value)| *value)
        };
        if let (Some(own), Some(children)) = (attribute("_parameters"), attribute("_modules")) {
            let left_out = attribute("_non_persistent_buffers_set");
            let left_out = left_out.map_or(vec![], |set| self.listed(set));
            self.entries(&self.mapping(own), name)?;
            let buffers = attribute("_buffers").map_or(vec![], |buffers| self.mapping(buffers));
            let kept =
                |(key, _): &(Id, Id)| pickle.text(*key).is_none_or(|k| !left_out.contains(&k));
            let buffers: Vec<(Id, Id)> = buffers.into_iter().filter(kept).collect();
            self.entries(&buffers, name)?;
            return self.entries(&self.mapping(children), name);
        }
        let mapping = self.mapping(id);
        if mapping.is_empty() && !self.objects.insert(id) {
            return Ok(());
        }
        self.entries(&mapping, name)?;
        // an ordered dict's attributes are notes of its versions
        if mapping.is_empty() { self.entries(state, name) } else { Ok(()) }
    }

    /// The entries of a dict or of an object that is one: set later, or given as pairs.
    fn mapping(&self, id: Id) -> Vec<(Id, Id)> {
        let pickle = &self.checkpoint.pickle;
        match pickle.get(id) {
            Value::Dict(entries) => entries.clone(),
            Value::Object(object) => {
                let is_dict = pickle.global(object.callable).is_some_and(|class| {
                    matches!(class.rsplit('.').next(), Some("OrderedDict" | "dict" | "Counter"))
                });
                let given = pickle.sequence(object.arguments).first().filter(|_| is_dict);
                let mut entries = match given.map(|given| pickle.get(*given)) {
                    Some(Value::Dict(entries)) => entries.clone(),
                    Some(Value::Sequence(pairs)) => {
                        let pair = |id: &Id| match pickle.sequence(*id) {
                            [key, value] => Some((*key, *value)),
                            _ => None,
                        };
                        pairs.iter().filter_map(pair).collect()
                    }
                    _ => Vec::new(),
                };
                entries.extend_from_slice(&object.entries);
                entries
            }
            _ => Vec::new(),
        }
    }

    /// The texts in a set, which older protocols write as a call with a list.
    fn listed(&self, id: Id) -> Vec<String> {
        let pickle = &self.checkpoint.pickle;
        let members = match pickle.get(id) {
            Value::Object(object) => pickle.sequence(object.arguments).first().copied(),
            _ => Some(id),
        };
        let members = members.map_or(&[][..], |members| pickle.sequence(members));
        members.iter().filter_map(|member| pickle.text(*member)).collect()
    }
}
