//! Why a port cannot be.

use kitfox_core::Method;
use kitfox_core::contract::Route;

use super::cors::CorsError;

/// Two methods want the same place, a method wants a place that cannot be, or pages that cannot be
/// allowed to call are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// Two methods have the same path for gRPC and Connect; usually a service that was added twice.
    #[error("`{path}` is there twice: a service can be served once only")]
    SamePath {
        /// The path.
        path: &'static str,
    },
    /// A path that is none.
    #[error("the path `{path}` of `{service}` must begin with a slash")]
    BadPath {
        /// The path.
        path: &'static str,
        /// The service.
        service: &'static str,
    },
    /// Two methods want the same route.
    #[error(
        "the route `{verb} {template}` of `{second}` is in conflict with the route `{verb} {taken}` \
         of `{first}`: give one of them another path"
    )]
    SameRoute {
        /// The HTTP method of both.
        verb: &'static str,
        /// The template that came second.
        template: &'static str,
        /// The path of the method that it belongs to.
        second: &'static str,
        /// The template that came first.
        taken: &'static str,
        /// The path of the method that it belongs to.
        first: &'static str,
    },
    /// A route stands where a method has its path.
    #[error(
        "the route `{verb} {template}` of `{method}` is where gRPC and Connect find the method \
         `{template}`: give it another path"
    )]
    RouteIsMethod {
        /// The HTTP method.
        verb: &'static str,
        /// The template, which is the other method's path.
        template: &'static str,
        /// The path of the method that the route belongs to.
        method: &'static str,
    },
    /// A route that cannot be.
    #[error("the route `{verb} {template}` of `{method}` cannot be: {why}")]
    BadRoute {
        /// The HTTP method.
        verb: &'static str,
        /// The template.
        template: &'static str,
        /// The path of the method.
        method: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Pages that cannot be allowed to call.
    #[error(transparent)]
    Cors(#[from] CorsError),
}

impl RouteError {
    pub(super) fn same_path(first: &Method) -> Self {
        RouteError::SamePath { path: first.path }
    }

    pub(super) fn bad_path(method: &Method) -> Self {
        RouteError::BadPath { path: method.path, service: method.service }
    }

    pub(super) fn route_is_method(method: &Method, route: Route) -> Self {
        RouteError::RouteIsMethod {
            verb: route.verb.name(),
            template: route.template,
            method: method.path,
        }
    }

    pub(super) fn bad_route(method: &Method, route: Route, why: &'static str) -> Self {
        RouteError::BadRoute {
            verb: route.verb.name(),
            template: route.template,
            method: method.path,
            why,
        }
    }
}
