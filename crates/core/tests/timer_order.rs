//! The order in which timers leave, against a sorted list that is obviously right.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use tepal_core::TimerHeap;

/// What can be done to a heap. Deadlines come from a small range, so that many are equal.
#[derive(Clone, Debug)]
enum Operation {
    Push(u64),
    Pop,
    PopDue(u64),
    Cancel(usize),
    Compact,
    TakeAll,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        24 => (0..40_u64).prop_map(Operation::Push),
        6 => (0..u64::MAX).prop_map(Operation::Push),
        6 => proptest::strategy::Just(Operation::Pop),
        6 => (0..40_u64).prop_map(Operation::PopDue),
        8 => any::<usize>().prop_map(Operation::Cancel),
        2 => proptest::strategy::Just(Operation::Compact),
        1 => proptest::strategy::Just(Operation::TakeAll),
    ]
}

/// What a heap should be: deadline, number of the push, cancelled; in the order in which they leave.
#[derive(Default)]
struct Model {
    sorted: Vec<(u64, usize, bool)>,
}

impl Model {
    fn push(&mut self, deadline: u64, number: usize) {
        let place = self
            .sorted
            .partition_point(|&(other, ..)| other <= deadline);
        self.sorted.insert(place, (deadline, number, false));
    }

    fn pop(&mut self) -> Option<usize> {
        (!self.sorted.is_empty()).then(|| self.sorted.remove(0).1)
    }

    fn pop_due(&mut self, now: u64) -> Option<usize> {
        if self.sorted.first()?.0 > now {
            None
        } else {
            self.pop()
        }
    }

    fn is_cancelled(&self, number: usize) -> bool {
        self.sorted
            .iter()
            .any(|&(_, other, cancelled)| other == number && cancelled)
    }
}

proptest! {
    #[test]
    fn leaves_in_the_order_of_the_model(operations in vec(operation(), 0..300)) {
        let mut heap = TimerHeap::new();
        let mut model = Model::default();
        for (number, operation) in operations.into_iter().enumerate() {
            match operation {
                Operation::Push(deadline) => {
                    heap.push(deadline, number);
                    model.push(deadline, number);
                }
                Operation::Pop => prop_assert_eq!(heap.pop(), model.pop()),
                Operation::PopDue(now) => prop_assert_eq!(heap.pop_due(now), model.pop_due(now)),
                Operation::Cancel(which) if !model.sorted.is_empty() => {
                    let index = which % model.sorted.len();
                    model.sorted[index].2 = true;
                }
                Operation::Cancel(_) => {}
                Operation::Compact => {
                    let mut dead = heap.compact(|&number| model.is_cancelled(number));
                    dead.sort_unstable();
                    let (gone, kept): (Vec<_>, _) = model.sorted.iter().copied().partition(|entry| entry.2);
                    model.sorted = kept;
                    let mut expected: Vec<_> = gone.iter().map(|entry| entry.1).collect();
                    expected.sort_unstable();
                    prop_assert_eq!(dead, expected);
                }
                Operation::TakeAll => {
                    let mut all = heap.take_all();
                    all.sort_unstable();
                    let mut expected: Vec<_> = model.sorted.drain(..).map(|entry| entry.1).collect();
                    expected.sort_unstable();
                    prop_assert_eq!(all, expected);
                }
            }
            let first = model.sorted.first();
            prop_assert_eq!(heap.len(), model.sorted.len());
            prop_assert_eq!(heap.is_empty(), model.sorted.is_empty());
            prop_assert_eq!(heap.next_deadline(), first.map(|entry| entry.0));
            prop_assert_eq!(heap.peek(), first.map(|entry| &entry.1));
            if number % 16 == 0 {
                let mut inside: Vec<_> = heap.iter().map(|(deadline, &number)| (deadline, number)).collect();
                inside.sort_unstable();
                let expected: Vec<_> = model.sorted.iter().map(|entry| (entry.0, entry.1)).collect();
                prop_assert_eq!(inside, expected, "equal deadlines stand in the order of their pushes");
            }
        }
        while let Some(expected) = model.pop() {
            prop_assert_eq!(heap.pop(), Some(expected));
        }
        prop_assert!(heap.pop().is_none());
    }

    #[test]
    fn compaction_is_due_past_a_hundred_and_past_half(live in 0_usize..400, cancelled in 0_usize..400) {
        let mut heap = TimerHeap::new();
        for number in 0..live + cancelled {
            heap.push(number as u64 % 7, number);
        }
        let mut due = false;
        for _ in 0..cancelled {
            due = heap.note_cancelled();
        }
        prop_assert_eq!(due, cancelled > 100 && 2 * cancelled > live + cancelled);
    }
}

#[test]
fn equal_deadlines_leave_as_they_came() {
    let mut heap = TimerHeap::new();
    for number in 0..1_000 {
        heap.push(5, number);
    }
    let order: Vec<i32> = std::iter::from_fn(|| heap.pop_due(5)).collect();
    assert!(order.is_sorted());
    assert_eq!(order.len(), 1_000);
}

#[test]
fn a_million_live_at_once() {
    const COUNT: u64 = 1_000_000;
    let mut heap = TimerHeap::new();
    let mut deadline = 1_u64;
    for number in 0..COUNT {
        deadline = deadline
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        heap.push(deadline >> 20, number);
    }
    let mut last = 0;
    let mut left = 0;
    while let Some(deadline) = heap.next_deadline() {
        assert!(deadline >= last);
        last = deadline;
        left += u64::from(heap.pop().is_some());
    }
    assert_eq!(left, COUNT);
}
