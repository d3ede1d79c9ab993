use super::*;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use stats_schema::{DatapointRef, Limits, MetricType, RecordRef, StreamDecoder, TagRef};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

/// A batch of one record with one datapoint of this name.
fn batch(name: &str) -> Batch {
    let mut batch = Batch::default();
    batch.push(&RecordRef {
        topic: "topic",
        tags: &[TagRef {
            key: "key",
            value: "välue",
        }],
        datapoints: &[DatapointRef {
            name,
            time_ms: 1_472_688_000_123,
            value: 2.5,
            metric_type: MetricType::Set,
            sample_rate: 0.5,
            text: Some("member"),
        }],
    });
    batch
}

fn files(folder: &Path, change: impl FnOnce(&mut FileOptions)) -> Files {
    let mut options = FileOptions {
        folder: Some(folder.to_owned()),
        rotate_kbytes: 1024,
        rotate_seconds: 3600,
        keep: 24,
    };
    change(&mut options);
    Files::open(&options).unwrap().unwrap()
}

/// All names in the folder, in order.
fn listed(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The datapoints' names as our own decoder reads them, and whether the file ends where a block does.
fn decoded(bytes: &[u8]) -> (Vec<String>, bool) {
    let mut names = Vec::new();
    let mut decoder = StreamDecoder::new(Limits::default());
    decoder
        .feed(bytes, |record| names.push(record.datapoints[0].name.to_owned()))
        .unwrap();
    (names, decoder.finish().is_ok())
}

/// The same as apache-avro reads them.
fn read_by_apache(bytes: &[u8]) -> (Vec<String>, bool) {
    let mut names = Vec::new();
    for record in apache_avro::Reader::new(bytes).unwrap() {
        let Ok(record) = record else { return (names, false) };
        let json = serde_json::Value::try_from(record).unwrap();
        assert_eq!(json["tags"][0]["value"], "välue");
        assert_eq!(json["datapoints"][0]["type"], "set");
        names.push(json["datapoints"][0]["name"].as_str().unwrap().to_owned());
    }
    (names, true)
}

/// What all files together hold, oldest first; each of them must be complete.
fn content(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for name in listed(folder) {
        let bytes = fs::read(folder.join(name)).unwrap();
        let (names, complete) = decoded(&bytes);
        assert!(complete);
        assert_eq!(read_by_apache(&bytes), (names.clone(), true));
        all.extend(names);
    }
    all
}

#[test]
fn a_file_is_complete_after_every_batch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/for/it");
    let mut sink = files(&path, |_| ());
    let output = Output::default();
    for (index, name) in ["a", "b", "c"].into_iter().enumerate() {
        let outcome = sink.write(&batch(name), &output).unwrap();
        assert!(matches!(outcome, Outcome::Written(bytes) if bytes > 0));
        sink.write(&Batch::default(), &output).unwrap();
        assert_eq!(content(&path), ["a", "b", "c"][..=index]);
    }
    let growing = listed(&path).pop().unwrap();
    assert!(growing.ends_with(".avro.part"), "{growing}");
    let mode = fs::metadata(path.join(&growing)).unwrap().permissions().mode();
    assert_eq!(mode & 0o137, 0, "{mode:o}");
    sink.end(&output, Instant::now());
    assert_eq!(listed(&path), [growing.trim_end_matches(".part")]);
    assert_eq!(content(&path), ["a", "b", "c"]);
}

#[test]
fn readers_get_everything_before_the_block_a_killed_collector_was_writing() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = files(folder.path(), |_| ());
    for name in ["a", "b", "c"] {
        sink.write(&batch(name), &Output::default()).unwrap();
    }
    let bytes = fs::read(folder.path().join(&listed(folder.path())[0])).unwrap();
    let block = sink.block.len();
    for cut in 1..block {
        let bytes = &bytes[..bytes.len() - cut];
        assert_eq!(decoded(bytes), (vec!["a".into(), "b".into()], false), "{cut}");
        assert_eq!(read_by_apache(bytes).0, ["a", "b"], "{cut}");
    }
}

#[test]
fn full_files_follow_each_other_and_the_oldest_go() {
    let folder = tempfile::tempdir().unwrap();
    let other = ["metrics-mine.avro", "notes"];
    let mut sink = files(folder.path(), |options| {
        options.keep = 3;
        options.rotate_kbytes = 1;
    });
    let names: Vec<String> = (0..50).map(|number| format!("{number:0200}")).collect();
    for name in &names {
        sink.write(&batch(name), &Output::default()).unwrap();
        let files = listed(folder.path());
        assert!(files.len() <= 3, "{files:?}");
        for file in &files {
            // The header alone takes more than half of this.
            assert!(
                fs::metadata(folder.path().join(file)).unwrap().len() <= 1400,
                "{file}"
            );
        }
        let content = content(folder.path());
        assert!(!content.is_empty() && names[..].windows(content.len()).any(|window| window == content));
        assert_eq!(content.last(), Some(name));
    }
    for name in other {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    sink.write(&batch(&names[0]), &Output::default()).unwrap();
    sink.write(&batch(&names[0]), &Output::default()).unwrap();
    assert!(other.iter().all(|name| folder.path().join(name).exists()));
}

#[test]
fn a_file_that_is_old_enough_is_finished_without_another_record() {
    let folder = tempfile::tempdir().unwrap();
    let output = Output::default();
    let mut sink = files(folder.path(), |_| ());
    assert_eq!(sink.tick(&output), None);
    sink.write(&batch("a"), &output).unwrap();
    let left = sink.tick(&output).unwrap();
    assert!(
        left <= Duration::from_secs(3600) && left > Duration::from_secs(3500),
        "{left:?}"
    );
    sink.rotate_after = Duration::ZERO;
    assert_eq!(sink.tick(&output), None);
    assert!(listed(folder.path())[0].ends_with(".avro"));
    sink.write(&batch("b"), &output).unwrap();
    assert_eq!(content(folder.path()), ["a", "b"]);
}

#[test]
fn a_start_finishes_what_was_left_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let output = Output::default();
    let mut killed = files(path, |_| ());
    killed.write(&batch("a"), &output).unwrap();
    let left = listed(path).pop().unwrap();

    let mut alive = files(path, |_| ());
    assert_eq!(listed(path), [left.as_str()], "another process writes it");
    alive.write(&batch("b"), &output).unwrap();
    drop(killed);
    let target = path.join("target");
    fs::write(&target, "x".repeat(9999)).unwrap();
    let link = "metrics-20000101T000000Z-000000.avro.part";
    symlink(&target, path.join(link)).unwrap();
    let empty = path.join("metrics-20000101T000000Z-000001.avro.part");
    fs::write(&empty, "Obj").unwrap();

    let mut next = files(path, |_| ());
    next.write(&batch("c"), &output).unwrap();
    assert!(path.join(link).is_symlink() && !empty.exists());
    fs::remove_file(path.join(link)).unwrap();
    fs::remove_file(target).unwrap();
    let names = listed(path);
    assert_eq!(names[0], left.trim_end_matches(".part"));
    assert!(
        names.len() == 3 && names[1..].iter().all(|name| name.ends_with(".part")),
        "{names:?}"
    );
    assert_eq!(content(path), ["a", "b", "c"]);
}

#[test]
fn a_folder_that_goes_away_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics");
    let mut sink = files(&path, |_| ());
    let output = Output::default();
    sink.write(&batch("lost"), &output).unwrap();
    fs::remove_dir_all(&path).unwrap();
    for _ in 0..2 {
        assert_eq!(sink.write(&batch("dropped"), &output).unwrap(), Outcome::Counted);
    }
    assert_eq!(output.dropped(Reason::WriteFailed).get(), (2, 2));
    let problem = output.problem().unwrap();
    assert!(problem.contains("No such file"), "{problem}");
    fs::create_dir(&path).unwrap();
    sink.write(&batch("back"), &output).unwrap();
    assert_eq!(
        (output.problem(), content(&path)),
        (None, vec!["back".to_owned()])
    );
}

#[test]
fn nothing_is_appended_to_a_file_that_somebody_else_cut() {
    let folder = tempfile::tempdir().unwrap();
    let mut sink = files(folder.path(), |_| ());
    let output = Output::default();
    for name in ["lost", "b", "c"] {
        if let Some(growing) = listed(folder.path()).last().filter(|_| name == "b") {
            fs::write(folder.path().join(growing), "").unwrap();
        }
        sink.write(&batch(name), &output).unwrap();
    }
    assert_eq!(content(folder.path()), ["b", "c"]);
}

#[test]
fn a_file_in_the_place_of_the_folder_is_refused_at_start() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let options = FileOptions {
        folder: Some(file.path().to_owned()),
        rotate_kbytes: 1,
        rotate_seconds: 1,
        keep: 2,
    };
    let error = Files::open(&options).unwrap_err().to_string();
    assert!(
        error.contains("--file=") && error.contains(file.path().to_str().unwrap()),
        "{error}"
    );
    let none = FileOptions {
        folder: None,
        ..options
    };
    assert!(Files::open(&none).unwrap().is_none());
}

/// In the child process of the next test.
const LIMITED: &str = "FILES_OF_LIMITED_SIZE_IN";

#[test]
fn a_full_disk_costs_the_batches_that_do_not_fit() {
    if let Ok(folder) = std::env::var(LIMITED) {
        return until_the_disk_is_full(Path::new(&folder));
    }
    // A limit on the size of files fails writes half-way, as a full disk does, but the signal that comes with it has to
    // be ignored, which only the shell does without unsafe code, and it is for a whole process.
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" --exact "$1""#])
        .arg(std::env::current_exe().unwrap())
        .arg(std::thread::current().name().unwrap())
        .env(LIMITED, folder.path())
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(content(folder.path()), ["a", "b", "d"]);
}

fn until_the_disk_is_full(folder: &Path) {
    let output = Output::default();
    let mut sink = files(folder, |_| ());
    for name in ["a", "b"] {
        sink.write(&batch(name), &output).unwrap();
    }
    let written = sink.growing.as_ref().unwrap().bytes();
    let unlimited = getrlimit(Resource::Fsize);
    let half_a_block = Rlimit {
        current: Some(written + sink.block.len() as u64 / 2),
        ..unlimited
    };
    setrlimit(Resource::Fsize, half_a_block).unwrap();
    for _ in 0..2 {
        assert_eq!(sink.write(&batch("c"), &output).unwrap(), Outcome::Counted);
        assert_eq!(content(folder), ["a", "b"]);
    }
    assert_eq!(output.dropped(Reason::WriteFailed).get(), (2, 2));
    assert!(
        output.problem().unwrap().contains("File too large"),
        "{:?}",
        output.problem()
    );

    // Not even the header of another file fits.
    sink.finish();
    let files_before = listed(folder);
    setrlimit(
        Resource::Fsize,
        Rlimit {
            current: Some(10),
            ..unlimited
        },
    )
    .unwrap();
    sink.write(&batch("c"), &output).unwrap();
    assert_eq!(listed(folder), files_before);

    setrlimit(Resource::Fsize, unlimited).unwrap();
    sink.write(&batch("d"), &output).unwrap();
    assert_eq!(output.problem(), None);
    sink.end(&output, Instant::now());
}
