//! The other processes of the benchmark: this program again with another first argument, told what to do on its standard
//! input and answering on its standard output, a line each.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A process that ends with this value.
pub(crate) struct Companion {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Companion {
    pub(crate) fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("a piped child has no pipes"));
        };
        Ok(Self {
            child,
            orders,
            answers: BufReader::new(answers),
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn tell(&mut self, order: &str) -> io::Result<()> {
        writeln!(self.orders, "{order}")
    }

    /// The numbers of the next answer.
    pub(crate) fn hear(&mut self) -> io::Result<Vec<u64>> {
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        if answer.is_empty() {
            return Err(io::Error::other("a process of the benchmark ended early"));
        }
        let number = |word: &str| {
            word.parse().map_err(|_| {
                io::Error::other(format!(
                    "{word:?} is no number in the answer {:?}",
                    answer.trim_end()
                ))
            })
        };
        answer.split_ascii_whitespace().map(number).collect()
    }

    pub(crate) fn ask(&mut self, order: &str) -> io::Result<Vec<u64>> {
        self.tell(order)?;
        self.hear()
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        // It fails only for a process that has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The other side of [`Companion::hear`].
pub(crate) fn answer(numbers: &[u64]) {
    let words: Vec<_> = numbers.iter().map(u64::to_string).collect();
    println!("{}", words.join(" "));
}

/// The other side of [`Companion::tell`]: carries out orders, word by word, until there is nobody to give them.
pub(crate) fn obey(mut order: impl FnMut(&[&str]) -> io::Result<()>) -> io::Result<()> {
    for line in io::stdin().lines() {
        let line = line?;
        order(&line.split(' ').collect::<Vec<_>>())?;
    }
    Ok(())
}
