//! `grpc.reflection.v1alpha`.

use kitfox_core::{Context, Error, Streaming};

use super::{Reflection, ServerReflectionRequest, ServerReflectionResponse};

/// What a server offers.
#[kitfox::service(package = "grpc.reflection.v1alpha")]
pub trait ServerReflection {
    /// Answers each question in its turn.
    async fn server_reflection_info(
        &self,
        cx: &Context,
        questions: Streaming<ServerReflectionRequest>,
    ) -> Result<Streaming<ServerReflectionResponse>, Error>;
}

impl ServerReflection for Reflection {
    async fn server_reflection_info(
        &self,
        _: &Context,
        questions: Streaming<ServerReflectionRequest>,
    ) -> Result<Streaming<ServerReflectionResponse>, Error> {
        Ok(self.answer_all(questions))
    }
}
