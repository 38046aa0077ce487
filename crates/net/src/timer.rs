//! The time of a runtime, as hyper asks for it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::Sleep;
use runtime::{Alarm, Runtime};

/// Timers of a runtime for hyper's connections.
pub struct Timer(Arc<dyn Runtime>);

impl Timer {
    /// Timers of this runtime.
    pub const fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self(runtime)
    }
}

impl hyper::rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Sleeping { until: deadline, alarm: Mutex::new(Alarm::new(Arc::clone(&self.0))) })
    }

    fn now(&self) -> Instant {
        self.0.instant()
    }

    /// Costs neither memory nor a timer, as each request of a connection that stays open does it.
    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, new_deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<Sleeping>() {
            Some(sleeping) => sleeping.get_mut().until = new_deadline,
            None => *sleep = self.sleep_until(new_deadline),
        }
    }
}

/// One wait.
struct Sleeping {
    until: Instant,
    /// hyper wants to share what it waits for between threads. It is only ever used by one, so that the lock is never
    /// taken.
    alarm: Mutex<Alarm>,
}

impl Future for Sleeping {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.alarm.get_mut().unwrap_or_else(PoisonError::into_inner).poll_until(this.until, context)
    }
}

impl Sleep for Sleeping {}

#[cfg(test)]
mod tests {
    use hyper::rt::Timer as _;
    use runtime::Machine;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn hyper_waits_by_the_time_of_the_runtime_and_until_the_last_deadline() {
        let runtime: Arc<dyn Runtime> = Arc::new(Machine::new());
        let (timer, began) = (Timer::new(Arc::clone(&runtime)), runtime.instant());
        let at = |seconds| began + Duration::from_secs(seconds);
        timer.sleep(Duration::from_secs(5)).await;
        assert_eq!(timer.now(), at(5));
        let mut sleep = timer.sleep_until(at(10));
        for (looked_at, then) in [(6, 20), (15, 30), (29, 40), (39, 39)] {
            // It is set for the deadline that it has, which moves before it has passed.
            let waits = runtime.timeout_at(at(looked_at), &mut sleep).await;
            assert!(waits.is_err(), "at {looked_at}");
            timer.reset(&mut sleep, at(then));
        }
        sleep.await;
        assert_eq!(timer.now(), at(39));
    }
}
