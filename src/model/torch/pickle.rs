//! Python's pickles as data: the machine of protocols 0 to 5, which builds values and
//! never calls, imports or constructs anything. What a pickle would call is kept as the
//! name and the arguments of the call.
//!
//! Knows nothing of tensors, nor of the file that a pickle lies in.

mod machine;

use machine::Machine;

/// A value of a [`Pickle`]: pickles share values and may hold themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id(u32);

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `None`, and what nobody needs: integers of more than 64 bits.
    None,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A text; Python 2's byte strings too.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list, tuple or set.
    Sequence(Vec<Id>),
    /// A dict, in the order of its pickle.
    Dict(Vec<(Id, Id)>),
    /// A class or function, `module.name`.
    Global(String),
    /// What lies outside the pickle, by the identifier that the pickle gives.
    Outside(Id),
    /// What a call would give.
    Object(Box<Object>),
}

/// A call that was not made, and what the pickle adds to its result.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// What would be called.
    pub callable: Id,
    /// With these arguments, a sequence.
    pub arguments: Id,
    /// The state it would be given.
    pub state: Option<Id>,
    /// Entries set in it, as in a dict.
    pub entries: Vec<(Id, Id)>,
}

/// All values of a pickle.
#[derive(Debug)]
pub struct Pickle {
    values: Vec<Value>,
    root: Id,
    used: usize,
}

impl Pickle {
    /// Runs the pickle at the start of `bytes`.
    ///
    /// # Errors
    /// What is wrong with it, without the name of the file.
    pub fn parse(bytes: &[u8]) -> Result<Pickle, String> {
        Machine::new(bytes).run()
    }

    /// The value that the pickle stands for.
    pub fn root(&self) -> Id {
        self.root
    }

    /// Bytes that the pickle took.
    pub fn used(&self) -> usize {
        self.used
    }

    /// The value of an id.
    pub fn get(&self, id: Id) -> &Value {
        self.values.get(id.0 as usize).unwrap_or(&Value::None)
    }

    /// The identifiers of what lies outside.
    pub fn outside(&self) -> impl Iterator<Item = Id> {
        self.values.iter().filter_map(|v| if let Value::Outside(id) = v { Some(*id) } else { None })
    }

    /// The members of a sequence; none of anything else.
    pub fn sequence(&self, id: Id) -> &[Id] {
        match self.get(id) {
            Value::Sequence(members) => members,
            _ => &[],
        }
    }

    /// A text, or a number as a text, as keys are.
    pub fn text(&self, id: Id) -> Option<String> {
        match self.get(id) {
            Value::Str(text) => Some(text.clone()),
            Value::Int(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A class or function by its name.
    pub fn global(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Global(name) => Some(name),
            _ => None,
        }
    }

    /// A size, an offset, a count.
    pub fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Value::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(bytes: &[u8]) -> Pickle {
        Pickle::parse(bytes).unwrap()
    }

    #[test]
    fn integers_of_all_widths() {
        for (bytes, number) in [
            (&b"I-12\n."[..], -12),
            (b"L34L\n.", 34),
            (b"J\xff\xff\xff\xff.", -1),
            (b"K\xff.", 255),
            (b"M\x01\x02.", 513),
            (b"\x8a\x00.", 0),
            (b"\x8a\x01\xff.", -1),
            (b"\x8a\x02\xff\x00.", 255),
            (b"\x8b\x01\x00\x00\x00\x7f.", 127),
        ] {
            let pickle = parsed(bytes);
            assert_eq!(pickle.get(pickle.root()), &Value::Int(number), "{bytes:?}");
            assert_eq!(pickle.used(), bytes.len());
        }
        let wide = parsed(b"\x8a\x09\0\0\0\0\0\0\0\x80\0.");
        assert_eq!(wide.get(wide.root()), &Value::None);
    }

    #[test]
    fn calls_stay_calls() {
        let pickle = parsed(b"cos\nsystem\n(S'rm'\ntR}S'a'\nK\x01sb.");
        let Value::Object(object) = pickle.get(pickle.root()) else { panic!("{pickle:?}") };
        assert_eq!(pickle.global(object.callable), Some("os.system"));
        let arguments = pickle.sequence(object.arguments);
        assert_eq!(pickle.get(arguments[0]), &Value::Str("rm".into()));
        assert!(matches!(pickle.get(object.state.unwrap()), Value::Dict(d) if d.len() == 1));
    }

    #[test]
    fn a_value_may_hold_itself() {
        let pickle = parsed(b"]q\x00h\x00a.");
        assert_eq!(pickle.sequence(pickle.root()), [pickle.root()]);
    }

    #[test]
    fn whatever_the_bytes_are_nothing_panics() {
        for code in 0..=255u8 {
            for rest in
                [&b""[..], b".", b"\n.", b"'\xe9\n'\n.", b"\xff\xff\xff\xff\xff\xff\xff\xff."]
            {
                let mut bytes = vec![code];
                bytes.extend_from_slice(rest);
                let _ = Pickle::parse(&bytes);
                let _ = Pickle::parse(&[b"]q\x00(K\x01K\x02", &bytes[..]].concat());
            }
        }
    }
}
