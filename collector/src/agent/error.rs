//! Why a question to the agent came to nothing.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// A question that has no usable answer. The texts name the address and never the credential.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The agent's address is not known.
    #[error(
        "--agent-ip-command {command:?} {problem}; correct it, or give the agent's address by --agent-url"
    )]
    Address {
        /// The command that was to print it.
        command: String,
        /// What became of the command.
        problem: String,
    },
    /// The agent cannot be reached, or not understood.
    #[error("{request}: {source}")]
    Unreachable {
        /// Method and address.
        request: String,
        /// What went wrong.
        source: Box<ureq::Error>,
    },
    /// The answer was not complete in time.
    #[error("{request}: no complete answer within {} ms (--agent-timeout-ms)", timeout.as_millis())]
    Timeout {
        /// Method and address.
        request: String,
        /// The time for request and answer together.
        timeout: Duration,
    },
    /// The agent answers with an error.
    #[error("{request}: HTTP status {status}{}{text}", hint(*status))]
    Status {
        /// Method and address.
        request: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer, if there is one, after `: `.
        text: String,
    },
    /// The answer is longer than is taken.
    #[error("{request}: the answer has more than {limit} bytes, which is all that is taken")]
    TooLarge {
        /// Method and address.
        request: String,
        /// How long it may be.
        limit: u64,
    },
    /// A file that is to be read cannot be.
    #[error("{option} {}: {source}", path.display())]
    File {
        /// The option that names it.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The credential cannot be sent.
    #[error("the credential has characters that HTTP does not allow in a header")]
    Credential,
    /// The answer is not what was asked for.
    #[error("{request}: {reason}")]
    BadData {
        /// Method and address, or the file.
        request: String,
        /// What is wrong with it.
        reason: BadData,
    },
}

/// Why an answer as a whole is of no use.
#[derive(Debug, thiserror::Error)]
pub enum BadData {
    /// It is no JSON, or of another shape.
    #[error("not the expected JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Something is missing without which the rest has no meaning.
    #[error("there is no usable {0:?} in the answer")]
    Missing(&'static str),
    /// It has no number in it.
    #[error("there is no number in the answer")]
    Empty,
}

/// What to do about a refusal.
fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 => {
            " (the agent wants another credential: --auth-credential, --auth-credential-file or AUTH_CREDENTIAL)"
        }
        _ => "",
    }
}
