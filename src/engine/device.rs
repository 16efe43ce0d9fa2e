//! Which device computes: a real GPU through wgpu if there is one, else the CPU
//! through Burn's flex backend.
//!
//! Opening is always fallible here; nothing panics for want of an adapter. A
//! software rasterizer is not a GPU unless it is asked for.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use burn::tensor::wgpu::{WgpuBackend, wgpu};
use burn::tensor::{Device, DeviceKind};

use crate::text::unknown;

/// Adapters that this process has opened.
static OPEN: Mutex<Vec<((DeviceKind, WgpuBackend), Device)>> = Mutex::new(Vec::new());

/// The value of `--device`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// A real GPU if there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU adapter, software rasterizers included; the N-th if numbered.
    Gpu(Option<usize>),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<DeviceChoice, String> {
        let wrong = || unknown("device", text, &["auto", "cpu", "gpu", "gpu:N"]);
        match text {
            "auto" => Ok(DeviceChoice::Auto),
            "cpu" => Ok(DeviceChoice::Cpu),
            "gpu" => Ok(DeviceChoice::Gpu(None)),
            _ => {
                let number = text.strip_prefix("gpu:").ok_or_else(wrong)?;
                Ok(DeviceChoice::Gpu(Some(number.parse().map_err(|_| wrong())?)))
            }
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Auto => f.write_str("auto"),
            DeviceChoice::Cpu => f.write_str("cpu"),
            DeviceChoice::Gpu(None) => f.write_str("gpu"),
            DeviceChoice::Gpu(Some(n)) => write!(f, "gpu:{n}"),
        }
    }
}

/// A graphics adapter that the system offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// The adapter's name as its driver gives it.
    pub name: String,
    /// Graphics API: `vulkan`, `metal`, `dx12` or `gl`.
    pub api: &'static str,
    /// `discrete`, `integrated`, `virtual`, `software` or `other`.
    pub kind: &'static str,
    /// Driver name and version, as far as known.
    pub driver: String,
    select: (DeviceKind, WgpuBackend),
}

impl Adapter {
    /// True for a software rasterizer (lavapipe, llvmpipe, WARP).
    pub fn is_software(&self) -> bool {
        self.kind == "software"
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.kind, self.api)
    }
}

/// Why a device cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// No adapter at all.
    #[error("no GPU adapter found (looked for Vulkan, Metal, DX12 and OpenGL)")]
    NoAdapter,
    /// A number beyond the list.
    #[error("there is no GPU {wanted}: {found} found (see blockscope doctor)")]
    NoSuchAdapter {
        /// The number asked for.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// The adapter refused.
    #[error("GPU {adapter} could not be opened: {reason}")]
    Refused {
        /// The adapter.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
}

/// A device that is open and ready.
#[derive(Debug, Clone)]
pub struct OpenDevice {
    /// Burn's handle.
    pub device: Device,
    /// The device in words, as results record it: `cpu (flex, 2 threads)`.
    pub label: String,
    /// Whether it is the CPU, whose threads host work shares.
    pub cpu: bool,
}

/// The adapters of the first graphics API that has any, in the order that
/// `gpu:N` counts. Opens nothing and never panics; empty without a driver.
pub fn adapters() -> Vec<Adapter> {
    let apis = [
        ("vulkan", wgpu::Backends::VULKAN, WgpuBackend::Vulkan),
        ("metal", wgpu::Backends::METAL, WgpuBackend::Metal),
        ("dx12", wgpu::Backends::DX12, WgpuBackend::Dx12),
        ("gl", wgpu::Backends::GL, WgpuBackend::Gl),
    ];
    let mut fallback = Vec::new();
    for (name, backends, backend) in apis {
        let list = || crate::quiet::without_stderr(|| list_api(name, backends, backend));
        let found = std::panic::catch_unwind(list);
        let found = found.unwrap_or_default();
        if found.iter().any(|adapter| !adapter.is_software()) {
            return found;
        }
        if fallback.is_empty() {
            fallback = found;
        }
    }
    fallback
}

fn list_api(api: &'static str, backends: wgpu::Backends, backend: WgpuBackend) -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let Some(found) = ready(instance.enumerate_adapters(backends)) else {
        return Vec::new();
    };
    let mut counts = [0usize; 3];
    let mut count = |at: usize| {
        counts[at] += 1;
        counts[at] - 1
    };
    found
        .iter()
        .map(|adapter| {
            let info = adapter.get_info();
            let (kind, select) = match info.device_type {
                wgpu::DeviceType::DiscreteGpu => ("discrete", DeviceKind::DiscreteGpu(count(0))),
                wgpu::DeviceType::IntegratedGpu => {
                    ("integrated", DeviceKind::IntegratedGpu(count(1)))
                }
                wgpu::DeviceType::VirtualGpu => ("virtual", DeviceKind::VirtualGpu(count(2))),
                wgpu::DeviceType::Cpu => ("software", DeviceKind::Cpu),
                wgpu::DeviceType::Other => ("other", DeviceKind::DefaultDevice),
            };
            Adapter {
                name: info.name.trim().to_string(),
                api,
                kind,
                driver: format!("{} {}", info.driver, info.driver_info).trim().to_string(),
                select: (select, backend),
            }
        })
        .collect()
}

/// The value of a future that does not really wait, as wgpu's native ones.
fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for _ in 0..1_000 {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
        std::thread::yield_now();
    }
    None
}

/// What `choice` would open, in words, without opening it.
///
/// # Errors
/// [`DeviceError`] if that is nothing.
pub fn preview(choice: DeviceChoice) -> Result<String, DeviceError> {
    // nothing is looked for that is not needed: drivers are slow to load
    let found = if choice == DeviceChoice::Cpu { Vec::new() } else { adapters() };
    Ok(pick(choice, &found)?.map_or_else(cpu_label, Adapter::to_string))
}

/// The adapter that `choice` means; `None` for the CPU.
fn pick(choice: DeviceChoice, found: &[Adapter]) -> Result<Option<&Adapter>, DeviceError> {
    let best = |software: bool| {
        let order = ["discrete", "integrated", "virtual", "other", "software"];
        order
            .iter()
            .filter(|kind| software || **kind != "software")
            .find_map(|kind| found.iter().find(|adapter| adapter.kind == *kind))
    };
    match choice {
        DeviceChoice::Cpu => Ok(None),
        DeviceChoice::Auto => Ok(best(false)),
        DeviceChoice::Gpu(None) => best(true).map(Some).ok_or(DeviceError::NoAdapter),
        DeviceChoice::Gpu(Some(wanted)) => match found.get(wanted) {
            Some(adapter) => Ok(Some(adapter)),
            None if found.is_empty() => Err(DeviceError::NoAdapter),
            None => Err(DeviceError::NoSuchAdapter { wanted, found: found.len() }),
        },
    }
}

/// Opens the device that `choice` means. With `auto`, a GPU that refuses gives
/// way to the CPU and the reason goes to the log.
///
/// Burn registers a runtime once per process and adapter, so an adapter that is
/// open already is handed out again.
///
/// # Errors
/// [`DeviceError`] if a GPU was asked for and there is none, or it refuses.
pub fn open(choice: DeviceChoice) -> Result<OpenDevice, DeviceError> {
    if choice == DeviceChoice::Cpu {
        return Ok(cpu());
    }
    let found = adapters();
    let Some(adapter) = pick(choice, &found)? else {
        return Ok(cpu());
    };
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = open.iter().find(|(select, _)| *select == adapter.select);
    if let Some((_, device)) = known {
        return Ok(OpenDevice { device: device.clone(), label: adapter.to_string(), cpu: false });
    }
    let (kind, api) = adapter.select.clone();
    let opened = std::panic::catch_unwind(|| {
        crate::quiet::without_stderr(|| {
            Device::wgpu_options().device_kind(kind).graphics_api(api).init()
        })
    });
    let reason = match opened {
        Ok(Ok(device)) => {
            open.push((adapter.select.clone(), device.clone()));
            return Ok(OpenDevice { device, label: adapter.to_string(), cpu: false });
        }
        Ok(Err(error)) => error.to_string().replace('\n', " "),
        Err(_) => "the driver panicked".to_string(),
    };
    if choice == DeviceChoice::Auto {
        tracing::warn!("{adapter} could not be opened ({reason}); using the CPU");
        return Ok(cpu());
    }
    Err(DeviceError::Refused { adapter: adapter.to_string(), reason })
}

fn cpu() -> OpenDevice {
    OpenDevice { device: Device::flex(), label: cpu_label(), cpu: true }
}

fn cpu_label() -> String {
    match rayon::current_num_threads() {
        1 => "cpu (flex, 1 thread)".to_string(),
        n => format!("cpu (flex, {n} threads)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(kind: &'static str) -> Adapter {
        Adapter {
            name: kind.to_string(),
            api: "vulkan",
            kind,
            driver: String::new(),
            select: (DeviceKind::Cpu, WgpuBackend::Vulkan),
        }
    }

    #[test]
    fn choices_parse_and_print() {
        for text in ["auto", "cpu", "gpu", "gpu:3"] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
        }
        for text in ["", "cuda", "gpu:", "gpu:-1", "gpu:x"] {
            assert!(text.parse::<DeviceChoice>().unwrap_err().contains("auto, cpu, gpu"));
        }
    }

    #[test]
    fn a_software_rasterizer_counts_only_when_asked_for() {
        let soft = [adapter("software")];
        assert_eq!(pick(DeviceChoice::Auto, &soft), Ok(None));
        assert_eq!(pick(DeviceChoice::Gpu(None), &soft), Ok(Some(&soft[0])));
        assert_eq!(pick(DeviceChoice::Gpu(Some(0)), &soft), Ok(Some(&soft[0])));
        let mixed = [adapter("software"), adapter("integrated"), adapter("discrete")];
        assert_eq!(pick(DeviceChoice::Auto, &mixed), Ok(Some(&mixed[2])));
        assert_eq!(pick(DeviceChoice::Cpu, &mixed), Ok(None));
        assert_eq!(pick(DeviceChoice::Gpu(None), &[]), Err(DeviceError::NoAdapter));
        let error = pick(DeviceChoice::Gpu(Some(5)), &mixed).unwrap_err();
        assert!(error.to_string().contains("no GPU 5: 3 found"));
    }

    #[test]
    fn listing_adapters_never_panics() {
        let _ = adapters();
    }
}
