//! An instance that stays registered, whatever the registry does.

use std::sync::Arc;
use std::time::Duration;

use kitfox_core::Platform;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{Backoff, Instance, Registrar, Registration, RegistryError};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How an instance stands with its registry.
#[derive(Clone, Debug)]
pub enum Standing {
    /// It was not registered yet.
    Registering,
    /// It is registered.
    Registered,
    /// It is not registered, since then and for this reason, and is being registered again.
    Failing(Instant, RegistryError),
    /// It has left.
    Left,
}

/// An instance that is registered again whenever its registration is lost.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use std::time::Duration;
/// use kitfox_core::Platform;
/// use kitfox_discovery::{Instance, Memory, Registered};
///
/// let registry = Memory::new();
/// let instance = Instance::new("127.0.0.1:8080");
/// let registered =
///     Registered::start(Arc::new(registry.clone()), "shop", instance, &Platform::system());
/// registered.settled().await;
/// assert_eq!(registry.instances("shop").len(), 1);
/// registered.leave(Duration::from_secs(1)).await.unwrap();
/// assert!(registry.instances("shop").is_empty());
/// # });
/// ```
#[derive(Debug)]
pub struct Registered {
    standing: watch::Receiver<Standing>,
    leave: CancellationToken,
}

impl Registered {
    /// Begins to register `instance` as one of `service`, as a background task of `platform`.
    #[must_use]
    pub fn start(
        registrar: Arc<dyn Registrar>,
        service: &str,
        instance: Instance,
        platform: &Platform,
    ) -> Self {
        let (tell, standing) = watch::channel(Standing::Registering);
        let leave = CancellationToken::new();
        let keeper = Keeper {
            registrar,
            service: service.to_owned(),
            instance,
            platform: platform.clone(),
            tell,
            leave: leave.clone(),
        };
        drop(platform.tasks().spawn(keeper.run()));
        Registered { standing, leave }
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// Waits until it stands otherwise.
    pub async fn changed(&mut self) {
        if self.standing.changed().await.is_err() {
            // Its task was ended: nothing changes any more.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the first attempt to register is over, whether it went well or not.
    pub async fn settled(&self) {
        let mut standing = self.standing.clone();
        let _ = standing.wait_for(|now| !matches!(now, Standing::Registering)).await;
    }

    /// Why it is not registered, for checks of readiness.
    ///
    /// # Errors
    /// Where it is not.
    pub fn check(&self) -> Result<(), String> {
        match self.standing() {
            Standing::Registered | Standing::Left => Ok(()),
            Standing::Registering => Err("not registered yet".to_owned()),
            Standing::Failing(since, error) => {
                Err(format!("not registered for {:.1} s: {error}", since.elapsed().as_secs_f64()))
            }
        }
    }

    /// Takes the instance out of its registry, and comes back when that is done, or after `limit`.
    ///
    /// # Errors
    /// Where the registry could not be told; it finds out by itself later.
    pub async fn leave(&self, limit: Duration) -> Result<(), RegistryError> {
        self.leave.cancel();
        let mut standing = self.standing.clone();
        let left = standing.wait_for(|now| matches!(now, Standing::Left | Standing::Failing(..)));
        let doing = "deregistering";
        match tokio::time::timeout(limit, left).await {
            Ok(Ok(standing)) => match &*standing {
                Standing::Failing(_, error) => Err(error.clone()),
                _ => Ok(()),
            },
            // Its task was ended.
            Ok(Err(_)) => Err(RegistryError::failed(doing, &"its background task has ended")),
            Err(_) => Err(RegistryError::failed(doing, &format!("no answer within {limit:?}"))),
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.leave.cancel();
    }
}

struct Keeper {
    registrar: Arc<dyn Registrar>,
    service: String,
    instance: Instance,
    platform: Platform,
    tell: watch::Sender<Standing>,
    leave: CancellationToken,
}

impl Keeper {
    async fn run(self) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let Some(outcome) = self.leave.run_until_cancelled(self.register()).await else {
                break;
            };
            let error = match outcome {
                Ok(mut registration) => {
                    backoff.reset();
                    self.tell.send_replace(Standing::Registered);
                    let (service, address) = (&self.service, &self.instance.address);
                    tracing::info!(service, address, "registered");
                    match self.leave.run_until_cancelled(registration.keep()).await {
                        Some(lost) => lost,
                        None => return self.deregister(registration).await,
                    }
                }
                Err(error) => error,
            };
            let pause = backoff.pause(self.platform.random());
            self.failing(error);
            if self.leave.run_until_cancelled(sleep(pause)).await.is_none() {
                break;
            }
        }
        self.tell.send_replace(Standing::Left);
    }

    async fn register(&self) -> Result<Box<dyn Registration>, RegistryError> {
        self.registrar.register(&self.service, &self.instance, &self.platform).await
    }

    async fn deregister(&self, registration: Box<dyn Registration>) {
        let standing = match registration.deregister().await {
            Ok(()) => Standing::Left,
            Err(error) => Standing::Failing(Instant::now(), error),
        };
        self.tell.send_replace(standing);
    }

    fn failing(&self, error: RegistryError) {
        let (service, registry) = (&self.service, self.registrar.describe());
        self.tell.send_modify(|standing| match standing {
            Standing::Failing(_, last) => *last = error,
            _ => {
                tracing::warn!(service, registry, %error, "not registered; trying again");
                *standing = Standing::Failing(Instant::now(), error);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    fn start(registry: &Memory) -> Registered {
        let (registrar, instance) = (Arc::new(registry.clone()), Instance::new("a:1"));
        Registered::start(registrar, "shop", instance, &Platform::system())
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_forgets_everybody_is_told_again() {
        let registry = Memory::new();
        let registered = start(&registry);
        registered.settled().await;
        registry.forget();
        assert!(registry.instances("shop").is_empty());
        sleep(Duration::from_millis(200)).await;
        assert_eq!(registry.instances("shop").len(), 1);
        assert!(registered.check().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_is_away_is_reported_and_told_when_it_is_back() {
        let registry = Memory::new();
        registry.fail(Some("away"));
        let registered = start(&registry);
        registered.settled().await;
        let why = registered.check().unwrap_err();
        assert!(why.contains("away"), "{why}");
        registry.fail(None);
        sleep(Duration::from_secs(1)).await;
        assert!(registered.check().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn leaving_is_told_and_ends_the_task() {
        let (registry, platform) = (Memory::new(), Platform::system());
        let registrar = Arc::new(registry.clone());
        let registered = Registered::start(registrar, "shop", Instance::new("a:1"), &platform);
        registered.settled().await;
        registered.leave(Duration::from_secs(1)).await.unwrap();
        assert!(registry.instances("shop").is_empty());
        platform.tasks().idle().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_cannot_be_told_is_an_error_of_leaving() {
        let registry = Memory::new();
        let registered = start(&registry);
        registered.settled().await;
        registry.fail(Some("away"));
        let error = registered.leave(Duration::from_secs(1)).await.unwrap_err();
        assert!(error.to_string().contains("away"), "{error}");
    }
}
