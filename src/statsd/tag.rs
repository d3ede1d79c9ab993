//! Says in a line which container it came from (`reference/metrics.md` 1.16.1, 1.16.2).
//!
//! A tagged line is the line cut in two or three, with text in between that was rendered when the container was
//! registered. Nothing is copied here: the pieces go straight into the outgoing datagram.

use crate::container::Container;
use crate::parameters::{Annotation, TagOrder};
use crate::statsd::lines::Line;

/// Whom the lines of an endpoint are from.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'a> {
    /// The only container of the endpoint.
    Container(&'a Container),
    /// The endpoint is shared and has several containers, or the line is older than its container.
    Unknown,
    /// The endpoint is shared and has no container now.
    Missing,
}

/// How lines are annotated: the same for all containers.
#[derive(Clone, Copy, Debug)]
pub struct Tagger {
    /// What is added.
    pub annotation: Annotation,
    /// Where tags go and in which order.
    pub order: TagOrder,
}

/// What one container's lines get, rendered once.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// For key prefixes: the prefix with its last dot.
    prefix: Box<[u8]>,
    /// A section of its own, `|#` and the tags; without its first two bytes, the tags alone.
    section: Box<[u8]>,
    /// A comma and the tags.
    appended: Box<[u8]>,
}

/// A line with its annotation, in the pieces it consists of. Some may be empty.
#[derive(Clone, Copy, Debug)]
pub struct Tagged<'a> {
    /// In order.
    pub pieces: [&'a [u8]; 4],
    /// Whether the line could be annotated. Events and service checks have no key that could get a prefix.
    pub annotated: bool,
}

impl Tagged<'_> {
    /// Bytes of the whole line.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len()).sum()
    }

    /// Whether there is no byte at all: an empty line, in mode `none`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Tagger {
    /// Prepares what the owner's lines will get.
    #[must_use]
    pub fn render(&self, owner: Owner<'_>) -> Rendered {
        let unknown = match (owner, self.order) {
            (Owner::Missing, TagOrder::ContainerFirst) => "missing_container",
            _ => "unknown_container",
        };
        let (prefix, tags) = match owner {
            Owner::Container(container) => {
                let (framework, executor) = (&container.framework_id, &container.executor_id);
                let id = container.id.leaf();
                let key = |id: &str| id.replace('.', "_");
                let tags = match self.order {
                    TagOrder::FrameworkFirst => {
                        format!("framework_id:{framework},executor_id:{executor},container_id:{id}")
                    }
                    TagOrder::ContainerFirst => {
                        format!("container_id:{id},executor_id:{executor},framework_id:{framework}")
                    }
                };
                (format!("{}.{}.{}.", key(framework), key(executor), key(id)), tags)
            }
            Owner::Unknown | Owner::Missing => (format!("{unknown}."), unknown.to_owned()),
        };
        Rendered {
            prefix: prefix.into_bytes().into(),
            section: format!("|#{tags}").into_bytes().into(),
            appended: format!(",{tags}").into_bytes().into(),
        }
    }

    /// The line with what was rendered for its container.
    #[must_use]
    pub fn tag<'a>(&self, line: Line<'a>, rendered: &'a Rendered) -> Tagged<'a> {
        let whole = line.bytes;
        match self.annotation {
            Annotation::None => Tagged {
                pieces: [whole, b"", b"", b""],
                annotated: true,
            },
            Annotation::KeyPrefix
                if whole[..].starts_with(b"_") && (line.is_event() || line.is_service_check()) =>
            {
                Tagged {
                    pieces: [whole, b"", b"", b""],
                    annotated: false,
                }
            }
            Annotation::KeyPrefix => Tagged {
                pieces: [&rendered.prefix, whole, b"", b""],
                annotated: true,
            },
            Annotation::TagDatadog => Tagged {
                pieces: self.with_tags(line, rendered),
                annotated: true,
            },
        }
    }

    fn with_tags<'a>(&self, line: Line<'a>, rendered: &'a Rendered) -> [&'a [u8]; 4] {
        let Place { section, end } = place(line);
        let whole = line.bytes;
        let Some(section) = section else {
            return [&whole[..end], &rendered.section, &whole[end..], b""];
        };
        let tags = match whole[end - 1] {
            b',' | b'#' => &rendered.appended[1..],
            _ => &rendered.appended,
        };
        match self.order {
            TagOrder::FrameworkFirst => [&whole[..end], tags, &whole[end..], b""],
            // Before May 2016 the section moved behind the others. A service check's message has to stay last.
            TagOrder::ContainerFirst if line.is_service_check() => [&whole[..end], tags, &whole[end..], b""],
            TagOrder::ContainerFirst => [&whole[..section], &whole[end..], &whole[section..end], tags],
        }
    }
}

/// Where a line's container tags go: at the `end` of the tag section that begins at `section` with `|#`, or, if it has none,
/// as a section of their own at `end`.
struct Place {
    section: Option<usize>,
    end: usize,
}

fn place(line: Line<'_>) -> Place {
    let whole = line.bytes;
    let (tags, limit) = match whole {
        [b'_', ..] if line.is_event() => (event_tags(line), whole.len()),
        [b'_', ..] if line.is_service_check() => {
            let limit = memchr::memmem::find(whole, b"|m:").unwrap_or(whole.len());
            (line.tags.filter(|&start| start <= limit), limit)
        }
        _ => (line.tags, whole.len()),
    };
    match tags {
        None => Place {
            section: None,
            end: limit,
        },
        Some(start) => {
            let end = memchr::memchr(b'|', &whole[start..limit]).map_or(limit, |at| start + at);
            Place {
                section: Some(start - 2),
                end,
            }
        }
    }
}

/// The start of the tags behind an event's title and text, which are skipped by the lengths the event begins with:
/// `_e{5,4}:title|text`. Where the lengths are wrong, the first `|#` is as good as any.
fn event_tags(line: Line<'_>) -> Option<usize> {
    let Some(behind) = event_body_end(line.bytes) else {
        return line.tags;
    };
    memchr::memmem::find(&line.bytes[behind..], b"|#").map(|at| behind + at + 2)
}

fn event_body_end(event: &[u8]) -> Option<usize> {
    let close = memchr::memchr(b'}', event)?;
    let (title, text) = std::str::from_utf8(event.get(3..close)?).ok()?.split_once(',')?;
    // "}:" before the title, "|" between it and the text.
    let behind = title
        .parse::<usize>()
        .ok()?
        .checked_add(text.parse().ok()?)?
        .checked_add(close + 3)?;
    (behind <= event.len()).then_some(behind)
}

#[cfg(test)]
mod tests;
