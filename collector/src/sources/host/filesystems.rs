//! Room on the filesystems that are on a disk, and on `/` wherever it is.
//!
//! A filesystem counts once, however often it is mounted: containers see parts of the same one in many places. Those of
//! the network are left out, because each node would tell the same, and to ask for one whose server is gone can take for
//! ever. So are images, which are always full.

use super::{Readings, Values, value};
use procfs::ProcResult;
use procfs::process::{MountInfo, MountInfos, Process};
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// On a disk, though the kernel says that they need none.
const ON_DISKS_NEVERTHELESS: [&str; 1] = ["zfs"];

const IMAGES: [&str; 3] = ["erofs", "iso9660", "squashfs"];

pub(super) fn poll() -> Readings {
    let mut readings = Readings::default();
    let paths = match mounted() {
        Ok(paths) => paths,
        Err(error) => {
            readings.failures.push(format!("mounts: {error}"));
            return readings;
        }
    };
    for path in paths {
        match room(&path) {
            Ok(values) => {
                let path = path.to_string_lossy().into_owned();
                readings.groups.push((Some(("path", path)), values));
            }
            Err(error) => readings.failures.push(format!("{}: {error}", path.display())),
        }
    }
    readings
}

fn mounted() -> ProcResult<Vec<PathBuf>> {
    let known = std::fs::read_to_string("/proc/filesystems")?;
    let mounts = Process::myself()?.mountinfo()?;
    Ok(choose(&known, &mounts))
}

/// The mount points to look at, of each filesystem the one with the shortest path that shows all of it if there is such a
/// one. `known` is what `/proc/filesystems` holds.
fn choose(known: &str, mounts: &MountInfos) -> Vec<PathBuf> {
    let on_disks: HashSet<&str> = known
        .lines()
        .filter_map(|line| line.strip_prefix('\t'))
        .filter(|name| !IMAGES.contains(name))
        .chain(ON_DISKS_NEVERTHELESS)
        .collect();
    // What is mounted last over a path is what one sees there.
    let visible: BTreeMap<&Path, &MountInfo> = mounts
        .iter()
        .map(|mount| (mount.mount_point.as_path(), mount))
        .collect();
    let mut chosen: BTreeMap<&str, &MountInfo> = BTreeMap::new();
    for mount in visible.into_values() {
        let is_root = mount.mount_point == Path::new("/");
        if !(on_disks.contains(mount.fs_type.as_str()) || is_root) {
            continue;
        }
        let rank = |mount: &MountInfo| (mount.root != "/", mount.mount_point.as_os_str().len());
        let best = chosen.entry(&mount.majmin).or_insert(mount);
        if rank(mount) < rank(best) {
            *best = mount;
        }
    }
    let mut paths: Vec<_> = chosen
        .into_values()
        .map(|mount| unescaped(&mount.mount_point))
        .collect();
    paths.sort_unstable();
    paths
}

/// The kernel writes space, tab, newline and backslash as `\` and three octal digits.
fn unescaped(path: &Path) -> PathBuf {
    let mut rest = path.as_os_str().as_bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        let code = match (first, after) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..]) => {
                Some((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'))
            }
            _ => None,
        };
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[3..] } else { after };
    }
    OsString::from_vec(bytes).into()
}

/// Free is what a process without privileges may still use; used does not include what is kept for the others.
fn room(path: &Path) -> rustix::io::Result<Values> {
    let room = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| value(blocks.saturating_mul(room.f_frsize));
    Ok(vec![
        ("filesystem.capacity.total", bytes(room.f_blocks)),
        (
            "filesystem.capacity.used",
            bytes(room.f_blocks.saturating_sub(room.f_bfree)),
        ),
        ("filesystem.capacity.free", bytes(room.f_bavail)),
        ("filesystem.inode.total", value(room.f_files)),
        (
            "filesystem.inode.used",
            value(room.f_files.saturating_sub(room.f_ffree)),
        ),
        ("filesystem.inode.free", value(room.f_ffree)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(mounts: &[&str]) -> Vec<String> {
        let known =
            "nodev\tproc\nnodev\ttmpfs\nnodev\toverlay\nnodev\tnfs\n\text4\n\txfs\n\tsquashfs\nnodev\tzfs\n";
        let mounts = mounts.iter().map(|line| MountInfo::from_line(line).unwrap());
        choose(known, &MountInfos(mounts.collect()))
            .into_iter()
            .map(|path| path.into_os_string().into_string().unwrap())
            .collect()
    }

    #[test]
    fn each_filesystem_on_a_disk_once() {
        let found = chosen(&[
            "1 0 0:1 / /proc rw - proc proc rw",
            "2 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw",
            "3 2 8:2 / /var/lib rw - xfs /dev/sda2 rw",
            "4 2 8:2 /docker /a rw - xfs /dev/sda2 rw",
            "5 2 8:2 / /var/lib/docker/rootfs rw - xfs /dev/sda2 rw",
            "6 2 0:7 / /var/lib/docker/overlay rw - overlay overlay rw",
            "7 2 0:8 / /home rw - nfs server:/home rw",
            "8 2 7:0 / /snap/core ro - squashfs /dev/loop0 ro",
            "9 2 0:9 / /tank rw - zfs tank rw",
            "10 2 0:10 / /run rw - tmpfs tmpfs rw",
        ]);
        assert_eq!(found, ["/", "/tank", "/var/lib"]);
    }

    #[test]
    fn the_root_counts_wherever_it_is_and_names_are_unescaped() {
        let found = chosen(&[
            "2 0 0:5 / / rw - overlay overlay rw",
            r"3 2 8:2 /part /my\040disk\134 rw - ext4 /dev/sda2 rw",
            "4 2 8:3 / /over rw - ext4 /dev/sda3 rw",
            "5 2 0:9 / /over rw - tmpfs tmpfs rw",
        ]);
        assert_eq!(found, ["/", r"/my disk\"]);
    }
}
