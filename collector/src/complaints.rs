//! What is wrong is logged when it begins, when it changes and when it is over, not at every poll.

/// The last complaint about one thing.
#[derive(Debug)]
pub(crate) struct Complaints {
    about: &'static str,
    last: Option<String>,
}

impl Complaints {
    pub(crate) fn new(about: &'static str) -> Self {
        Self { about, last: None }
    }

    /// `problem` is there; whether that was worth a line in the log.
    pub(crate) fn problem(&mut self, problem: String) -> bool {
        if self.last.as_ref() == Some(&problem) {
            return false;
        }
        log::warn!("{}: {problem}", self.about);
        self.last = Some(problem);
        true
    }

    /// There is no problem; whether that was worth a line in the log.
    pub(crate) fn none(&mut self) -> bool {
        let over = self.last.take().is_some();
        if over {
            log::info!("{}: works again", self.about);
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_logged() {
        let mut complaints = Complaints::new("state");
        assert!(!complaints.none());
        assert!(complaints.problem("a".to_owned()));
        assert!(!complaints.problem("a".to_owned()));
        assert!(complaints.problem("b".to_owned()));
        assert!(complaints.none());
        assert!(!complaints.none());
        assert!(complaints.problem("b".to_owned()));
    }
}
