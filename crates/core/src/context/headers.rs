//! The headers of a call, and of the calls that it makes.

use std::sync::Arc;

use super::Context;
use crate::{Code, Error, Metadata};

impl Context {
    /// Headers that came with the call; on a call that goes out, those that go with it.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.call().metadata
    }

    /// With headers for the calls that this context makes. Headers that came in are never passed
    /// on by themselves: they may hold the caller's secrets.
    ///
    /// In a layer of a client, whose call is one that goes out, they go with that call, beside those
    /// of [`Context::metadata`] and in place of those of the same name.
    #[must_use]
    pub fn with_metadata(&self, metadata: Metadata) -> Self {
        let mut travel = self.0.travel.clone();
        travel.outgoing = Some(Arc::new(metadata));
        self.link(travel, None)
    }

    /// The headers that layers of a client have added to a call that goes out, for transports.
    #[must_use]
    pub fn added_metadata(&self) -> Option<&Metadata> {
        self.0.travel.outgoing.as_deref()
    }

    /// With one header more for the calls that this context makes, in place of one of that name; in a
    /// layer of a client for the call that goes out.
    ///
    /// ```
    /// # use kitfox_core::{Context, Error};
    /// # fn main() -> Result<(), Error> {
    /// # let cx = Context::background();
    /// let cx = cx.with_header("x-tenant", "blue")?;
    /// // strings.uppercase(&cx, request).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` when no header can have that name or that value.
    pub fn with_header(&self, name: &str, value: &str) -> Result<Self, Error> {
        let mut metadata = self.0.travel.outgoing.as_deref().cloned().unwrap_or_default();
        metadata.insert(name, value).map_err(|cause| {
            let why = format!("the call cannot have this header: {cause}");
            Error::by_layer("context", Code::InvalidArgument, why)
        })?;
        Ok(self.with_metadata(metadata))
    }

    /// The text of a header as it goes out with this call: one that a layer of the client has
    /// [added](Self::with_header) before one of [`Context::metadata`].
    #[must_use]
    pub fn outgoing_header(&self, name: &str) -> Option<&str> {
        let added = self.added_metadata().filter(|added| added.headers().contains_key(name));
        added.unwrap_or_else(|| self.metadata()).text(name)
    }
}
