//! With the feature `module`: finds Mesos and compiles the adapter (`cpp/`) for it. If there is no Mesos, the module is left
//! out, which is said, and the rest is built. `cfg(mesos)` is set if there is one.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(mesos)");
    println!("cargo::rustc-check-cfg=cfg(shuttle)");
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "module")]
    module::build();
}

#[cfg(feature = "module")]
mod module {
    use std::collections::HashMap;
    use std::process::{Command, exit};

    const FINDER: &str = "cmake/FindMesos.cmake";
    const INPUTS: [&str; 5] = [
        "MESOS_INCLUDE_DIR",
        "MESOS_LIBRARY",
        "MESOS_PREFIX",
        "MESOS_SOURCE_DIR",
        "MESOS_BUILD_DIR",
    ];

    pub(crate) fn build() {
        for directory in ["cpp", "include", "cmake"] {
            println!("cargo::rerun-if-changed={directory}");
        }
        for input in INPUTS {
            println!("cargo::rerun-if-env-changed={input}");
        }
        let mesos = find();
        let message = mesos.get("MESOS_MESSAGE").map_or("", String::as_str);
        if mesos.get("MESOS_FOUND").is_none_or(|found| found != "TRUE") {
            println!("cargo::warning=the Mesos module is left out: {message}");
            return;
        }
        println!("cargo::warning=the Mesos module is built for {message}");
        let version_header = mesos["MESOS_INCLUDE_DIRS"]
            .split(';')
            .map(|directory| format!("{directory}/mesos/version.hpp"));
        for header in version_header {
            println!("cargo::rerun-if-changed={header}");
        }
        compile(&mesos["MESOS_INCLUDE_DIRS"]);
        println!("cargo::rustc-cfg=mesos");
    }

    /// What the finder prints, by name.
    fn find() -> HashMap<String, String> {
        let output = Command::new("cmake").args(["-P", FINDER]).output();
        let output = output.unwrap_or_else(|error| {
            fail(&format!(
                "cmake, which finds Mesos, can't be run ({error}); install the package cmake, or build without the feature `module`"
            ))
        });
        if !output.status.success() {
            fail(&format!("{FINDER}: {}", String::from_utf8_lossy(&output.stderr)));
        }
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| line.strip_prefix("-- ")?.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn compile(include_dirs: &str) {
        let mut build = cxx_build::bridge("src/bridge.rs");
        build
            .files(
                ["conversions", "hook", "isolator", "logging", "resource_estimator"]
                    .map(|name| format!("cpp/{name}.cpp")),
            )
            .include("include")
            // All of Mesos is C++11 to this day; CXXFLAGS come later and may say otherwise.
            .std("c++11")
            .define("__STDC_FORMAT_MACROS", None)
            .warnings(true)
            .extra_warnings(true);
        for directory in include_dirs.split(';').filter(|directory| !directory.is_empty()) {
            // Their warnings are not ours.
            build.flag("-isystem").flag(directory);
        }
        build.compile("stats-adapter");
    }

    fn fail(reason: &str) -> ! {
        println!("cargo::error={reason}");
        exit(1);
    }
}
