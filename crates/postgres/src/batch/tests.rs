//! Groups of calls whose transactions are made up.

use ::runtime::Machine;
use tokio::sync::Semaphore;

use super::*;

/// What the groups were, and how many may end.
struct Office {
    groups: Mutex<Vec<Vec<u32>>>,
    may_end: Semaphore,
}

const BROKEN: u32 = 13;
const PANICS: u32 = 17;
const REFUSED: u32 = 19;
const DOWN: u32 = 23;

fn refused() -> StoreError {
    StoreError::Refused("on purpose".to_owned())
}

fn down() -> StoreError {
    StoreError::Unavailable("the database is down".to_owned())
}

/// A batch that doubles numbers.
fn doubling() -> (Arc<Office>, Arc<Batch<u32, u32>>) {
    let office = Arc::new(Office { groups: Mutex::default(), may_end: Semaphore::new(0) });
    let commits = Arc::clone(&office);
    let commit = move |inputs: Vec<Arc<u32>>| -> Group<u32> {
        let office = Arc::clone(&commits);
        Box::pin(async move {
            office.groups.lock().unwrap().push(inputs.iter().map(|input| **input).collect());
            office.may_end.acquire().await.unwrap().forget();
            let has = |number| inputs.iter().any(|input| **input == number);
            assert!(!has(PANICS), "on purpose");
            if has(BROKEN) {
                return Err(Fault::Broken("on purpose".to_owned()));
            }
            if has(DOWN) {
                return Err(Fault::Told(down()));
            }
            let answer = |input: &Arc<u32>| if **input == REFUSED { Err(refused()) } else { Ok(**input * 2) };
            Ok(inputs.iter().map(answer).collect())
        })
    };
    (office, Arc::new(Batch::start(Arc::new(Machine::new()), commit)))
}

/// Calls with these numbers, one after the other, once a group is under way.
async fn behind(
    office: &Office,
    batch: &Arc<Batch<u32, u32>>,
    numbers: &[u32],
    items: usize,
) -> Vec<Result<u32, StoreError>> {
    let machine: Arc<dyn Runtime> = Arc::new(Machine::new());
    let begin = |number: u32, items| {
        let (batch, (sender, answer)) = (Arc::clone(batch), oneshot::channel());
        let call = async move { drop(sender.send(batch.call(number, items).await)) };
        drop(machine.spawn("call", Box::pin(call)));
        answer
    };
    let mut answers = vec![begin(1, 1)];
    while office.groups.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    for number in numbers {
        answers.push(begin(*number, items));
        tokio::task::yield_now().await;
    }
    office.may_end.add_permits(1_000);
    let mut results = Vec::new();
    for answer in answers {
        results.push(answer.await.unwrap());
    }
    assert_eq!(results[0], Ok(2));
    results.split_off(1)
}

#[tokio::test]
async fn calls_gather_while_others_are_committed() {
    let (office, batch) = doubling();
    let answers = behind(&office, &batch, &[5, REFUSED, 6], 1).await;
    assert_eq!(answers, [Ok(10), Err(refused()), Ok(12)], "each has its own");
    assert_eq!(*office.groups.lock().unwrap(), [vec![1], vec![5, REFUSED, 6]]);
}

#[tokio::test]
async fn a_group_takes_no_more_than_it_may() {
    let (office, batch) = doubling();
    let answers = behind(&office, &batch, &[5, 6, 7], 600).await;
    assert_eq!(answers, [Ok(10), Ok(12), Ok(14)]);
    assert_eq!(*office.groups.lock().unwrap(), [vec![1], vec![5, 6], vec![7]]);
}

#[tokio::test]
async fn a_call_that_breaks_hinders_no_other() {
    let (office, batch) = doubling();
    let answers = behind(&office, &batch, &[5, BROKEN, 6], 1).await;
    assert_eq!(answers, [Ok(10), Err(StoreError::Unavailable("on purpose".to_owned())), Ok(12)]);
    assert_eq!(office.groups.lock().unwrap()[1..], [vec![5, BROKEN, 6], vec![5], vec![BROKEN], vec![6]]);
}

#[tokio::test]
async fn an_outage_is_told_to_all_and_nothing_is_repeated() {
    let (office, batch) = doubling();
    assert_eq!(behind(&office, &batch, &[5, DOWN], 1).await, [Err(down()), Err(down())]);
    assert_eq!(office.groups.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_panic_ends_its_group_alone() {
    let (office, batch) = doubling();
    assert_eq!(behind(&office, &batch, &[PANICS, 5], 1).await, [Err(given_up()), Err(given_up())]);
    assert_eq!(batch.call(7, 1).await, Ok(14), "the worker goes on");
}

#[tokio::test]
async fn callers_who_have_just_been_answered_are_in_the_next_group() {
    let (office, batch) = doubling();
    office.may_end.add_permits(1_000);
    let caller = async |number| {
        for _ in 0..3 {
            assert_eq!(batch.call(number, 1).await, Ok(2 * number));
        }
    };
    tokio::join!(caller(5), caller(6), caller(7));
    let mut groups = office.groups.lock().unwrap().clone();
    groups.iter_mut().for_each(|group| group.sort_unstable());
    assert_eq!(groups, vec![vec![5, 6, 7]; 3]);
}

#[tokio::test]
async fn a_caller_that_goes_away_changes_nothing_for_others() {
    let (office, batch) = doubling();
    let mut gone = Box::pin(batch.call(9, 1));
    let polled = std::future::poll_fn(|context| std::task::Poll::Ready(gone.as_mut().poll(context)));
    assert!(polled.await.is_pending());
    drop(gone);
    office.may_end.add_permits(2);
    assert_eq!(batch.call(7, 1).await, Ok(14));
    batch.close().await;
    assert_eq!(office.groups.lock().unwrap().concat().len(), 2, "what has begun is done");
}

#[tokio::test]
async fn closing_finishes_what_waits() {
    let (office, batch) = doubling();
    office.may_end.add_permits(10);
    let close = async {
        tokio::task::yield_now().await;
        batch.close().await;
    };
    let (first, second, third, ()) = tokio::join!(batch.call(5, 1), batch.call(6, 1), batch.call(7, 1), close);
    assert_eq!([first, second, third], [Ok(10), Ok(12), Ok(14)]);
    assert_eq!(batch.call(8, 1).await, Err(closed()));
    batch.close().await;
}
