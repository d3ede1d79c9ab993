use super::*;
use clap::{CommandFactory, FromArgMatches, Parser};

#[derive(Debug, Parser)]
struct Options {
    #[arg(short = 'l', long, alias = "listen-endpont", default_value = "built-in")]
    listen: String,
    #[arg(long, value_delimiter = ',', default_value = "stdout")]
    output: Vec<String>,
    #[arg(long)]
    flood: bool,
    #[arg(long)]
    port: Option<u16>,
    #[arg(long, hide_env_values = true)]
    password: Option<u32>,
    rest: Vec<String>,
}

fn parse(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Options, clap::Error> {
    let command = with_environment(Options::command(), |name| {
        environment
            .iter()
            .find_map(|(key, value)| (*key == name).then(|| (*value).to_owned()))
    })?;
    let arguments = ["program"].iter().chain(arguments).map(OsString::from);
    let arguments = two_dashes(&command, arguments);
    Options::from_arg_matches(&command.try_get_matches_from(arguments)?)
}

#[test]
fn one_dash_is_as_good_as_two() {
    for arguments in [
        ["-listen=x", "-flood"].as_slice(),
        &["--listen=x", "--flood"],
        &["-listen", "x", "-flood"],
        &["-listen-endpont=x", "-flood"],
        &["-l", "x", "--flood"],
    ] {
        let options = parse(arguments, &[]).unwrap();
        assert_eq!(
            (options.listen.as_str(), options.flood),
            ("x", true),
            "{arguments:?}"
        );
    }
    let options = parse(&["--", "-flood"], &[]).unwrap();
    assert_eq!((options.flood, options.rest), (false, vec!["-flood".to_owned()]));
}

#[test]
fn environment_replaces_defaults_and_yields_to_flags() {
    for (arguments, environment, listen) in [
        ([].as_slice(), [].as_slice(), "built-in"),
        (&[], &[("LISTEN", "")], "built-in"),
        (&[], &[("LISTEN", "env")], "env"),
        (&[], &[("LISTEN_ENDPONT", "old")], "old"),
        (&[], &[("LISTEN", "same"), ("LISTEN_ENDPONT", "same")], "same"),
        (&["--listen=flag"], &[("LISTEN", "env")], "flag"),
        (&["-listen-endpont=flag"], &[("LISTEN", "env")], "flag"),
    ] {
        assert_eq!(
            parse(arguments, environment).unwrap().listen,
            listen,
            "{arguments:?} {environment:?}"
        );
    }
    assert_eq!(
        parse(&["--output=c"], &[("OUTPUT", "a,b")]).unwrap().output,
        ["c"]
    );
    assert_eq!(parse(&[], &[("OUTPUT", "a,b")]).unwrap().output, ["a", "b"]);
    assert!(!parse(&[], &[("FLOOD", "1")]).unwrap().flood);
}

#[test]
fn a_bad_value_is_refused_under_the_name_it_was_given() {
    #[derive(Debug, Parser)]
    struct Numbers {
        #[arg(long)]
        _port: Option<u16>,
    }
    let variable = |name: &str| (name == "PORT").then(|| "http".to_owned());
    let error = with_environment(Numbers::command(), variable)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(r#"error: PORT="http" in the environment: invalid value 'http' for"#),
        "{error}"
    );
}

fn parse_file(text: &str, environment: &[(&str, &str)]) -> Result<Options, clap::Error> {
    let command = with_file(Options::command(), "x.toml", text)?;
    let command = with_environment(command, |name| {
        environment
            .iter()
            .find_map(|(key, value)| (*key == name).then(|| (*value).to_owned()))
    })?;
    Options::from_arg_matches(&command.try_get_matches_from(["program"])?)
}

#[test]
fn a_file_replaces_defaults_and_yields_to_the_environment() {
    let text = "listen_endpont = 'file'\noutput = ['a', 'b']\nport = 5\n";
    let options = parse_file(text, &[]).unwrap();
    assert_eq!((options.listen.as_str(), options.port), ("file", Some(5)));
    assert_eq!(options.output, ["a", "b"]);
    assert_eq!(parse_file(text, &[("LISTEN", "env")]).unwrap().listen, "env");
}

#[test]
fn a_bad_file_is_refused_and_no_secret_is_shown() {
    for (text, parts) in [
        (
            "lisen = 'x'",
            ["x.toml: there is no option \"lisen\"", "did you mean listen?"],
        ),
        ("port = 70000", ["x.toml: port = \"70000\"", "70000 is not in"]),
        ("port = { a = 1 }", ["port must be a text", "array"]),
        ("listen = 1\nport = hush", ["x.toml: line 2 is no TOML", ""]),
        ("password = 'hush'", ["x.toml: password = ****", "not allowed"]),
    ] {
        let error = parse_file(text, &[]).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!error.contains("hush"), "{error}");
    }
    let error = parse_file("", &[("PASSWORD", "hush")]).unwrap_err().to_string();
    assert!(
        error.contains("PASSWORD=**** in the environment") && !error.contains("hush"),
        "{error}"
    );
}

#[test]
fn what_was_set_is_shown_without_secrets() {
    let built_in = Options::command();
    let command = with_file(
        Options::command(),
        "x.toml",
        "output = ['a', 'b']\npassword = '77'",
    )
    .unwrap();
    let matches = command
        .clone()
        .try_get_matches_from(["program", "--listen=here"])
        .unwrap();
    let shown: Vec<_> = set_values(&built_in, &command, &matches).into_iter().collect();
    let expected = [("LISTEN", "here"), ("OUTPUT", "a,b"), ("PASSWORD", "****")];
    assert_eq!(
        shown,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[test]
fn booleans_of_go() {
    for (text, value) in [
        ("1", Ok(true)),
        ("T", Ok(true)),
        ("False", Ok(false)),
        ("f", Ok(false)),
    ] {
        assert_eq!(boolean(text), value);
    }
    assert!(boolean("yes").unwrap_err().contains("true or false"));
}

#[test]
fn two_values_in_the_environment_are_an_error() {
    let error = parse(&[], &[("LISTEN", "a"), ("LISTEN_ENDPONT", "b")])
        .unwrap_err()
        .to_string();
    assert!(error.contains(r#"LISTEN="a" and LISTEN_ENDPONT="b""#), "{error}");
    assert!(error.contains("--listen"), "{error}");
}
