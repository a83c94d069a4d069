//! Settings of a stack.

use kitfox_core::Method;
use kitfox_core::setting::{Change, Layers};

/// The settings of all layers of a stack.
pub(crate) trait StackSettings: Clone + Send + Sync + 'static {
    /// The layers by their places, from outside in: `rate_limit`.
    fn layers(&mut self) -> Layers<'_>;

    /// Those of which a method may have settings of its own.
    fn own_layers(&mut self) -> Layers<'_> {
        self.layers()
    }

    /// What a method's own settings begin with, before anybody overrides them.
    fn of_method(&self) -> Self;

    /// What must hold of the layers together.
    fn check(&self) -> Result<(), String>;

    /// What must hold of the settings of `method`, of which somebody has `said` something for it alone.
    fn check_own(&self, method: &Method, said: &[&Change]) -> Result<(), String>;
}
