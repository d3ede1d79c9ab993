//! Carbon's pickle protocol: frames of a length and a pickled list of `(name, (seconds, value))`.

/// What a frame holds at most; Carbon closes the connection at 1 MiB.
pub(super) const FRAME_BYTES: usize = 512 << 10;

/// Appends one pickled datapoint.
pub(super) fn put_datapoint(out: &mut Vec<u8>, name: &[u8], seconds: i64, value: f64) {
    out.push(b'X');
    put_length(out, name.len(), u32::to_le_bytes);
    out.extend_from_slice(name);
    out.extend_from_slice(b"\x8a\x08");
    out.extend_from_slice(&seconds.to_le_bytes());
    out.push(b'G');
    out.extend_from_slice(&value.to_be_bytes());
    out.extend_from_slice(b"\x86\x86");
}

/// Appends a frame of these datapoints.
pub(super) fn put_frame(out: &mut Vec<u8>, datapoints: &[u8]) {
    const BEGIN: &[u8] = b"\x80\x02](";
    const END: &[u8] = b"e.";
    put_length(out, BEGIN.len() + datapoints.len() + END.len(), u32::to_be_bytes);
    for part in [BEGIN, datapoints, END] {
        out.extend_from_slice(part);
    }
}

/// Lengths are bounded by the limits of datapoints and frames, far below what 32 bits hold.
fn put_length(out: &mut Vec<u8>, length: usize, bytes: fn(u32) -> [u8; 4]) {
    out.extend_from_slice(&bytes(u32::try_from(length).unwrap_or(u32::MAX)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    #[test]
    fn python_reads_it() {
        if Command::new("python3").arg("--version").output().is_err() {
            eprintln!("skipped: python3 is not installed");
            return;
        }
        let mut datapoints = Vec::new();
        put_datapoint(&mut datapoints, b"a.b", 1_767_225_600, 1.5);
        put_datapoint(&mut datapoints, b"c", 1 << 40, -1e300);
        let mut frame = Vec::new();
        put_frame(&mut frame, &datapoints);
        let read = "import pickle, struct, sys; b = sys.stdin.buffer.read(); \
                    assert struct.unpack('!L', b[:4])[0] == len(b) - 4; print(pickle.loads(b[4:]))";
        let mut python = Command::new("python3")
            .args(["-c", read])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        python.stdin.take().unwrap().write_all(&frame).unwrap();
        let output = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
        assert_eq!(
            output.trim(),
            "[('a.b', (1767225600, 1.5)), ('c', (1099511627776, -1e+300))]"
        );
    }
}
