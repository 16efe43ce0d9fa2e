//! How much memory a process may still take: the machine's, that of its control group (as
//! containers and batch systems set it), its own limit. Linux tells; elsewhere nobody is
//! asked. Knows no networks.

use std::path::Path;

/// Bytes that this process may still take, if that is known.
pub fn free() -> Option<u64> {
    [machine(), group(), own_limit()].into_iter().flatten().min()
}

/// Checks that `bytes` can be had.
///
/// # Errors
/// How many there are.
pub fn check(bytes: u64) -> Result<(), u64> {
    match free() {
        Some(free) if free < bytes => Err(free),
        _ => Ok(()),
    }
}

/// `23.4 GB`.
pub fn words(bytes: u64) -> String {
    let units = [(1e18, "EB"), (1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let bytes = bytes as f64;
    let found = units.iter().find(|(size, _)| bytes >= *size);
    found.map_or(format!("{bytes} bytes"), |(size, unit)| format!("{:.1} {unit}", bytes / size))
}

/// What the machine can give without swapping.
fn machine() -> Option<u64> {
    kilobytes(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// The bytes of a line such as `MemAvailable: 23000000 kB`.
fn kilobytes(table: &str, name: &str) -> Option<u64> {
    let line = table.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// What the control group leaves; the nearest limit on the way up counts.
fn group() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let root = Path::new("/sys/fs/cgroup");
    let number = |path: &Path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let mut least = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (base, limit, used) = match controllers {
            "" => (root.to_path_buf(), "memory.max", "memory.current"),
            names if names.split(',').any(|name| name == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes", "memory.usage_in_bytes")
            }
            _ => continue,
        };
        for folder in Path::new(path.trim_start_matches('/')).ancestors() {
            let folder = base.join(folder);
            if let (Some(limit), Some(used)) =
                (number(&folder.join(limit)), number(&folder.join(used)))
            {
                let left = limit.saturating_sub(used);
                least = Some(least.map_or(left, |least: u64| least.min(left)));
            }
        }
    }
    least
}

/// What the limit on the process's own addresses leaves.
fn own_limit() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let limit = rustix::process::getrlimit(rustix::process::Resource::As).current?;
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        Some(limit.saturating_sub(kilobytes(&status, "VmSize:")?))
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_memory_is_read() {
        let text = "MemTotal:       24000000 kB\nMemAvailable:   23000000 kB\n";
        assert_eq!(kilobytes(text, "MemAvailable:"), Some(23_000_000 * 1024));
        for bad in ["", "MemAvailable: many kB\n", "MemAvailable: 5\n"] {
            assert_eq!(kilobytes(bad, "MemAvailable:"), None);
        }
    }

    #[test]
    fn what_no_machine_has_is_refused_and_what_any_has_is_not() {
        assert_eq!(check(1), Ok(()));
        if let Some(free) = free() {
            assert!(check(u64::MAX).is_err_and(|there| there <= 2 * free.max(1)));
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(words(999), "999 bytes");
        assert_eq!(words(8_400_000_000), "8.4 GB");
        assert_eq!(words(u64::MAX), "18.4 EB");
    }
}
