//! How much memory this process could still take: what the machine has to spare, and less where control groups
//! (containers, `systemd-run`, schedulers of clusters) or a limit on the address space allow less.
//!
//! Linux only; elsewhere nothing is known, and nothing refused. Sources: `proc(5)`, and the kernel's documents on
//! control groups, versions 1 and 2.

use std::path::Path;

/// Bytes that could be taken now.
pub(crate) fn available() -> Option<u64> {
    available_under(Path::new("/"))
}

/// The same of the system whose files are in this folder.
fn available_under(root: &Path) -> Option<u64> {
    let machine = kib(&read(root, "proc/meminfo")?, "MemAvailable:")?;
    let groups = read(root, "proc/self/cgroup").unwrap_or_default();
    let groups = groups.lines().filter_map(|line| group_room(root, line)).min();
    let bounds = [groups, address_room(root)];
    Some(bounds.into_iter().flatten().fold(machine, u64::min))
}

fn read(root: &Path, file: impl AsRef<Path>) -> Option<String> {
    std::fs::read_to_string(root.join(file)).ok()
}

/// The figure of a line `NAME  123 kB`, in bytes.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// What the group of one line of `/proc/self/cgroup`, and those around it, leave. A container sees its own group at
/// the top, under whatever name it has outside, so that each level that is there counts.
fn group_room(root: &Path, line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':');
    let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    let (mount, names) = if controllers.is_empty() {
        ("sys/fs/cgroup", ["memory.max", "memory.current", "inactive_file "])
    } else if controllers.split(',').any(|name| name == "memory") {
        let names = ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "];
        ("sys/fs/cgroup/memory", names)
    } else {
        return None;
    };
    let [limit, usage, inactive] = names;
    let levels = Path::new(path.trim_start_matches('/')).ancestors();
    let room = levels.filter_map(|level| {
        let text = |name: &str| read(root, Path::new(mount).join(level).join(name));
        let number = |name: &str| -> Option<u64> { text(name)?.trim().parse().ok() };
        // No number where there is no limit ("max"), and one beyond all memory.
        let limit = number(limit)?;
        let stat = text("memory.stat").unwrap_or_default();
        let file = stat.lines().find_map(|line| line.strip_prefix(inactive)?.trim().parse().ok());
        // Pages of files that nobody uses give way.
        let used = number(usage)?.saturating_sub(file.unwrap_or(0));
        Some(limit.saturating_sub(used))
    });
    room.min()
}

/// What `ulimit -v` leaves.
fn address_room(root: &Path) -> Option<u64> {
    let limits = read(root, "proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = line.split_whitespace().next()?.parse().ok()?;
    let used = kib(&read(root, "proc/self/status")?, "VmSize:")?;
    Some(limit.saturating_sub(used))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system of these files.
    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let machine = ("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:  8000 kB\n");
        for (file, text) in [&[machine], files].concat() {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_smallest_of_all_limits_counts() {
        let bytes = |files: &[(&str, &str)]| available_under(system(files).path());
        assert_eq!(bytes(&[]), Some(8000 * 1024));
        // Version 2: the group itself has no limit, the one around it has; unused pages of files give way.
        let second = [
            ("proc/self/cgroup", "0::/jobs/mine\n"),
            ("sys/fs/cgroup/jobs/mine/memory.max", "max\n"),
            ("sys/fs/cgroup/jobs/mine/memory.current", "500000\n"),
            ("sys/fs/cgroup/jobs/memory.max", "1000000\n"),
            ("sys/fs/cgroup/jobs/memory.current", "600000\n"),
            ("sys/fs/cgroup/jobs/memory.stat", "anon 1\ninactive_file 200000\nfile 9\n"),
        ];
        assert_eq!(bytes(&second), Some(600_000));
        // Version 1 in a container, which sees its group at the top, by another name than the line says.
        for (limit, left) in [("3000000", 2_000_000), ("9223372036854771712", 8000 * 1024)] {
            let first = [
                ("proc/self/cgroup", "9:cpu:/\n4:memory:/docker/0af3\n0::/\n"),
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", limit),
                ("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000000\n"),
            ];
            assert_eq!(bytes(&first), Some(left));
        }
        // More in use than is allowed: nothing is left.
        let over = [
            ("proc/self/cgroup", "0::/a\n"),
            ("sys/fs/cgroup/a/memory.max", "10\n"),
            ("sys/fs/cgroup/a/memory.current", "20\n"),
        ];
        assert_eq!(bytes(&over), Some(0));
        let address = [
            (
                "proc/self/limits",
                "Max address space         4096000              unlimited            bytes\n",
            ),
            ("proc/self/status", "Name: x\nVmSize:\t    1000 kB\n"),
        ];
        assert_eq!(bytes(&address), Some(4_096_000 - 1_024_000));
        let free = [(
            "proc/self/limits",
            "Max address space         unlimited            unlimited            bytes\n",
        )];
        assert_eq!(bytes(&free), Some(8000 * 1024));
    }

    #[test]
    fn a_system_without_such_files_says_nothing() {
        assert_eq!(available_under(tempfile::tempdir().unwrap().path()), None);
    }
}
