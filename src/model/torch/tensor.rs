//! A tensor of a checkpoint: a view of a storage, and how its values become f32.

use std::fs::File;

use half::{bf16, f16};

use super::Checkpoint;
use super::pickle::{Id, Value};
use super::source::Place;

/// More axes are refused.
const MAX_RANK: usize = 16;
/// Calls around a tensor (a parameter of a subclass) that are looked through.
const MAX_WRAPPERS: usize = 8;

/// The type of a tensor's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// `torch.float64`.
    F64,
    /// `torch.float32`.
    F32,
    /// `torch.float16`.
    F16,
    /// `torch.bfloat16`.
    BF16,
    /// Another, by its name and size in bytes.
    Other(&'static str, usize),
}

/// Types by the names of their storages and their own.
const ELEMENTS: &[(&str, &str, Element)] = &[
    ("DoubleStorage", "float64", Element::F64),
    ("FloatStorage", "float32", Element::F32),
    ("HalfStorage", "float16", Element::F16),
    ("BFloat16Storage", "bfloat16", Element::BF16),
    ("LongStorage", "int64", Element::Other("i64", 8)),
    ("IntStorage", "int32", Element::Other("i32", 4)),
    ("ShortStorage", "int16", Element::Other("i16", 2)),
    ("CharStorage", "int8", Element::Other("i8", 1)),
    ("ByteStorage", "uint8", Element::Other("u8", 1)),
    ("BoolStorage", "bool", Element::Other("bool", 1)),
    ("ComplexDoubleStorage", "complex128", Element::Other("complex128", 16)),
    ("ComplexFloatStorage", "complex64", Element::Other("complex64", 8)),
    ("QInt8Storage", "qint8", Element::Other("qint8", 1)),
    ("QUInt8Storage", "quint8", Element::Other("quint8", 1)),
    ("QInt32Storage", "qint32", Element::Other("qint32", 4)),
    ("", "uint16", Element::Other("u16", 2)),
    ("", "uint32", Element::Other("u32", 4)),
    ("", "uint64", Element::Other("u64", 8)),
    ("", "float8_e4m3fn", Element::Other("float8_e4m3fn", 1)),
    ("", "float8_e5m2", Element::Other("float8_e5m2", 1)),
    ("UntypedStorage", "", Element::Other("u8", 1)),
];

impl Element {
    /// The type of a storage class or a dtype, `module.name`; `torch.cuda.FloatStorage`
    /// and the `FloatTensor` of tar files too.
    pub(super) fn of(name: &str) -> Option<Element> {
        let name = name.rsplit('.').next().unwrap_or(name).replace("Tensor", "Storage");
        let known =
            |(storage, dtype, _): &&(&str, &str, Element)| *storage == name || *dtype == name;
        ELEMENTS.iter().find(known).map(|(_, _, element)| *element)
    }

    /// Bytes of a value.
    pub fn size(self) -> usize {
        match self {
            Element::F64 => 8,
            Element::F32 => 4,
            Element::F16 | Element::BF16 => 2,
            Element::Other(_, size) => size,
        }
    }
}

/// A view of a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    pub(super) storage: String,
    pub(super) element: Element,
    /// Byte of the storage at which the part that it may see begins.
    pub(super) base: u64,
    /// Values before its first one.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) stride: Vec<usize>,
}

impl Tensor {
    /// The type of its values.
    pub fn element(&self) -> Element {
        self.element
    }

    /// Extent of every axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of its values, if there is a number for it.
    pub fn count(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))
    }

    pub(super) fn storage(&self) -> &str {
        &self.storage
    }

    /// Whether its values follow each other in its storage.
    fn contiguous(&self) -> bool {
        let mut step = 1;
        self.shape.iter().zip(&self.stride).rev().all(|(extent, stride)| {
            let fits = *extent == 1 || *stride == step;
            step *= extent;
            fits
        })
    }

    /// Its values as f32, the last axis fastest. Of another type they are zeros or ones,
    /// for masks.
    pub(super) fn read(&self, file: &mut File, place: &Place) -> Result<Vec<f32>, String> {
        let beyond = "it reaches beyond its storage";
        let count = self.count().ok_or(beyond)?;
        if count == 0 {
            return Ok(Vec::new());
        }
        // values from its first to its last in the storage
        let steps = self.shape.iter().zip(&self.stride);
        let span = steps.clone().try_fold(1usize, |span, (extent, stride)| {
            span.checked_add((extent - 1).checked_mul(*stride)?)
        });
        let size = self.element.size();
        let bytes = span.and_then(|span| span.checked_mul(size)).ok_or(beyond)?;
        let from = (self.offset as u64).checked_mul(size as u64);
        let from = from.and_then(|from| from.checked_add(self.base)).ok_or(beyond)?;
        let bytes = place.read(file, from, bytes)?;
        let values = match self.element {
            Element::F32 => decode(&bytes, f32::from_le_bytes),
            Element::F64 => decode(&bytes, |b| f64::from_le_bytes(b) as f32),
            Element::F16 => decode(&bytes, |b| f16::from_le_bytes(b).to_f32()),
            Element::BF16 => decode(&bytes, |b| bf16::from_le_bytes(b).to_f32()),
            Element::Other(_, size) => {
                let set = |value: &[u8]| if value.iter().any(|b| *b != 0) { 1.0 } else { 0.0 };
                bytes.chunks_exact(size).map(set).collect()
            }
        };
        if self.contiguous() {
            return Ok(values);
        }
        let mut gathered = Vec::with_capacity(count);
        let mut index = vec![0; self.shape.len()];
        let mut at = 0;
        for _ in 0..count {
            gathered.push(values[at]);
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += self.stride[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                at -= index[axis] * self.stride[axis];
                index[axis] = 0;
            }
        }
        Ok(gathered)
    }
}

/// Values of `N` bytes each.
pub(in crate::model) fn decode<const N: usize, T>(
    bytes: &[u8],
    convert: impl Fn([u8; N]) -> T,
) -> Vec<T> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|chunk| convert(*chunk)).collect()
}

/// A storage as a pickle names it.
pub(super) struct Storage {
    pub(super) key: String,
    pub(super) element: Element,
    /// Byte at which a view of it begins.
    base: u64,
}

impl Checkpoint {
    /// The tensor that a value is: none if it is something else, a text if it is one that
    /// cannot be read.
    pub(super) fn tensor(&self, id: Id) -> Option<Result<Tensor, String>> {
        let pickle = &self.pickle;
        if let Value::Outside(key) = pickle.get(id) {
            return self.tensors.get(&pickle.text(*key)?).cloned().map(Ok);
        }
        let Value::Object(object) = pickle.get(id) else { return None };
        let (mut callable, mut arguments) = (object.callable, object.arguments);
        for _ in 0..MAX_WRAPPERS {
            let given = pickle.sequence(arguments);
            match pickle.global(callable)? {
                "torch._utils._rebuild_tensor_v2"
                | "torch._utils._rebuild_tensor"
                | "torch._utils._rebuild_tensor_v3" => return Some(self.view(given)),
                "torch._utils._rebuild_parameter"
                | "torch._utils._rebuild_parameter_with_state"
                | "torch.nn.parameter.Parameter"
                | "torch.nn.parameter.Buffer" => match pickle.get(*given.first()?) {
                    Value::Object(inner) => {
                        (callable, arguments) = (inner.callable, inner.arguments);
                    }
                    Value::Outside(key) => {
                        return self.tensors.get(&pickle.text(*key)?).cloned().map(Ok);
                    }
                    _ => return None,
                },
                "torch._tensor._rebuild_from_type_v2" | "torch.tensor._rebuild_from_type_v2" => {
                    (callable, arguments) = (*given.first()?, *given.get(2)?);
                }
                other => {
                    let rest = other.strip_prefix("torch._utils._rebuild_")?;
                    return Some(Err(format!("it is a {rest}, which has no plain values")));
                }
            }
        }
        Some(Err("it is wrapped too often".into()))
    }

    /// A tensor from the arguments of `_rebuild_tensor` and its successors.
    fn view(&self, given: &[Id]) -> Result<Tensor, String> {
        let pickle = &self.pickle;
        let [storage, offset, shape, stride, rest @ ..] = given else {
            return Err("it is described by too little".into());
        };
        let sizes = |id: Id| -> Option<Vec<usize>> {
            pickle.sequence(id).iter().map(|member| pickle.size(*member)).collect()
        };
        let Value::Outside(storage) = pickle.get(*storage) else {
            return Err("it has no storage".into());
        };
        let storage = self.storage_of(*storage)?;
        let (shape, stride) = sizes(*shape).zip(sizes(*stride)).ok_or("its shape is no shape")?;
        if shape.len() != stride.len() || shape.len() > MAX_RANK {
            return Err(format!("its shape {shape:?} and its strides {stride:?} do not fit"));
        }
        // version 3 gives the type apart
        let dtype = rest.get(2).and_then(|dtype| pickle.global(*dtype)).and_then(Element::of);
        Ok(Tensor {
            element: dtype.unwrap_or(storage.element),
            base: storage.base,
            storage: storage.key,
            offset: pickle.size(*offset).ok_or("its offset is no number")?,
            shape,
            stride,
        })
    }

    pub(super) fn storage_of(&self, identifier: Id) -> Result<Storage, String> {
        storage_of(&self.pickle, identifier)
    }
}

/// The storage of an identifier: `('storage', class, key, device, values, view)`.
pub(super) fn storage_of(pickle: &super::Pickle, identifier: Id) -> Result<Storage, String> {
    let parts = pickle.sequence(identifier);
    let [kind, class, key, _device, _count, rest @ ..] = parts else {
        return Err("its storage is described by too little".into());
    };
    if pickle.text(*kind).as_deref() != Some("storage") {
        return Err("its storage is none".into());
    }
    let name = pickle.global(*class).unwrap_or("nothing");
    let element = Element::of(name).ok_or_else(|| format!("its storage is a {name}"))?;
    // the format before zip files: (key of the view, first value, values)
    let view = rest.first().map_or(&[][..], |view| pickle.sequence(*view));
    let start = view.get(1).and_then(|at| pickle.size(*at)).unwrap_or(0);
    let base = (start as u64).checked_mul(element.size() as u64).ok_or("its view is too large")?;
    let key = pickle.text(*key).ok_or("its storage has no key")?;
    Ok(Storage { key, element, base })
}
