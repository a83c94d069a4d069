//! One service under the two names that clients know it by.

macro_rules! version {
    ($module:ident, $package:literal) => {
        #[doc = concat!("`", $package, "`.")]
        pub mod $module {
            use kitfox_core::{Context, Error, Streaming};

            use crate::reflection::{
                Reflection, ServerReflectionRequest, ServerReflectionResponse,
            };

            /// What a server offers.
            #[kitfox::service(package = $package)]
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
        }
    };
}

version!(v1, "grpc.reflection.v1");
version!(v1alpha, "grpc.reflection.v1alpha");
