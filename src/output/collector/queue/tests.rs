use super::*;
use proptest::prelude::*;

fn next(queue: &Queue) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 4];
    let count = queue.slices(&mut slices);
    slices[..count].iter().flat_map(|slice| slice.to_vec()).collect()
}

#[test]
fn drops_the_oldest_but_not_the_one_on_the_wire() {
    let mut queue = Queue::new(10);
    assert_eq!(queue.push(b"aaaa".to_vec(), 1), Left::default());
    assert_eq!(queue.push(b"bbbb".to_vec(), 2), Left::default());
    assert_eq!(
        queue.push(b"cccc".to_vec(), 4),
        Left {
            blocks: 1,
            datapoints: 1,
            bytes: 4
        }
    );
    assert_eq!(queue.written(1), Left::default());
    assert_eq!(
        queue.push(b"dddd".to_vec(), 8),
        Left {
            blocks: 1,
            datapoints: 4,
            bytes: 4
        }
    );
    assert_eq!(next(&queue), b"bbbdddd");
    queue.rewind();
    assert_eq!(next(&queue), b"bbbbdddd");
    assert_eq!(
        queue.written(6),
        Left {
            blocks: 1,
            datapoints: 2,
            bytes: 4
        }
    );
    assert_eq!(next(&queue), b"dd");
    assert_eq!(
        queue.clear(),
        Left {
            blocks: 1,
            datapoints: 8,
            bytes: 4
        }
    );
    assert!(queue.is_empty());
    assert_eq!(queue.bytes(), 0);
}

#[test]
fn a_block_larger_than_the_bound_is_dropped_itself() {
    let mut queue = Queue::new(3);
    assert_eq!(
        queue.push(b"abcd".to_vec(), 9),
        Left {
            blocks: 1,
            datapoints: 9,
            bytes: 4
        }
    );
    assert!(queue.is_empty());
}

fn left(blocks: u64, datapoints: u64, bytes: u64) -> Left {
    Left {
        blocks,
        datapoints,
        bytes,
    }
}

#[test]
fn what_is_not_acknowledged_is_sent_again() {
    let mut queue = Queue::new(100);
    queue.connected(true);
    queue.push(b"aaaa".to_vec(), 1);
    queue.push(b"bbbb".to_vec(), 2);
    queue.push(b"cccc".to_vec(), 4);
    assert_eq!(queue.written(9), Left::default());
    assert_eq!(queue.acknowledged(0), Ok(Left::default()));
    assert_eq!(queue.acknowledged(1), Ok(left(1, 1, 4)));
    assert_eq!(queue.acknowledged(1), Ok(Left::default()));
    assert_eq!(next(&queue), b"ccc");
    assert_eq!(queue.rewind().again, 2);
    queue.connected(true);
    assert_eq!(next(&queue), b"bbbbcccc");
    queue.written(4);
    assert_eq!(queue.acknowledged(1), Ok(left(1, 2, 4)));
    let error = queue.acknowledged(2).unwrap_err();
    assert_eq!(error.to_string(), "the collector acknowledges 2 blocks of 1");
}

#[test]
fn a_block_that_is_refused_again_and_again_leaves() {
    let mut queue = Queue::new(100);
    queue.push(b"aaaa".to_vec(), 1);
    queue.push(b"bbbb".to_vec(), 2);
    for refusal in 1..=REFUSALS {
        queue.connected(true);
        queue.acknowledged(0).unwrap();
        queue.written(8);
        let refused = if refusal == REFUSALS {
            left(1, 1, 4)
        } else {
            Left::default()
        };
        assert_eq!(queue.rewind().refused, refused);
    }
    assert_eq!((next(&queue), queue.bytes()), (b"bbbb".to_vec(), 4));
    // One that never spoke has refused nothing, and one that has taken something over has not refused the rest.
    for _ in 0..=REFUSALS {
        queue.connected(true);
        queue.written(4);
        assert_eq!(queue.rewind().refused, Left::default());
    }
}

#[test]
fn a_peer_that_says_nothing_has_what_the_kernel_has() {
    let mut queue = Queue::new(100);
    queue.connected(true);
    queue.push(b"aaaa".to_vec(), 1);
    queue.push(b"bbbb".to_vec(), 2);
    queue.written(6);
    assert_eq!(queue.peer, Peer::MayAcknowledge);
    assert_eq!(queue.peer_is_silent(), left(1, 1, 4));
    assert_eq!(queue.written(2), left(1, 2, 4));
    // Its first word comes late.
    queue.push(b"cccc".to_vec(), 4);
    assert_eq!(queue.acknowledged(1), Ok(Left::default()));
    assert_eq!(queue.written(4), Left::default());
    assert_eq!(queue.acknowledged(3), Ok(left(1, 4, 4)));
}

#[test]
fn no_more_than_half_of_the_bound_waits_for_an_acknowledgement() {
    let mut queue = Queue::new(20);
    queue.connected(true);
    for _ in 0..4 {
        queue.push(b"aaaa".to_vec(), 1);
    }
    assert_eq!(next(&queue).len(), 12);
    queue.written(12);
    assert!(!queue.is_writable());
    assert_eq!(next(&queue), b"");
    // What waits is bounded as ever, and what was sent stays.
    assert_eq!(queue.push(b"bbbb".to_vec(), 2), Left::default());
    assert_eq!(queue.push(b"cccc".to_vec(), 4), left(1, 1, 4));
    assert_eq!(queue.acknowledged(2), Ok(left(2, 2, 8)));
    assert!(queue.is_writable());
    assert_eq!(next(&queue), b"bbbbcccc");
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    Write(usize),
    Acknowledge(u64),
    GiveUpWaiting,
    Disconnect(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_usize..8).prop_map(Step::Push),
        4 => (0_usize..20).prop_map(Step::Write),
        3 => (0_u64..4).prop_map(Step::Acknowledge),
        1 => Just(Step::GiveUpWaiting),
        1 => any::<bool>().prop_map(Step::Disconnect),
    ]
}

/// Ends the connection. Which block is refused too often has a test of its own.
fn leave_refused(queue: &mut Queue, model: &mut Vec<Vec<u8>>, sent: &mut usize) -> u64 {
    let rewound = queue.rewind();
    if rewound.refused.blocks > 0 {
        model.remove(0);
        *sent = sent.saturating_sub(1);
    }
    rewound.again
}

proptest! {
    /// Against a plain model: a list of blocks, of which some are sent and the next has some bytes written. Every block
    /// is in it once, has left once, or was dropped once.
    #[test]
    fn behaves_like_a_list(may_acknowledge in any::<bool>(), steps in proptest::collection::vec(step(), 0..80)) {
        let limit = 20;
        let mut queue = Queue::new(limit);
        queue.connected(may_acknowledge);
        let mut keeps = may_acknowledge;
        let mut model: Vec<Vec<u8>> = Vec::new();
        let (mut sent, mut gone, mut written) = (0, 0, 0);
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Push(length) => {
                    let block = vec![u8::try_from(number).unwrap(); length];
                    model.push(block.clone());
                    let mut dropped = 0;
                    while model.iter().map(Vec::len).sum::<usize>() > limit && model.len() > sent + usize::from(written > 0) {
                        model.remove(sent + usize::from(written > 0));
                        dropped += 1;
                    }
                    prop_assert_eq!(queue.push(block, 1).datapoints, dropped);
                }
                Step::Write(count) => {
                    let count = count.min(next(&queue).len());
                    written += count;
                    while model.get(sent).is_some_and(|block| block.len() <= written) {
                        written -= model[sent].len();
                        sent += 1;
                    }
                    let leaving = if keeps { 0 } else { sent };
                    model.drain(..leaving);
                    sent -= leaving;
                    gone += leaving;
                    prop_assert_eq!(queue.written(count).datapoints, leaving as u64);
                }
                Step::Acknowledge(more) => {
                    let total = gone as u64 + more;
                    let result = queue.acknowledged(total);
                    keeps = true;
                    if more > sent as u64 {
                        prop_assert!(result.is_err());
                        // As the connection does.
                        leave_refused(&mut queue, &mut model, &mut sent);
                        (sent, gone, written) = (0, 0, 0);
                    } else {
                        let more = usize::try_from(more).unwrap();
                        model.drain(..more);
                        sent -= more;
                        gone += more;
                        prop_assert_eq!(result.unwrap().datapoints, more as u64);
                    }
                }
                Step::GiveUpWaiting => {
                    if queue.peer == Peer::MayAcknowledge {
                        prop_assert_eq!(queue.peer_is_silent().datapoints, sent as u64);
                        model.drain(..sent);
                        gone += sent;
                        sent = 0;
                        keeps = false;
                    }
                }
                Step::Disconnect(may_acknowledge) => {
                    let again = leave_refused(&mut queue, &mut model, &mut sent);
                    prop_assert_eq!(again, sent as u64);
                    queue.connected(may_acknowledge);
                    keeps = may_acknowledge;
                    (sent, gone, written) = (0, 0, 0);
                }
            }
            let rest: Vec<u8> = model[sent..].iter().flatten().copied().skip(written).collect();
            let offered = next(&queue);
            prop_assert!(rest.starts_with(&offered));
            prop_assert_eq!(queue.is_writable(), !offered.is_empty());
            let sent_bytes: usize = model[..sent].iter().map(Vec::len).sum();
            let begun = usize::from(written > 0);
            prop_assert!(!keeps || sent_bytes <= limit / 2 + 8 || offered.len() < 8 * begun.max(1));
            prop_assert!(keeps || model.is_empty() || !offered.is_empty());
            prop_assert_eq!(queue.bytes(), model.iter().map(Vec::len).sum::<usize>());
            prop_assert!(queue.bytes() <= limit);
        }
    }
}
