//! The instructions of pickles, each of which leaves values on a stack.

use std::collections::HashMap;

use super::{Id, Object, Pickle, Value};

/// More values, stack places or memo entries are refused: several times what the largest
/// training states hold, and a bound on memory.
const MAX_VALUES: usize = 1 << 24;

/// A pickle that is being read.
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

const NONE: Id = Id(0);

type Step = Result<(), String>;

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Machine<'a> {
        let values = vec![Value::None, Value::Bool(false), Value::Bool(true)];
        Machine { bytes, at: 0, values, stack: vec![], marks: vec![], memo: HashMap::new() }
    }

    /// Runs to the pickle's end.
    pub(super) fn run(mut self) -> Result<Pickle, String> {
        loop {
            let start = self.at;
            let code = self.byte()?;
            if code == b'.' {
                let root = self.pop()?;
                return Ok(Pickle { values: self.values, root, used: self.at });
            }
            self.step(code).map_err(|why| format!("{why} at byte {start} of the pickle"))?;
        }
    }

    fn step(&mut self, code: u8) -> Step {
        match code {
            b'(' => {
                self.room(self.marks.len())?;
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.drop_top(),
            b'1' => self.marked().map(drop),
            b'2' => self.top().and_then(|id| self.push_id(id)),
            b'N' => self.push_id(NONE),
            0x88 => self.push_id(Id(2)),
            0x89 => self.push_id(Id(1)),
            0x80 => self.take(1).map(drop),
            0x95 => self.take(8).map(drop),
            b'F' | b'G' | b'I' | b'J' | b'K' | b'M' | b'L' | 0x8a | 0x8b => self.number(code),
            b'S' | b'T' | b'U' | b'V' | b'X' | 0x8c | 0x8d => self.string(code),
            b'B' | b'C' | 0x8e | 0x96 => {
                let bytes = self.counted(code)?.to_vec();
                self.push(Value::Bytes(bytes))
            }
            b'p' | b'q' | b'r' | 0x94 | b'g' | b'h' | b'j' => self.remember(code),
            b']' | b')' | 0x8f => self.push(Value::Sequence(Vec::new())),
            b'}' => self.push(Value::Dict(Vec::new())),
            b'l' | b't' | 0x91 => {
                let members = self.marked()?;
                self.push(Value::Sequence(members))
            }
            0x85..=0x87 => {
                let from = self.last(usize::from(code - 0x84))?;
                let members = self.stack.split_off(from);
                self.push(Value::Sequence(members))
            }
            b'd' => {
                let members = self.marked()?;
                self.push(Value::Dict(pairs(&members)?))
            }
            b'a' => {
                let member = self.pop()?;
                self.extend(&[member])
            }
            b'e' | 0x90 => {
                let members = self.marked()?;
                self.extend(&members)
            }
            b's' => {
                let from = self.last(2)?;
                let members = self.stack.split_off(from);
                self.set(&members)
            }
            b'u' => {
                let members = self.marked()?;
                self.set(&members)
            }
            _ => self.call(code),
        }
    }

    /// Classes, calls, states, and what lies outside.
    fn call(&mut self, code: u8) -> Step {
        match code {
            b'c' => {
                let name = format!("{}.{}", self.line()?, self.line()?);
                self.push(Value::Global(name))
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (self.value(module), self.value(name)) {
                    (Value::Str(module), Value::Str(name)) => {
                        let name = format!("{module}.{name}");
                        self.push(Value::Global(name))
                    }
                    _ => Err("a class without a name".into()),
                }
            }
            0x82..=0x84 => {
                let number = self.unsigned([1, 2, 4][usize::from(code - 0x82)])?;
                self.push(Value::Global(format!("copyreg.extension_{number}")))
            }
            b'P' => {
                let name = self.line()?;
                let name = self.keep(Value::Str(name))?;
                self.push(Value::Outside(name))
            }
            b'Q' => {
                let name = self.pop()?;
                self.push(Value::Outside(name))
            }
            b'R' | 0x81 => {
                let (arguments, callable) = (self.pop()?, self.pop()?);
                self.object(callable, arguments)
            }
            0x92 => {
                let (_named, arguments, callable) = (self.pop()?, self.pop()?, self.pop()?);
                self.object(callable, arguments)
            }
            b'i' => {
                let name = format!("{}.{}", self.line()?, self.line()?);
                let arguments = self.marked()?;
                let (callable, arguments) =
                    (self.keep(Value::Global(name))?, self.keep(Value::Sequence(arguments))?);
                self.object(callable, arguments)
            }
            b'o' => {
                let mut arguments = self.marked()?;
                if arguments.is_empty() {
                    return Err("an object without a class".into());
                }
                let callable = arguments.remove(0);
                let arguments = self.keep(Value::Sequence(arguments))?;
                self.object(callable, arguments)
            }
            b'b' => {
                let state = self.pop()?;
                let object = self.top()?;
                if let Some(Value::Object(object)) = self.values.get_mut(object.0 as usize) {
                    object.state = Some(state);
                }
                Ok(())
            }
            0x97 | 0x98 => Err("buffers that lie outside of the file".into()),
            _ => Err(format!("no such instruction as {code:#04x}")),
        }
    }

    fn number(&mut self, code: u8) -> Step {
        let value = match code {
            b'F' => Value::Float(self.line()?.trim().parse().map_err(|_| "a bad number")?),
            b'G' => Value::Float(f64::from_be_bytes(self.array()?)),
            b'J' => Value::Int(i64::from(i32::from_le_bytes(self.array()?))),
            b'K' => Value::Int(self.unsigned(1)? as i64),
            b'M' => Value::Int(self.unsigned(2)? as i64),
            b'I' | b'L' => match self.line()?.trim().trim_end_matches('L') {
                "00" => Value::Bool(false),
                "01" => Value::Bool(true),
                text if text.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit()) => {
                    text.parse().map_or(Value::None, Value::Int)
                }
                _ => return Err("a bad number".into()),
            },
            _ => {
                let size = self.unsigned(if code == 0x8a { 1 } else { 4 })?;
                let bytes = self.take(size as usize)?;
                long(bytes).map_or(Value::None, Value::Int)
            }
        };
        self.push(value)
    }

    fn string(&mut self, code: u8) -> Step {
        let text = match code {
            b'V' => self.line()?,
            b'S' => {
                let line = self.line()?;
                let line = line.trim();
                let inside = |quote| line.strip_prefix(quote)?.strip_suffix(quote);
                inside('\'').or_else(|| inside('"')).unwrap_or(line).to_string()
            }
            _ => String::from_utf8_lossy(self.counted(code)?).into_owned(),
        };
        self.push(Value::Str(text))
    }

    /// Bytes behind their length, which is as wide as the instruction says.
    fn counted(&mut self, code: u8) -> Result<&'a [u8], String> {
        let width = match code {
            b'U' | b'C' | 0x8c => 1,
            b'T' | b'X' | b'B' => 4,
            _ => 8,
        };
        let size = self.unsigned(width)?;
        self.take(usize::try_from(size).map_err(|_| "a length beyond the end")?)
    }

    fn remember(&mut self, code: u8) -> Step {
        let key = match code {
            b'p' | b'g' => self.line()?.trim().parse().map_err(|_| "a bad memo number")?,
            b'q' | b'h' => self.unsigned(1)?,
            b'r' | b'j' => self.unsigned(4)?,
            _ => self.memo.len() as u64,
        };
        if matches!(code, b'g' | b'h' | b'j') {
            let id = *self.memo.get(&key).ok_or("a value that was never remembered")?;
            return self.push_id(id);
        }
        self.room(self.memo.len())?;
        let id = self.top()?;
        self.memo.insert(key, id);
        Ok(())
    }

    /// Adds members to the list, set or object on top.
    fn extend(&mut self, members: &[Id]) -> Step {
        let onto = self.top()?;
        if let Some(Value::Sequence(list)) = self.values.get_mut(onto.0 as usize) {
            list.extend_from_slice(members);
        }
        Ok(())
    }

    /// Sets entries of the dict or object on top.
    fn set(&mut self, members: &[Id]) -> Step {
        let new = pairs(members)?;
        let onto = self.top()?;
        match self.values.get_mut(onto.0 as usize) {
            Some(Value::Dict(entries)) => entries.extend(new),
            Some(Value::Object(object)) => object.entries.extend(new),
            _ => {}
        }
        Ok(())
    }

    fn object(&mut self, callable: Id, arguments: Id) -> Step {
        let object = Object { callable, arguments, state: None, entries: Vec::new() };
        self.push(Value::Object(Box::new(object)))
    }

    fn value(&self, id: Id) -> &Value {
        self.values.get(id.0 as usize).unwrap_or(&Value::None)
    }

    fn room(&self, taken: usize) -> Step {
        if taken < MAX_VALUES { Ok(()) } else { Err(format!("more than {MAX_VALUES} values")) }
    }

    fn keep(&mut self, value: Value) -> Result<Id, String> {
        self.room(self.values.len())?;
        self.values.push(value);
        Ok(Id(self.values.len() as u32 - 1))
    }

    fn push(&mut self, value: Value) -> Step {
        let id = self.keep(value)?;
        self.push_id(id)
    }

    fn push_id(&mut self, id: Id) -> Step {
        self.room(self.stack.len())?;
        self.stack.push(id);
        Ok(())
    }

    /// Where the last `count` values begin, none of which a mark divides.
    fn last(&self, count: usize) -> Result<usize, String> {
        let from = self.stack.len().checked_sub(count);
        let floor = self.marks.last().copied().unwrap_or(0);
        from.filter(|from| *from >= floor).ok_or_else(|| "too few values".into())
    }

    fn top(&self) -> Result<Id, String> {
        let at = self.last(1)?;
        Ok(self.stack[at])
    }

    fn pop(&mut self) -> Result<Id, String> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    /// Drops a value, or the mark where that is on top.
    fn drop_top(&mut self) -> Step {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    /// What lies above the last mark, which goes.
    fn marked(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.marks.pop().ok_or("a mark is missing")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or("the pickle ends too early: the file was cut off, get it again;")?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| "the pickle ends too early".into())
    }

    fn unsigned(&mut self, width: usize) -> Result<u64, String> {
        Ok(self.take(width)?.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|b| *b == b'\n').ok_or("a line without an end")?;
        self.at += end + 1;
        Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
    }
}

fn pairs(members: &[Id]) -> Result<Vec<(Id, Id)>, String> {
    match members.as_chunks::<2>() {
        (pairs, []) => Ok(pairs.iter().map(|[key, value]| (*key, *value)).collect()),
        _ => Err("a key without a value".into()),
    }
}

/// A little-endian integer in two's complement of any length, if 64 bits hold it.
fn long(bytes: &[u8]) -> Option<i64> {
    let fill = if bytes.last().is_some_and(|b| b & 0x80 != 0) { 0xff } else { 0 };
    let mut eight = [fill; 8];
    for (at, byte) in bytes.iter().enumerate() {
        match eight.get_mut(at) {
            Some(place) => *place = *byte,
            None if *byte == fill => {}
            None => return None,
        }
    }
    let value = i64::from_le_bytes(eight);
    ((value < 0) == (fill != 0)).then_some(value)
}
