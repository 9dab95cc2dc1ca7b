//! The write queue against a naive model: one string of bytes.

use std::io::IoSlice;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use tepal_core::stream::{FlowControl, WriteQueue};

#[derive(Clone, Debug)]
enum Action {
    /// A chunk is written, of which this many bytes were sent directly if the queue was empty.
    Write(Vec<u8>, usize),
    /// The kernel takes so many bytes of what at most so many buffers show.
    Send { count: usize, buffers: usize },
    /// Everything is given up.
    Abort,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (vec(any::<u8>(), 0..40), 0..50_usize).prop_map(|(bytes, sent)| Action::Write(bytes, sent)),
        6 => (0..120_usize, 1..6_usize).prop_map(|(count, buffers)| Action::Send { count, buffers }),
        1 => Just(Action::Abort),
    ]
}

proptest! {
    #[test]
    fn the_queue_is_one_string_of_bytes(actions in vec(action(), 0..80)) {
        let mut queue: WriteQueue<Vec<u8>> = WriteQueue::new();
        let mut model: Vec<u8> = Vec::new();
        let mut pushed = 0_usize;
        let mut released = 0_usize;
        for action in actions {
            match action {
                Action::Write(bytes, sent) => {
                    let sent = if queue.is_empty() { sent.min(bytes.len()) } else { 0 };
                    model.extend_from_slice(&bytes[sent..]);
                    let kept = queue.push(bytes, sent).is_none();
                    pushed += usize::from(kept);
                }
                Action::Send { count, buffers } => {
                    let mut places = vec![IoSlice::new(&[]); buffers];
                    let shown: Vec<u8> = queue
                        .next(&mut places)
                        .iter()
                        .flat_map(|piece| piece.iter().copied())
                        .collect();
                    prop_assert!(model.starts_with(&shown));
                    prop_assert!(!shown.is_empty() || model.is_empty());
                    let count = count.min(shown.len());
                    queue.advance(count, |_chunk| released += 1);
                    model.drain(..count);
                }
                Action::Abort => {
                    released += queue.take_all().len();
                    model.clear();
                }
            }
            prop_assert_eq!(queue.size(), model.len());
            prop_assert_eq!(queue.is_empty(), model.is_empty());
            prop_assert_eq!(queue.pieces().flatten().copied().collect::<Vec<u8>>(), model.clone());
            prop_assert!(queue.pieces().all(|piece| !piece.is_empty()));
            prop_assert_eq!(queue.chunks().count(), pushed - released);
        }
    }

    #[test]
    fn a_writer_is_paused_exactly_between_the_limits(
        high in 0..100_i64,
        low in 0..100_i64,
        sizes in vec(0..200_usize, 0..60),
    ) {
        let mut flow = FlowControl::default();
        let valid = flow.set_limits(Some(high), Some(low)).is_ok();
        prop_assert_eq!(valid, high >= low);
        let (low, high) = flow.limits();
        let (mut before, mut paused) = (0, false);
        for size in sizes {
            let told = if size > before { flow.grew(size) } else { flow.shrank(size) };
            let expected = if size > before { !paused && size > high } else { paused && size <= low };
            prop_assert_eq!(told, expected);
            paused ^= told;
            prop_assert_eq!(flow.is_paused(), paused);
            before = size;
        }
    }
}
