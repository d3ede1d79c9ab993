//! `proof-node`, which runs the module's core: orders go to its standard input, one a line, and each is answered by one
//! line on its standard output.

use crate::Failure;
use crate::books::Accounting;
use crate::process::{Process, program};
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Stdio};

/// A running node.
#[derive(Debug)]
pub struct Node {
    process: Process,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Node {
    /// Starts a node with these parameters of the module; its files are in `folder`, and state left there by another node
    /// is taken up.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start(folder: &Path, parameters: &[(String, String)]) -> Result<Self, Failure> {
        let pairs: Vec<_> = parameters
            .iter()
            .map(|(key, value)| json!({"key": key, "value": value}))
            .collect();
        let modules = json!({"libraries": [{"file": "libstats-slave.so", "modules": [
            {"name": "com_mesosphere_StatsIsolatorModule", "parameters": pairs}]}]});
        let file = folder.join("modules.json");
        std::fs::write(&file, modules.to_string()).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut process = Process::start("node", program("proof-node")?.arg(&file).stdout(Stdio::piped()))?;
        let (Some(orders), Some(answers)) = (process.stdin(), process.stdout()) else {
            return Err(process.failure("was started without pipes"));
        };
        let mut node = Self {
            process,
            orders,
            answers: BufReader::new(answers),
        };
        node.answer()?;
        Ok(node)
    }

    /// The node's process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Gives a container its endpoint.
    ///
    /// # Errors
    ///
    /// When there is none, or the node has ended.
    pub fn register(&mut self, id: &str) -> Result<SocketAddr, Failure> {
        let answer = self.ask(&format!("register {id}"))?;
        answer
            .parse()
            .map_err(|error| format!("node: endpoint {answer:?}: {error}"))
    }

    /// Closes a container's endpoint.
    ///
    /// # Errors
    ///
    /// When the node has ended.
    pub fn unregister(&mut self, id: &str) -> Result<(), Failure> {
        self.ask(&format!("unregister {id}")).map(drop)
    }

    /// The books as they are now.
    ///
    /// # Errors
    ///
    /// When the node has ended.
    pub fn accounting(&mut self) -> Result<Accounting, Failure> {
        let answer = self.ask("accounting")?;
        serde_json::from_str(&answer).map_err(|error| format!("node: accounting {answer}: {error}"))
    }

    /// Ends the node as an agent ends, and returns its last books, which balance.
    ///
    /// # Errors
    ///
    /// When it ends with an error or does not end.
    pub fn end(mut self) -> Result<Accounting, Failure> {
        let answer = self.ask("end")?;
        self.process.wait()?;
        serde_json::from_str(&answer).map_err(|error| format!("node: accounting {answer}: {error}"))
    }

    /// Kills it as if the machine had.
    ///
    /// # Errors
    ///
    /// When it had ended by itself before.
    pub fn kill(self) -> Result<(), Failure> {
        self.process.kill()
    }

    fn ask(&mut self, order: &str) -> Result<String, Failure> {
        writeln!(self.orders, "{order}")
            .map_err(|error| self.process.failure(&format!("takes no orders: {error}")))?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(length) if length > 0 => Ok(line.trim_end().to_owned()),
            _ => Err(self.process.failure("does not answer")),
        }
    }
}
